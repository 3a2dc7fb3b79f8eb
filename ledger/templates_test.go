package ledger

import (
	"fmt"
	"math"
	"strings"
	"testing"
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
		{"reversed after some of that was written off", book(RefundReversed(ana, 500, Standing{Excess: 120, WrittenOff: 50, Debt: 30})),
			"refund_reversed: psp_receivable 500, suspense -70, losses -50, customer_debt -30, customer_wallet -350"},
		{"reversed in part after all of that was written off", book(RefundReversed(ana, 100, Standing{Excess: 120, WrittenOff: 120, Debt: 30})),
			"refund_reversed: psp_receivable 100, losses -100"},
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
