package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

func (w *deadLetterWorld) ledger(t *testing.T, want int, args string) string {
	t.Helper()
	line := append([]string{"ledger"}, strings.Fields(args)...)
	code, out, errOut := weir(t, nil, append(line, "--database-url", w.db.URL(), "--brokers", strings.Join(w.broker.Config.Brokers, ","))...)
	if code != want {
		t.Fatalf("ledger %s: exit code %d, want %d\n%s%s", args, code, want, out, errOut)
	}
	return out + errOut
}

// TestClosedTrialBalanceOfALoss: what stands on the other side than is normal is printed there, so that no sum is below zero.
func TestClosedTrialBalanceOfALoss(t *testing.T) {
	line := func(code ledger.AccountCode, amount int64) topics.TrialBalanceLine {
		return topics.TrialBalanceLine{Code: string(code), Currency: "EUR", Amount: amount}
	}
	var out strings.Builder
	err := printClosed(&out, []topics.PeriodClosed{{EventID: "0-9-0", Tenant: "books", Month: "2026-10", Lines: []topics.TrialBalanceLine{
		line(ledger.Adjustments, -12001), line(ledger.CustomerWallet, -6799), line(ledger.PSPReceivable, 10300), line(ledger.RetainedEarnings, 8500),
	}}})
	want := `2026-10 of books is closed in 1 partitions. Its trial balance:

books EUR
account                rows                debit               credit
adjustments               1                                    120.01
customer_wallet           1                                     67.99
psp_receivable            1               103.00
retained_earnings         1                85.00
sum                                       188.00               188.00
balanced

`
	if err != nil || out.String() != want {
		t.Errorf("%v, got\n%s\nwant\n%s", err, out.String(), want)
	}
}

// TestClosePeriod closes a month over all partitions, and lets a late bonus count in the next one.
func TestClosePeriod(t *testing.T) {
	w := newDeadLetterWorld(t)
	w.start(t)
	month := ledger.MonthOf(time.Now().AddDate(0, 0, -time.Now().UTC().Day()))
	bonus := func(customer string, amount int64) {
		t.Helper()
		value, err := topics.Marshal(topics.WalletCommand{CommandID: uuid.Must(uuid.NewV7()).String(), Type: topics.WalletCredit, Tenant: "acme",
			CustomerID: customer, Amount: amount, Currency: "EUR", Reason: topics.ReasonBonus, EffectiveAt: month.Start().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.client.ProduceSync(t.Context(), &kgo.Record{Topic: topics.WalletCommands, Key: []byte(customer), Value: value}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	balanceIs := func(sum string) {
		t.Helper()
		until(t, func() string { return w.ledger(t, exitOK, "trial-balance") }, sum)
	}
	bonus(customers()[0], 1500)
	bonus(customers()[1], 734)
	balanceIs("22.34")

	request := "close-period --tenant acme --requested-by ana --approved-by bo --month "
	w.ledger(t, exitUsage, strings.Replace(request, "bo", "ana", 1)+month.String())
	w.ledger(t, exitUsage, request+ledger.MonthOf(time.Now()).String())
	w.ledger(t, exitUsage, request+"October")
	w.ledger(t, exitUsage, strings.Replace(request, "acme", "acne", 1)+month.String())
	got := w.ledger(t, exitOK, request+month.String())
	for _, want := range []string{month.String() + " of acme is closed in 2 partitions", "bonus_expense", "customer_wallet", "22.34", "balanced"} {
		if !strings.Contains(got, want) {
			t.Errorf("closing: %q is missing in\n%s", want, got)
		}
	}
	if strings.Contains(got, "retained_earnings") {
		t.Errorf("the trial balance is not the one before the closing entries:\n%s", got)
	}
	again := w.ledger(t, exitProblem, request+month.String())
	for partition := range deadLetterPartitions {
		if want := fmt.Sprintf("partition %d: finished: the periods up to %s are closed", partition, month); !strings.Contains(again, want) {
			t.Errorf("closing again: %q is missing in\n%s", want, again)
		}
	}
	if got := w.ledger(t, exitOK, "periods --tenant acme"); !strings.Contains(got, month.String()+"  2 ") || !strings.Contains(got, "ana ") {
		t.Errorf("the list of closed months:\n%s", got)
	}
	if later := w.ledger(t, exitOK, "periods --tenant acme --month "+month.String()); later != got {
		t.Errorf("the month was closed with\n%s\nand reads later as\n%s", got, later)
	}
	w.ledger(t, exitProblem, "periods --tenant acme --month 2020-01")
	if got := w.ledger(t, exitOK, "trial-balance"); !strings.Contains(got, "retained_earnings") {
		t.Errorf("nothing was carried to retained earnings:\n%s", got)
	}
	bonus(customers()[0], 100) // late
	balanceIs("23.34")
	w.fsck(t)
}
