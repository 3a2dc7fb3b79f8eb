package ledger

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// undone is a way of a movement there and back: its entries together move nothing.
type undone struct {
	templates []string
	spends    bool // its first entry is a command: the customer must have the amount
	solvent   bool // what it gives, it takes back by command: the customer must owe nothing, which would be repaid of it
	entries   []func(c Customer, amount int64, s Standing) (Entry, error)
}

// plain is a template that does not look at what the customer has.
func plain(template func(Customer, int64) (Entry, error)) func(Customer, int64, Standing) (Entry, error) {
	return func(c Customer, amount int64, _ Standing) (Entry, error) { return template(c, amount) }
}

func ways() []undone {
	type entry = func(c Customer, amount int64, s Standing) (Entry, error)
	entries := func(all ...entry) []entry { return all }
	credit := func(reason AccountCode) entry {
		return func(c Customer, amount int64, s Standing) (Entry, error) { return WalletCredited(c, reason, amount, s) }
	}
	debit := func(other AccountCode) entry {
		return func(c Customer, amount int64, _ Standing) (Entry, error) { return WalletDebited(c, other, amount) }
	}
	inCase := func(template func(Customer, int64, string) (Entry, error)) entry {
		return func(c Customer, amount int64, _ Standing) (Entry, error) { return template(c, amount, "case-1") }
	}
	// Of what the PSP takes, two thirds were refundable, and the rest is the payment's excess when it comes back.
	taken := func(template func(Customer, int64, int64, Standing) (Entry, error)) entry {
		return func(c Customer, amount int64, s Standing) (Entry, error) { return template(c, amount, amount*2/3, s) }
	}
	back := func(template entry) entry {
		return func(c Customer, amount int64, s Standing) (Entry, error) {
			s.Excess = amount - amount*2/3
			return template(c, amount, s)
		}
	}
	paid := func(c Customer, amount int64, _ Standing) (Entry, error) { return PayoutPaid(c, amount, 0) }
	strayReceived := func(c Customer, amount int64, _ Standing) (Entry, error) { return StrayReceived(c, amount, 0) }
	rolledBack := func(net func(amount int64) int64) entry {
		return func(c Customer, amount int64, s Standing) (Entry, error) { return RoundRolledBack(c, net(amount), s) }
	}
	return []undone{
		{[]string{TemplateRefundRequested, TemplateRefundFailed}, true, false, entries(plain(RefundRequested), RefundFailed)},
		{[]string{TemplateRefundRequested, TemplateRefundSettled, TemplateRefundReversed}, true, false,
			entries(plain(RefundRequested), plain(RefundSettled), RefundReversed)},
		{[]string{TemplateRefundForced, TemplateRefundReversed}, false, false, entries(taken(RefundForced), back(RefundReversed))},
		{[]string{TemplateChargebackWithdrawn, TemplateChargebackReinstated}, false, false,
			entries(taken(ChargebackWithdrawn), back(ChargebackReinstated))},
		{[]string{TemplateChargebackFeeCharged, TemplateChargebackFeeReturned}, false, false,
			entries(plain(ChargebackFeeCharged), plain(ChargebackFeeReturned))},
		{[]string{TemplatePayoutHeld, TemplatePayoutCancelled}, true, false, entries(plain(PayoutHeld), PayoutCancelled)},
		{[]string{TemplatePayoutHeld, TemplatePayoutSent, TemplatePayoutFailed}, true, false,
			entries(plain(PayoutHeld), plain(PayoutSent), PayoutFailed)},
		{[]string{TemplatePayoutHeld, TemplatePayoutSent, TemplatePayoutPaid, TemplatePayoutReturned}, true, false,
			entries(plain(PayoutHeld), plain(PayoutSent), paid, PayoutReturned)},
		{[]string{TemplatePayoutForced, TemplatePayoutReturned}, false, false,
			entries(func(c Customer, amount int64, s Standing) (Entry, error) { return PayoutForced(c, amount, 0, s) }, PayoutReturned)},
		{[]string{TemplateGameDebit, TemplateRoundRolledBack}, true, false,
			entries(debit(GameRevenue), rolledBack(func(amount int64) int64 { return amount }))},
		{[]string{TemplateGameCredit, TemplateRoundRolledBack}, false, false,
			entries(credit(GameRevenue), rolledBack(func(amount int64) int64 { return -amount }))},
		{[]string{TemplateGameDebit, TemplateGameCredit, TemplateGameCredit, TemplateRoundRolledBack}, true, false,
			entries(debit(GameRevenue), credit(GameRevenue), credit(GameRevenue), rolledBack(func(amount int64) int64 { return -amount }))},
		{[]string{TemplateBonusGranted, TemplateBonusTakenBack}, false, true, entries(credit(BonusExpense), debit(BonusExpense))},
		{[]string{TemplateBonusTakenBack, TemplateBonusGranted}, true, false, entries(debit(BonusExpense), credit(BonusExpense))},
		{[]string{TemplatePurchase, TemplatePurchaseRefunded}, true, false, entries(debit(SalesRevenue), credit(SalesRevenue))},
		{[]string{TemplateAdjustmentCredit, TemplateAdjustmentDebit}, false, true, entries(credit(Adjustments), debit(Adjustments))},
		{[]string{TemplateAdjustmentDebit, TemplateAdjustmentCredit}, true, false, entries(debit(Adjustments), credit(Adjustments))},
		{[]string{TemplateHoldPlaced, TemplateHoldReleased}, true, false, entries(plain(HoldPlaced), HoldReleased)},
		{[]string{TemplateHoldPlaced, TemplateChargebackWithdrawn, TemplateHoldReleased, TemplateChargebackReinstated}, true, false,
			entries(plain(HoldPlaced), taken(ChargebackWithdrawn), HoldReleased, back(ChargebackReinstated))},
		{[]string{TemplateTransferSent, TemplateTransferRefused}, true, false, entries(plain(TransferSent), TransferRefused)},
		{[]string{TemplateTransferSent, TemplateTransferReceived}, true, false, entries(plain(TransferSent), TransferReceived)}, // to oneself
		{[]string{TemplateMerchantSale, TemplateMerchantSaleRefunded}, true, false,
			entries(func(c Customer, amount int64, _ Standing) (Entry, error) {
				return MerchantSale(c, merchant, amount, amount/10)
			},
				func(c Customer, amount int64, s Standing) (Entry, error) {
					return MerchantSaleRefunded(c, merchant, amount, amount/10, s)
				})},
		{[]string{TemplatePSPFeeAccrued, TemplatePSPFeeCharged}, false, false, entries(plain(PSPFeeAccrued),
			func(c Customer, amount int64, _ Standing) (Entry, error) { return PSPFeeCharged(c, 0, amount) })},
		{[]string{TemplateStrayReceived, TemplateStrayReturned, TemplateStrayReceived, TemplateStrayReturned}, false, false, entries(
			strayReceived, plain(StrayReturned), strayReceived, plain(StrayReturned))},
		{[]string{TemplateExcessSuspended, TemplateExcessRecovered}, false, false, entries(inCase(ExcessSuspended), inCase(ExcessRecovered))},
	}
}

// TestUndone: from any state, each way there and back leaves every balance as it was.
func TestUndone(t *testing.T) {
	shown := map[string]bool{}
	for _, way := range ways() {
		for i := range way.templates[1:] {
			shown[way.templates[i]+" "+way.templates[i+1]] = true
		}
	}
	for _, template := range Templates() {
		if template.UndoneBy != "" && !shown[template.Name+" "+template.UndoneBy] {
			t.Errorf("no way goes from %s to %s, which undoes it", template.Name, template.UndoneBy)
		}
	}
	all := movements()
	names := slices.Sorted(maps.Keys(all))
	walked := make([]int, len(ways()))
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.small = true
		w.open()
		for range rapid.IntRange(0, 20).Draw(t, "steps") {
			w.step(all[evenly(t, names)])
		}
		for i, way := range ways() {
			c, amount := w.customer(), rapid.Int64Range(1, 1000).Draw(t, "amount")
			standing := w.book.Standing(c)
			if way.spends && standing.Available == 0 || way.solvent && standing.Debt > 0 {
				continue
			}
			if way.spends {
				amount = min(amount, standing.Available)
			}
			way.walk(t, w.book, c, amount)
			walked[i]++
		}
	})
	for i, way := range ways() {
		if walked[i] == 0 && !t.Failed() {
			t.Errorf("%v was never walked", way.templates)
		}
	}
}

func (way *undone) walk(t *rapid.T, book *Balances, c Customer, amount int64) {
	before := maps.Clone(book.minor)
	for i, entry := range way.entries {
		e, err := entry(c, amount, book.Standing(c))
		if err == nil {
			err = book.Apply(&e)
		}
		if err != nil {
			t.Fatalf("%s: %v", way.templates[i], err)
		}
		if e.Template != way.templates[i] {
			t.Fatalf("entry %d is %s, want %s", i, e.Template, way.templates[i])
		}
	}
	for id, balance := range book.minor {
		if before[id] != balance {
			t.Fatalf("%v of %d for %+v: account %s went from %d to %d", way.templates, amount, c, id, before[id], balance)
		}
	}
}
