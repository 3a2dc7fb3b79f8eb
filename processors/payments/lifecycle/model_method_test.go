package lifecycle_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// till is a dumb second opinion of what came for a payment that no card pays: by which reference how much, and what went back.
type till struct {
	came     map[string]int64 // by the PSP's reference; by crypto the most that was told
	back     int64            // by refunds
	returned bool             // what came by the first reference
	gone     map[string]bool  // other references that were returned
}

func (m *till) in() (minor int64) {
	for reference, amount := range m.came {
		if !m.gone[reference] && !(reference == "first" && m.returned) {
			minor += amount
		}
	}
	return minor - m.back
}

// TestMethodsAgainstModel: whatever a PSP says of a payment that no card pays, in whatever order and however often, the ledger has
// what came less what went back, once; the customer has no more than was asked for, and the rest stands in suspense.
func TestMethodsAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		method := rapid.SampledFrom([]string{topics.MethodBankRedirect, topics.MethodQR, topics.MethodCrypto}).Draw(t, "method")
		s := newSystem(t)
		s.w.limits.Operations, s.w.limits.Cases = 100, 1000
		m := &till{came: map[string]int64{}, gone: map[string]bool{}}
		c := topics.Command{
			CommandID: s.w.uuid("create"), Type: topics.CommandCreate, Tenant: "acme", CustomerID: "anna", Amount: 1000, Currency: "EUR", Authorize: true,
			PaymentMethod: &topics.PaymentMethod{Type: method},
		}
		s.applyMethod(lifecycle.Input{Command: &topics.AssessedCommand{Command: c, Decision: topics.Decision{Outcome: topics.OutcomePass}}})
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			s.w.now = s.w.now.Add(drawDuration(t))
			s.stepMethod(m, method)
			s.checkMethod(m)
		}
		s.checkRefold()
	})
}

func (s *system) stepMethod(m *till, method string) {
	authorize := s.payment.Operations[0]
	report := topics.PSPReport{
		ReportID: s.w.uuid("r"), Source: topics.SourceWebhook, PSP: "sandbox", Tenant: "acme", PaymentID: s.payment.ID.String(),
		RequestID: authorize.Request.String(), Operation: topics.OperationAuthorize, Currency: "EUR", PSPReference: "first",
	}
	switch rapid.IntRange(0, 9).Draw(s.T, "what") {
	case 0:
		report.Outcome = topics.PSPRequiresAction
		report.Action = &topics.Action{Type: "qr_code", QRCode: "x"}
	case 1:
		report.Outcome = topics.PSPPending
		have := rapid.IntRange(0, 2).Draw(s.T, "have")
		report.Confirmations = &topics.Confirmations{Seen: 1000, Have: have, Need: 2}
	case 2, 3, 4:
		report.Outcome, report.Amount = topics.PSPApproved, 1000
		if method == topics.MethodCrypto {
			report.Amount = rapid.SampledFrom([]int64{1, 400, 994, 995, 1000, 1001, 1500}).Draw(s.T, "amount")
		}
		if rapid.IntRange(0, 4).Draw(s.T, "second") == 0 && authorize.State == lifecycle.OperationSucceeded {
			report.PSPReference = rapid.SampledFrom([]string{"second", "third"}).Draw(s.T, "reference")
			if _, known := m.came[report.PSPReference]; !known {
				m.came[report.PSPReference] = report.Amount
			}
		} else if authorize.State != lifecycle.OperationReversed {
			m.came["first"] = max(m.came["first"], report.Amount)
		}
	case 5:
		report.Outcome = topics.PSPDeclined
	case 6:
		report.Outcome, report.Amount = topics.PSPReversed, 1000
		if came := m.came["first"]; came > 0 {
			report.Amount = came
		}
		// What the PSP has refunded cannot go back once more, and what it called failed cannot go at all.
		if m.back > 0 || authorize.State == lifecycle.OperationFailed {
			return
		}
		m.returned = m.returned || m.came["first"] > 0
	case 7:
		s.commandMethod(topics.CommandRefund, rapid.Bool().Draw(s.T, "unapplied"))
		return
	case 8:
		s.refundMethod(m)
		return
	case 9:
		s.timerMethod()
		return
	}
	s.applyMethod(lifecycle.Input{Report: &report})
}

func (s *system) commandMethod(kind topics.CommandType, unapplied bool) {
	c := topics.Command{CommandID: s.w.uuid(fmt.Sprint("c", s.w.position)), Type: kind, Tenant: "acme", CustomerID: "anna",
		PaymentID: s.payment.ID.String(), Unapplied: unapplied}
	s.applyMethod(lifecycle.Input{Command: &topics.AssessedCommand{Command: c, Decision: topics.Decision{Outcome: topics.OutcomePass}}})
}

// refundMethod has the PSP answer the first refund that is open.
func (s *system) refundMethod(m *till) {
	for _, op := range s.payment.Operations {
		if op.Kind != topics.OperationRefund || !op.State.Open() {
			continue
		}
		r := topics.PSPReport{ReportID: s.w.uuid("r"), Source: topics.SourcePoll, PSP: "sandbox", Tenant: "acme", PaymentID: s.payment.ID.String(),
			RequestID: op.Request.String(), Operation: topics.OperationRefund, Amount: op.Amount, Currency: "EUR", PSPReference: "first",
			Outcome: rapid.SampledFrom([]topics.PSPOutcome{topics.PSPApproved, topics.PSPFailed}).Draw(s.T, "refund")}
		if r.Outcome == topics.PSPApproved {
			m.back += op.Amount
		}
		s.applyMethod(lifecycle.Input{Report: &r})
		return
	}
}

func (s *system) timerMethod() {
	if t := s.payment.Timer; t.Kind != "" {
		if s.w.now.Before(t.Due) {
			s.w.now = t.Due
		}
		s.applyMethod(lifecycle.Input{Timer: &topics.TimerDue{Generation: t.Generation, Kind: t.Kind, Tenant: "acme", Due: t.Due}})
	}
}

// applyMethod decides and books.
func (s *system) applyMethod(in lifecycle.Input) {
	s.w.position++
	in.Position = s.w.position
	if s.payment != nil {
		in.Balance.Available = s.w.balances.Standing(s.payment.Ledger()).Available
	}
	events := lifecycle.Decide(s.payment, in, s.w.now, s.limits)
	for i := range events {
		e := &events[i]
		s.events = append(s.events, *e)
		entry, err := lifecycle.Post(s.payment, e, s.standing())
		if err == nil && entry != nil {
			entry.ID.Position, s.postings = s.w.position, s.postings+1
			err = s.w.post(entry)
		}
		if err == nil {
			s.payment, err = lifecycle.Evolve(s.payment, e)
		}
		if err == nil {
			err = lifecycle.Check(s.payment, e)
		}
		if err != nil {
			s.Fatalf("%s: %v", e.Type, err)
		}
	}
	if err := lifecycle.CheckInvariants(s.payment); err != nil {
		s.Fatal(err)
	}
	if err := roundTrip(s.payment); err != nil {
		s.Fatal(err)
	}
}

func (s *system) standing() (standing ledger.Standing) {
	if s.payment != nil {
		standing = s.w.balances.Standing(s.payment.Ledger())
	}
	return standing
}

func (s *system) checkMethod(m *till) {
	balance := func(codes ...ledger.AccountCode) (sum int64) {
		for _, a := range s.w.accounts {
			for _, code := range codes {
				if a.Code == code {
					sum += s.w.balances.Balance(a.ID())
				}
			}
		}
		return sum
	}
	if has, want := balance(ledger.PSPReceivable, ledger.PSPFees), m.in(); has != want {
		s.Fatalf("the PSP owes %d by the ledger; %v came, %d were refunded, returned %t, %v: %d", has, m.came, m.back, m.returned, m.gone, want)
	}
	customer := -balance(ledger.CustomerWallet, ledger.CustomerDebt, ledger.RefundsInFlight)
	if customer > 1000 || customer < 0 {
		s.Fatalf("the customer has %d of 1000", customer)
	}
	if suspense := -balance(ledger.Suspense); suspense != m.in()-customer || suspense != s.payment.Unapplied()-max(0, s.payment.Refunded+s.payment.Refunding-s.payment.Captured) {
		s.Fatalf("suspense has %d; %d came and the customer has %d; %d is unapplied", suspense, m.in(), customer, s.payment.Unapplied())
	}
}
