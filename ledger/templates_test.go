package ledger

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// book is an entry in one line: its template and postings, or what is wrong with it.
func book(e Entry, err error) string {
	if err != nil {
		return err.Error()
	}
	var lines []string
	for _, p := range e.Postings {
		lines = append(lines, fmt.Sprintf("%s %d", p.Account.Code, p.Minor))
	}
	return e.Template + ": " + strings.Join(lines, ", ")
}

func TestTemplates(t *testing.T) {
	none := Standing{}
	for _, c := range []struct{ name, got, want string }{
		{"capture", book(DepositCaptured(ana, 1000, 30, none)),
			"deposit_captured: psp_receivable 970, psp_fees 30, customer_wallet -1000"},
		{"without fee", book(DepositCaptured(ana, 1000, 0, none)),
			"deposit_captured: psp_receivable 1000, customer_wallet -1000"},
		{"fee takes it all", book(DepositCaptured(ana, 30, 30, none)),
			"deposit_captured: psp_fees 30, customer_wallet -30"},
		{"fee above the amount", book(DepositCaptured(ana, 10, 30, none)),
			"deposit_captured: psp_receivable -20, psp_fees 30, customer_wallet -10"},
		{"rebate", book(DepositCaptured(ana, 10, -1, none)),
			"deposit_captured: psp_receivable 11, psp_fees -1, customer_wallet -10"},
		{"repays part of a debt", book(DepositCaptured(ana, 1000, 30, Standing{Debt: 1500})),
			"deposit_captured: psp_receivable 970, psp_fees 30, customer_debt -1000"},
		{"repays a debt and is left", book(DepositCaptured(ana, 1000, 30, Standing{Debt: 400})),
			"deposit_captured: psp_receivable 970, psp_fees 30, customer_debt -400, customer_wallet -600"},
		{"refund", book(RefundRequested(ana, 500)),
			"refund_requested: customer_wallet 500, refunds_in_flight -500"},
		{"settled", book(RefundSettled(ana, 500)),
			"refund_settled: refunds_in_flight 500, psp_receivable -500"},
		{"failed", book(RefundFailed(ana, 500, Standing{Debt: 1})),
			"refund_failed: refunds_in_flight 500, customer_debt -1, customer_wallet -499"},
		{"reversed", book(RefundReversed(ana, 500, none)),
			"refund_reversed: psp_receivable 500, customer_wallet -500"},
		{"reversed after too much was given back", book(RefundReversed(ana, 500, Standing{Excess: 120, Debt: 30})),
			"refund_reversed: psp_receivable 500, suspense -120, customer_debt -30, customer_wallet -350"},
		{"captured after it was given back", book(DepositCaptured(ana, 100, 0, Standing{Excess: 120, Debt: 30})),
			"deposit_captured: psp_receivable 100, suspense -100"},
		{"forced and covered", book(RefundForced(ana, 500, 500, Standing{Available: 800})),
			"refund_forced: customer_wallet 500, psp_receivable -500"},
		{"forced on a spent wallet", book(RefundForced(ana, 500, 1000, Standing{Available: 200})),
			"refund_forced: customer_wallet 200, customer_debt 300, psp_receivable -500"},
		{"forced beyond the capture", book(RefundForced(ana, 500, 300, Standing{Available: 200})),
			"refund_forced: customer_wallet 200, customer_debt 100, suspense 200, psp_receivable -500"},
		{"forced with nothing captured", book(RefundForced(ana, 500, -1, Standing{Available: 900})),
			"refund_forced: suspense 500, psp_receivable -500"},
		{"nothing", book(RefundSettled(ana, 0)), "refund_settled: amount 0, want more than zero"},
		{"less than nothing", book(RefundRequested(ana, -5)), "refund_requested: amount -5, want more than zero"},
		{"overflow", book(DepositCaptured(ana, math.MaxInt64, -1, none)),
			"capture less fee: 9223372036854775807 - -1: amount does not fit 64 bits of minor units"},
	} {
		if c.got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, c.got, c.want)
		}
	}
}

// TestFactsAlwaysPost drives any mix of movements: each fact is booked whatever it breaks, a command only where the wallet
// holds it, and after each of them L1 to L4 hold and no customer both has and owes.
func TestFactsAlwaysPost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		book := NewBalances()
		model := map[Account]int64{} // L3, by another path
		bob := Customer{"acme", "bob", "EUR"}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			c := rapid.SampledFrom([]Customer{ana, bob}).Draw(t, "customer")
			amount := rapid.Int64Range(1, 1000).Draw(t, "amount")
			standing := book.Standing(c)
			movement := rapid.IntRange(0, 5).Draw(t, "movement")
			var e Entry
			var err error
			switch movement {
			case 0:
				e, err = DepositCaptured(c, amount, rapid.Int64Range(-5, 1100).Draw(t, "fee"), standing)
			case 1:
				e, err = RefundRequested(c, amount)
			case 2:
				e, err = RefundSettled(c, amount)
			case 3:
				e, err = RefundFailed(c, amount, standing)
			case 4:
				e, err = RefundReversed(c, amount, standing)
			case 5:
				e, err = RefundForced(c, amount, rapid.Int64Range(-10, 1000).Draw(t, "refundable"), standing)
			}
			if err != nil {
				t.Fatal(err)
			}
			err = book.Apply(&e)
			if floor := (*FloorError)(nil); movement == 1 && amount > standing.Available {
				if !errors.As(err, &floor) || floor.Balance != amount-standing.Available {
					t.Fatalf("refund of %d with %d available: %v, want a FloorError", amount, standing.Available, err)
				}
				continue
			}
			if err != nil {
				t.Fatalf("%s of %d with %+v: %v", e.Template, amount, standing, err)
			}
			for _, p := range e.Postings {
				model[p.Account] += p.Minor
			}
			checkBook(t, book, model)
			if s := book.Standing(c); s.Available < 0 || s.Debt < 0 || (s.Available > 0 && s.Debt > 0) {
				t.Fatalf("after %s of %d with %+v: %+v", e.Template, amount, standing, s)
			}
		}
	})
}

func checkBook(t *rapid.T, book *Balances, model map[Account]int64) {
	var sum int64
	for account, balance := range model {
		sum += balance
		if got := book.Balance(account.ID()); got != balance {
			t.Fatalf("L3: %v holds %d, its postings sum to %d", account, got, balance)
		}
		if line, _ := account.Code.Line(); line.Guarded && balance > 0 {
			t.Fatalf("L4: %v is at %d", account, balance)
		}
	}
	if sum != 0 {
		t.Fatalf("L1: all balances sum to %d", sum)
	}
	if book.Len() > len(model) {
		t.Fatalf("the book holds %d accounts, postings went to %d", book.Len(), len(model))
	}
}
