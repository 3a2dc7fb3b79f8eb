package fsck

import (
	"fmt"
	"strings"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// told compares the balance that each wallet event, and the last one of a payout in its record, tells with the sum of the entries up to it, in the order of the log.
type told struct {
	has     map[holder]*topics.WalletBalance // of the wallets that the entries so far have opened
	unsure  bool                             // there are more than are kept
	waiting []toldBalance                    // of the record in hand, whose entries come first
	moved   []*topics.WalletBalance          // by the entry in hand
}

// holder is a customer in one currency.
type holder struct{ tenant, customer, currency string }

type toldBalance struct {
	holder
	event   string
	balance *topics.WalletBalance
}

func (t *told) event(e *topics.WalletEvent) {
	t.waiting = append(t.waiting, toldBalance{holder{e.Tenant, e.CustomerID, e.Currency}, e.EventID, e.Balance})
}

// payout takes the balance of a payout's event. A record's events may move money one after the other: the last one tells what
// all of its entries leave.
func (t *told) payout(e *topics.PayoutEvent) {
	if e.Balance == nil {
		return
	}
	last := toldBalance{holder{e.Tenant, e.CustomerID, e.Currency}, e.EventID, e.Balance}
	if n := len(t.waiting); n > 0 && t.waiting[n-1].holder == last.holder {
		t.waiting = t.waiting[:n-1]
	}
	t.waiting = append(t.waiting, last)
}

// dispute takes the balance of a dispute's event; a record books one.
func (t *told) dispute(e *topics.DisputeEvent) {
	if e.Balance != nil {
		t.waiting = append(t.waiting, toldBalance{holder{e.Tenant, e.CustomerID, e.Currency}, e.EventID, e.Balance})
	}
}

// entry adds an entry's postings up. Its texts need not outlive the call. It returns what a customer has who owes, too, after it,
// nil where none does: what is given repays debt first, and what is taken comes from the wallet first.
func (t *told) entry(e *topics.LedgerEntry) (both *topics.WalletBalance) {
	t.moved = t.moved[:0]
	for i := range e.Postings {
		line := &e.Postings[i]
		code := ledger.AccountCode(line.Code)
		if t.unsure || code != ledger.CustomerWallet && code != ledger.CustomerDebt && code != ledger.CustomerHold {
			continue
		}
		key := holder{e.Tenant, line.Owner, line.Currency}
		has := t.has[key]
		if has == nil {
			if len(t.has) == maxAccounts {
				t.unsure, t.has = true, nil
				return nil
			}
			has = new(topics.WalletBalance)
			t.has[holder{strings.Clone(key.tenant), strings.Clone(key.customer), strings.Clone(key.currency)}] = has
		}
		t.moved = append(t.moved, has)
		switch code {
		case ledger.CustomerWallet:
			has.Available -= line.Amount
		case ledger.CustomerHold:
			has.Held -= line.Amount
		case ledger.CustomerDebt:
			has.Debt += line.Amount
		}
	}
	for _, has := range t.moved {
		if has.Available > 0 && has.Debt > 0 {
			return has
		}
	}
	return nil
}

// toldBalances checks the events of the record in hand, once its entries are added up.
func (p *partitionCheck) toldBalances() {
	for i := range p.told.waiting {
		t := &p.told.waiting[i]
		has := p.told.has[t.holder]
		if !p.told.unsure && (has == nil) != (t.balance == nil) || has != nil && t.balance != nil && *has != *t.balance {
			p.problem("wallet", "event "+t.event, "it tells the balance %s, the entries up to it give %s", balanceName(t.balance), balanceName(has))
		}
	}
	p.told.waiting = p.told.waiting[:0]
}

func balanceName(b *topics.WalletBalance) string {
	if b == nil {
		return "none"
	}
	return fmt.Sprintf("available %d, held %d, debt %d", b.Available, b.Held, b.Debt)
}
