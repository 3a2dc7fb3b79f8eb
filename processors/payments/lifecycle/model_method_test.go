package lifecycle_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// till is a dumb second opinion of what came for a payment that no card pays: how much by the request itself, how much by each other
// payment of the same code, and what went back.
type till struct {
	received int64 // by the request itself
	returned bool  // all of it, or what was on its way
	others   map[string]int64
	gone     map[string]bool  // of the others
	back     int64            // by refunds
	names    []string         // what the PSP calls the request once something came
	fees     map[string]int64 // crypto: as told last of what came, by reference; the request's own by the first of its names
}

func (m *till) in() (minor int64) {
	if !m.returned {
		minor = m.received
	}
	for reference, amount := range m.others {
		if !m.gone[reference] {
			minor += amount
		}
	}
	return minor - m.back
}

// came takes an approval: by crypto it tells a sum, else it is one payment.
func (m *till) came(reference string, amount int64, crypto bool) {
	switch {
	case !crypto && amount != 1000 && (m.received == 0 || slices.Contains(m.names, reference)):
	case slices.Contains(m.names, reference):
		if !m.returned {
			m.received = max(m.received, amount)
		}
	case m.received > 0 && !m.gone[reference] && (crypto || m.others[reference] == 0):
		m.others[reference] = max(m.others[reference], amount)
	}
}

// booked is what came by a reference.
func (m *till) booked(reference string) int64 {
	if slices.Contains(m.names, reference) {
		return m.received
	}
	return m.others[reference]
}

// charged takes the fee of all that came by a reference, where more came than before; one of 0 is not told.
func (m *till) charged(reference string, before, fee int64) {
	if m.booked(reference) == before || fee == 0 {
		return
	}
	if slices.Contains(m.names, reference) {
		reference = m.names[0]
	}
	m.fees[reference] = fee
}

// went takes what went back by itself: it counts where it is what came.
func (m *till) went(reference string, amount int64) {
	switch {
	case slices.Contains(m.names, reference):
		m.returned = m.returned || amount == m.received || m.received == 0 && amount == 1000
	case m.others[reference] == amount:
		m.gone[reference] = true
	}
}

// TestMethodsAgainstModel: whatever a PSP says of a payment that no card pays, in whatever order and however often, the ledger has
// what came less what went back, once; the customer has no more than was asked for, and the rest stands in suspense.
func TestMethodsAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		method := rapid.SampledFrom([]string{topics.MethodBankRedirect, topics.MethodQR, topics.MethodCrypto}).Draw(t, "method")
		s := newSystem(t)
		s.w.limits.Operations, s.w.limits.Cases = 100, rapid.SampledFrom([]int{5, 1000}).Draw(t, "cases")
		m := &till{others: map[string]int64{}, gone: map[string]bool{}, names: []string{"first"}, fees: map[string]int64{}}
		c := topics.Command{
			CommandID: s.w.uuid("create"), Type: topics.CommandCreate, Tenant: "acme", CustomerID: "anna", Amount: 1000, Currency: "EUR", Authorize: true,
			PaymentMethod: &topics.PaymentMethod{Type: method},
		}
		s.applyMethod(lifecycle.Input{Command: &topics.AssessedCommand{Command: c, Decision: topics.Decision{Outcome: topics.OutcomePass}}})
		if rapid.Bool().Draw(t, "order") { // the PSP has one name for the order and one for its payment
			m.names = append(m.names, "order")
			s.reportMethod(topics.PSPReport{Outcome: topics.PSPRequiresAction, Action: &topics.Action{Type: "qr_code", QRCode: "x"}, PSPReference: "order"})
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			s.w.now = s.w.now.Add(drawDuration(t))
			s.stepMethod(m, method)
			s.checkMethod(m)
		}
		s.checkRefold()
	})
}

// reportMethod tells of the request, or of its capture where the report says so.
func (s *system) reportMethod(r topics.PSPReport) {
	r.ReportID, r.Source, r.PSP, r.Tenant, r.PaymentID = s.w.uuid(fmt.Sprint("r", s.w.position)), topics.SourceWebhook, "sandbox", "acme", s.payment.ID.String()
	r.Currency = "EUR"
	if r.Operation == "" {
		r.Operation, r.RequestID = topics.OperationAuthorize, s.payment.Operations[0].Request.String()
	}
	s.applyMethod(lifecycle.Input{Report: &r})
}

func (s *system) stepMethod(m *till, method string) {
	r := topics.PSPReport{PSPReference: "first"}
	names := []string{"first"}
	if m.received > 0 || m.returned {
		names = append(m.names, "second", "third")
	}
	switch rapid.IntRange(0, 9).Draw(s.T, "what") {
	case 0:
		r.Outcome, r.Action = topics.PSPRequiresAction, &topics.Action{Type: "qr_code", QRCode: "x"}
	case 1:
		r.Outcome = topics.PSPPending
		r.Confirmations = &topics.Confirmations{Seen: 1000, Have: rapid.IntRange(0, 2).Draw(s.T, "have"), Need: 2}
	case 2, 3, 4:
		r.Outcome, r.Amount = topics.PSPApproved, rapid.SampledFrom([]int64{1000, 1000, 990}).Draw(s.T, "amount")
		if method == topics.MethodCrypto {
			r.Amount = rapid.SampledFrom([]int64{1, 400, 994, 995, 1000, 1001, 1500}).Draw(s.T, "sum")
		}
		r.PSPReference = rapid.SampledFrom(names).Draw(s.T, "reference")
		if rapid.IntRange(0, 4).Draw(s.T, "capture") == 0 {
			r.Operation = topics.OperationCapture
		}
		before := m.booked(r.PSPReference)
		m.came(r.PSPReference, r.Amount, method == topics.MethodCrypto)
		if method == topics.MethodCrypto {
			r.Fee = rapid.SampledFrom([]int64{0, 10, 7, -3}).Draw(s.T, "fee")
			m.charged(r.PSPReference, before, r.Fee)
		}
	case 5:
		r.Outcome = topics.PSPDeclined
	case 6:
		r.Outcome, r.PSPReference = topics.PSPReversed, rapid.SampledFrom(append(names, "unheard")).Draw(s.T, "reference")
		if r.PSPReference == "unheard" && m.received == 0 && !m.returned {
			return // any name is the request's as long as nothing has come
		}
		r.Amount = rapid.SampledFrom([]int64{1000, 400, max(m.received, 1), max(m.others[r.PSPReference], 1)}).Draw(s.T, "back")
		m.went(r.PSPReference, r.Amount)
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
	s.reportMethod(r)
}

func (s *system) commandMethod(kind topics.CommandType, unapplied bool) {
	c := topics.Command{CommandID: s.w.uuid(fmt.Sprint("c", s.w.position)), Type: kind, Tenant: "acme", CustomerID: "anna",
		PaymentID: s.payment.ID.String(), Unapplied: unapplied}
	s.applyMethod(lifecycle.Input{Command: &topics.AssessedCommand{Command: c, Decision: topics.Decision{Outcome: topics.OutcomePass}}})
}

// refundMethod has the PSP tell of a refund: its answer, the same once more, that it was paid after it had failed, or came back after
// it was paid. One of which there is no other may be told without its request.
func (s *system) refundMethod(m *till) {
	var refunds []lifecycle.Operation
	for _, op := range s.payment.Operations {
		if op.Kind == topics.OperationRefund {
			refunds = append(refunds, op)
		}
	}
	if len(refunds) == 0 {
		return
	}
	op := rapid.SampledFrom(refunds).Draw(s.T, "refund")
	r := topics.PSPReport{ReportID: s.w.uuid("r"), Source: topics.SourcePoll, PSP: "sandbox", Tenant: "acme", PaymentID: s.payment.ID.String(),
		RequestID: op.Request.String(), Operation: topics.OperationRefund, Amount: op.Amount, Currency: "EUR", PSPReference: "first",
		Outcome: rapid.SampledFrom([]topics.PSPOutcome{topics.PSPApproved, topics.PSPFailed, topics.PSPReversed}).Draw(s.T, "outcome")}
	if len(refunds) == 1 && rapid.Bool().Draw(s.T, "named") {
		r.RequestID = ""
	}
	switch paid := op.State == lifecycle.OperationSucceeded; {
	case r.Outcome == topics.PSPApproved && !paid && op.State != lifecycle.OperationReversed:
		m.back += op.Amount
	case r.Outcome == topics.PSPReversed && paid:
		m.back -= op.Amount
	}
	s.applyMethod(lifecycle.Input{Report: &r})
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
		s.Fatalf("the PSP owes %d by the ledger, and %d by %+v", has, want, *m)
	}
	fees := int64(0)
	for _, fee := range m.fees {
		fees += fee
	}
	if has := balance(ledger.PSPFees); has != fees {
		s.Fatalf("fees of %d are booked, the PSP tells %+v", has, m.fees)
	}
	customer := -balance(ledger.CustomerWallet, ledger.CustomerDebt, ledger.RefundsInFlight)
	if customer > 1000 || customer < 0 {
		s.Fatalf("the customer has %d of 1000", customer)
	}
	if suspense := -balance(ledger.Suspense); suspense != m.in()-customer || suspense != s.payment.Unapplied()-max(0, s.payment.Refunded+s.payment.Refunding-s.payment.Captured) {
		s.Fatalf("suspense has %d; %d came and the customer has %d; %d is unapplied", suspense, m.in(), customer, s.payment.Unapplied())
	}
}
