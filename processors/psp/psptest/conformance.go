// Package psptest is the suite that every adapter passes, against a PSP that runs: its sandbox, or a recording of one.
package psptest

import (
	"errors"
	"fmt"
	"net"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/topics"
)

// Harness is an adapter with what the suite needs to know of the PSP behind it. What has no remark is required.
type Harness struct {
	Adapter psp.Adapter
	// At is the same kind of adapter with another address, which waits for an answer for a second.
	At    func(t *testing.T, baseURL string) psp.Adapter
	Cards Cards
	// Payouts are nil where the adapter makes none.
	Payouts *Payouts
	// OverCapture is nil where the adapter never asks that more may be captured.
	OverCapture *OverCapture
	// Statement is what the PSP was told that the customer is to read on the statement, "" where it was told nothing.
	Statement func(t *testing.T, paymentID string) string
	// Charges counts the authorisations or payouts that the PSP performed for a payment or a payout.
	Charges func(t *testing.T, paymentID string) int
	// Charged is the amount that the PSP authorised for a payment, as people write it in its own reading: "10.50 EUR".
	Charged func(t *testing.T, paymentID string) string
	// Event is the body of a webhook that the PSP sends for a request that was performed, and Odd that of one of a kind
	// that the adapter does not know.
	Event func(t *testing.T, r *topics.PSPRequest) []byte
	Odd   []byte

	// Pass is the customer at the PSP, who ends a challenge with a result, and returns what the PSP gives back to the
	// shop. Nil where the confirm alone tells the PSP.
	Pass func(t *testing.T, authorization *topics.PSPRequest, asked topics.PSPReport, result string) (payload string)
	// Settle is the body of the webhook with the result of a capture, void or refund that was answered as pending. Nil
	// where answers are results.
	Settle func(t *testing.T, r *topics.PSPRequest) []byte
	// HidesCAVV says that the PSP does not tell the CAVV, CannotBeAsked that it has no look-up of what was sent,
	// CapturesApart that it never captures together with the authorisation, KeepsNoRest that a capture of a part releases
	// the rest and a void of it is refused.
	HidesCAVV, CannotBeAsked, CapturesApart, KeepsNoRest bool
}

// Cards are tokens by what the PSP does with them.
type Cards struct {
	Approved, Declined, HardDeclined string // Declined: not enough money; HardDeclined: never again
	Challenge                        string // approved after a challenge
	Unavailable                      string // the PSP says that it performed nothing
	LostBefore, LostAfter            string // no answer; LostAfter is performed
}

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	for name, test := range map[string]func(*suite, *testing.T){
		"name":                  (*suite).name,
		"life":                  (*suite).life,
		"automatic capture":     (*suite).automaticCapture,
		"over-capture":          (*suite).overCapture,
		"statement":             (*suite).statement,
		"declines":              (*suite).declines,
		"challenge":             (*suite).challenge,
		"repeats":               (*suite).repeats,
		"concurrent repeats":    (*suite).concurrentRepeats,
		"refused":               (*suite).refused,
		"poll":                  (*suite).poll,
		"lost answers":          (*suite).lost,
		"nothing performed":     (*suite).nothingPerformed,
		"payouts":               (*suite).payouts,
		"currencies":            (*suite).currencies,
		"hostile answers":       (*suite).hostile,
		"webhook":               (*suite).webhook,
		"webhooks that are not": (*suite).brokenWebhooks,
	} {
		t.Run(name, func(t *testing.T) { test(&suite{Harness: h, run: t.Name() + time.Now().String()}, t) })
	}
}

// suite makes requests that no other test makes.
type suite struct {
	Harness
	run  string
	made int
}

func (s *suite) request(operation topics.PSPOperation) *topics.PSPRequest {
	s.made++
	id := uuid.NewV5(uuid.NamespaceURL, fmt.Sprint(s.run, s.made))
	return &topics.PSPRequest{
		RequestID: topics.EventID{Partition: 1, Position: int64(id[0])<<40 | int64(id[1])<<32 | int64(id[2])<<24 | int64(id[3])<<16 | int64(s.made)}.String(),
		Operation: operation, PSP: s.Adapter.Name(), Tenant: "acme", CustomerID: "customer",
		PaymentID: topics.PaymentID{Partition: 1, UUID: id}.String(), Amount: 1000, Currency: "EUR",
		NotAfter: time.Now().Add(time.Minute),
	}
}

func (s *suite) authorization(card string) *topics.PSPRequest {
	r := s.request(topics.OperationAuthorize)
	r.Card = &topics.Card{Token: card}
	r.ReturnURL = "https://shop.example/return"
	return r
}

// follow is a request on an authorisation that was reported.
func (s *suite) follow(authorization *topics.PSPRequest, report topics.PSPReport, operation topics.PSPOperation, amount int64) *topics.PSPRequest {
	r := s.request(operation)
	r.PaymentID, r.PSPReference, r.Amount = authorization.PaymentID, report.PSPReference, amount
	return r
}

// do performs a request that must be answered with an outcome.
func (s *suite) do(t *testing.T, r *topics.PSPRequest, want topics.PSPOutcome) topics.PSPReport {
	t.Helper()
	report, err := s.Adapter.Do(t.Context(), r)
	if err != nil || report.Outcome != want {
		t.Fatalf("%s: %+v, %v; want %s", r.Operation, report, err, want)
	}
	if report.Operation != r.Operation {
		t.Errorf("%s: reported as %s", r.Operation, report.Operation)
	}
	return report
}

func (s *suite) expect(t *testing.T, r *topics.PSPRequest, report topics.PSPReport) {
	t.Helper()
	if report.Amount != r.Amount || report.Currency != r.Currency || report.PSPReference == "" {
		t.Errorf("%s of %d %s: %+v", r.Operation, r.Amount, r.Currency, report)
	}
}

func (s *suite) name(t *testing.T) {
	if s.Adapter.Name() == "" {
		t.Error("no name")
	}
	if window, ok := s.Adapter.Idempotent(); ok && window <= 0 {
		t.Errorf("idempotent for %s", window)
	}
}

// settled performs a request whose result comes now or by a webhook.
func (s *suite) settled(t *testing.T, r *topics.PSPRequest, want ...topics.PSPOutcome) topics.PSPReport {
	t.Helper()
	report, err := s.Adapter.Do(t.Context(), r)
	if err == nil && report.Outcome == topics.PSPPending && s.Settle != nil {
		report, err = s.Adapter.Webhook(s.Settle(t, r))
		if err == nil && (report.RequestID != r.RequestID || report.PaymentID != r.PaymentID) {
			t.Errorf("%s: the webhook is of %s of %s", r.Operation, report.RequestID, report.PaymentID)
		}
	}
	if err != nil || !slices.Contains(want, report.Outcome) || report.Operation != r.Operation {
		t.Fatalf("%s: %+v, %v; want %v", r.Operation, report, err, want)
	}
	return report
}

func (s *suite) life(t *testing.T) {
	authorization := s.authorization(s.Cards.Approved)
	authorized := s.do(t, authorization, topics.PSPApproved)
	s.expect(t, authorization, authorized)
	if authorized.Captured || authorized.Fee != 0 {
		t.Errorf("captured unasked: %+v", authorized)
	}
	capture := s.follow(authorization, authorized, topics.OperationCapture, 400)
	captured := s.settled(t, capture, topics.PSPApproved)
	s.expect(t, capture, captured)
	if captured.Fee < 0 || captured.Fee > 400 {
		t.Errorf("fee %d of 400", captured.Fee)
	}
	void := s.follow(authorization, authorized, topics.OperationVoid, 600)
	if s.KeepsNoRest {
		s.settled(t, void, topics.PSPDeclined, topics.PSPFailed)
	} else {
		s.expect(t, void, s.settled(t, void, topics.PSPApproved))
	}
	for range 2 {
		refund := s.follow(authorization, authorized, topics.OperationRefund, 200)
		s.expect(t, refund, s.settled(t, refund, topics.PSPApproved))
	}
	other := s.authorization(s.Cards.Approved)
	whole := s.follow(other, s.do(t, other, topics.PSPApproved), topics.OperationVoid, other.Amount)
	s.expect(t, whole, s.settled(t, whole, topics.PSPApproved))
}

func (s *suite) automaticCapture(t *testing.T) {
	r := s.authorization(s.Cards.Approved)
	r.Capture = true
	report := s.do(t, r, topics.PSPApproved)
	s.expect(t, r, report)
	if report.Captured == s.CapturesApart || report.Fee < 0 || report.Fee > r.Amount {
		t.Errorf("report %+v", report)
	}
}

func (s *suite) declines(t *testing.T) {
	soft := s.do(t, s.authorization(s.Cards.Declined), topics.PSPDeclined)
	if soft.DeclineCode == "" || soft.DeclineCategory != "insufficient_funds" || soft.HardDecline {
		t.Errorf("soft: %+v", soft)
	}
	hard := s.do(t, s.authorization(s.Cards.HardDeclined), topics.PSPDeclined)
	if hard.DeclineCode == "" || hard.DeclineCategory == "" || hard.DeclineCategory == "unknown" || hard.DeclineRetry != "never" || !hard.HardDecline {
		t.Errorf("hard: %+v", hard)
	}
}

func (s *suite) challenge(t *testing.T) {
	for result, want := range map[string]topics.PSPOutcome{
		"authenticated": topics.PSPApproved, "failed": topics.PSPDeclined, "abandoned": topics.PSPDeclined,
	} {
		for _, authorization := range []*topics.PSPRequest{s.authorization(s.Cards.Challenge), s.authorization(s.Cards.Approved)} {
			authorization.Capture, authorization.ThreeDS = true, true
			asked := s.do(t, authorization, topics.PSPRequiresAction)
			if asked.Action == nil || asked.Action.URL == "" && asked.Action.Token == "" {
				t.Errorf("no way to the challenge: %+v", asked)
			}
			confirm := s.follow(authorization, asked, topics.OperationConfirm, authorization.Amount)
			confirm.Challenge = &topics.Challenge{Result: result, ECI: "05", CAVV: "cavv", DSTransactionID: "ds"}
			if s.Pass != nil {
				confirm.Challenge.Payload = s.Pass(t, authorization, asked, result)
			}
			confirmed := s.do(t, confirm, want)
			if want == topics.PSPApproved {
				s.expect(t, confirm, confirmed)
				if confirmed.Captured == s.CapturesApart || confirmed.Authentication == nil || !s.HidesCAVV && confirmed.Authentication.CAVV != "cavv" {
					t.Errorf("confirmed: %+v", confirmed)
				}
			}
		}
	}
}

func (s *suite) repeats(t *testing.T) {
	r := s.authorization(s.Cards.Approved)
	first := s.do(t, r, topics.PSPApproved)
	if _, ok := s.Adapter.Idempotent(); !ok {
		return // the gateway never repeats a request to this PSP
	}
	if again := s.do(t, r, topics.PSPApproved); !reflect.DeepEqual(first, again) {
		t.Errorf("first %+v\nagain %+v", first, again)
	}
	if n := s.Charges(t, r.PaymentID); n != 1 {
		t.Errorf("charged %d times", n)
	}
}

func (s *suite) concurrentRepeats(t *testing.T) {
	if _, ok := s.Adapter.Idempotent(); !ok {
		return
	}
	r := s.authorization(s.Cards.Approved)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			// A PSP may refuse a repeat while the first is under way, as long as it performs one.
			if report, err := s.Adapter.Do(t.Context(), r); err == nil && report.Outcome != topics.PSPApproved {
				t.Errorf("report %+v", report)
			}
		})
	}
	wg.Wait()
	if n := s.Charges(t, r.PaymentID); n != 1 {
		t.Errorf("charged %d times", n)
	}
}

func (s *suite) refused(t *testing.T) {
	authorization := s.authorization(s.Cards.Approved)
	authorized := s.do(t, authorization, topics.PSPApproved)
	refused := []topics.PSPOutcome{topics.PSPFailed, topics.PSPDeclined}
	if report := s.settled(t, s.follow(authorization, authorized, topics.OperationCapture, 1001), refused...); report.Detail == "" {
		t.Errorf("refused without a reason: %+v", report)
	}
	s.settled(t, s.follow(authorization, authorized, topics.OperationRefund, 1), refused...)
	s.do(t, s.follow(authorization, authorized, "levitate", 1), topics.PSPFailed)
	for _, reference := range []string{"", "../tokens", "nobody"} {
		s.do(t, s.follow(authorization, topics.PSPReport{PSPReference: reference}, topics.OperationCapture, 1), topics.PSPFailed)
	}
}

func (s *suite) poll(t *testing.T) {
	r := s.authorization(s.Cards.Approved)
	if s.CannotBeAsked {
		if report, err := s.Adapter.Poll(t.Context(), r); err != nil || report.Outcome != topics.PSPUnknown {
			t.Errorf("polled: %+v, %v", report, err)
		}
		if n := s.Charges(t, r.PaymentID); n != 0 {
			t.Errorf("sent by a poll: charged %d times", n)
		}
	} else if report, err := s.Adapter.Poll(t.Context(), r); err != nil || report.Outcome != topics.PSPNotFound {
		t.Errorf("before it was sent: %+v, %v", report, err)
	}
	done := s.do(t, r, topics.PSPApproved)
	report, err := s.ask(t, r)
	if err != nil || report.Outcome != topics.PSPApproved || report.PSPReference != done.PSPReference {
		t.Errorf("after it was performed: %+v, %v", report, err)
	}
	s.expect(t, r, report)
	for _, step := range []struct {
		operation topics.PSPOperation
		amount    int64
	}{{topics.OperationCapture, 400}, {topics.OperationRefund, 300}} {
		follow := s.follow(r, done, step.operation, step.amount)
		if report, err := s.Adapter.Poll(t.Context(), follow); !s.CannotBeAsked && (err != nil || report.Outcome != topics.PSPNotFound) {
			t.Errorf("%s before it was sent: %+v, %v", step.operation, report, err)
		}
		answered, err := s.Adapter.Do(t.Context(), follow)
		if err != nil {
			t.Fatalf("%s: %v", step.operation, err)
		}
		report, err := s.ask(t, follow)
		if err != nil || report.Outcome != answered.Outcome || report.Amount != step.amount {
			t.Errorf("%s: answered %+v, polled %+v, %v", step.operation, answered, report, err)
		}
		if s.Settle != nil {
			s.Settle(t, follow)
		}
	}
	if n := s.Charges(t, r.PaymentID); n != 1 {
		t.Errorf("charged %d times", n)
	}
}

// ask learns what became of a request that was sent.
func (s *suite) ask(t *testing.T, r *topics.PSPRequest) (topics.PSPReport, error) {
	if repeats, ok := s.Adapter.(psp.Repeater); ok && s.CannotBeAsked {
		return repeats.Repeat(t.Context(), r)
	}
	return s.Adapter.Poll(t.Context(), r)
}

func (s *suite) lost(t *testing.T) {
	for card, want := range map[string]topics.PSPOutcome{s.Cards.LostAfter: topics.PSPApproved, s.Cards.LostBefore: topics.PSPNotFound} {
		r := s.authorization(card)
		report, err := s.Adapter.Do(t.Context(), r)
		if s.CannotBeAsked { // it may have been repeated at once
			s.lostAndRepeated(t, r, report, err)
			continue
		}
		if !errors.Is(err, psp.ErrUnknown) || errors.Is(err, psp.ErrNotSent) {
			t.Errorf("%s: %+v, %v; want unknown", card, report, err)
		}
		if report, err := s.Adapter.Poll(t.Context(), r); err != nil || report.Outcome != want {
			t.Errorf("%s polled: %+v, %v; want %s", card, report, err, want)
		}
	}
}

// lostAndRepeated: whatever was answered, and however often it is asked, it is charged once at most, and an approval is one.
func (s *suite) lostAndRepeated(t *testing.T, r *topics.PSPRequest, report topics.PSPReport, err error) {
	t.Helper()
	if err != nil && (!errors.Is(err, psp.ErrUnknown) || errors.Is(err, psp.ErrNotSent)) {
		t.Errorf("%+v, %v; want an outcome or unknown", report, err)
	}
	polled, pollErr := s.ask(t, r)
	if pollErr != nil || polled.Outcome != topics.PSPApproved {
		t.Errorf("polled: %+v, %v", polled, pollErr)
	}
	if n := s.Charges(t, r.PaymentID); n != 1 {
		t.Errorf("charged %d times", n)
	}
}

func (s *suite) nothingPerformed(t *testing.T) {
	r := s.authorization(s.Cards.Unavailable)
	if report, err := s.Adapter.Do(t.Context(), r); !errors.Is(err, psp.ErrNotSent) {
		t.Errorf("unavailable: %+v, %v", report, err)
	}
	if n := s.Charges(t, r.PaymentID); n != 0 {
		t.Errorf("charged %d times", n)
	}
	unreachable := s.At(t, "http://"+nobody(t))
	if report, err := unreachable.Do(t.Context(), s.authorization(s.Cards.Approved)); !errors.Is(err, psp.ErrNotSent) {
		t.Errorf("unreachable: %+v, %v", report, err)
	}
	if report, err := unreachable.Poll(t.Context(), s.authorization(s.Cards.Approved)); err == nil && report.Outcome != topics.PSPUnknown {
		t.Errorf("unreachable, polled: %+v; want an error or unknown, never not_found", report)
	}
}

// nobody is an address at which nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return listener.Addr().String()
}

func (s *suite) webhook(t *testing.T) {
	r := s.authorization(s.Cards.Approved)
	done := s.do(t, r, topics.PSPApproved)
	body := s.Event(t, r)
	report, err := s.Adapter.Webhook(body)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	s.expect(t, r, report)
	if report.Outcome != topics.PSPApproved || report.Operation != r.Operation || report.PSPReference != done.PSPReference ||
		report.Source != topics.SourceWebhook || report.PSP != s.Adapter.Name() || report.Tenant != r.Tenant && report.Tenant != "" ||
		report.PaymentID != r.PaymentID || (report.RequestID != r.RequestID && report.RequestID != "") {
		t.Errorf("report %+v", report)
	}
	if _, err := uuid.FromString(report.ReportID); err != nil {
		t.Errorf("report id: %v", err)
	}
	if again, err := s.Adapter.Webhook(body); err != nil || !reflect.DeepEqual(report, again) {
		t.Errorf("delivered again: %+v, %v", again, err)
	}
}

func (s *suite) brokenWebhooks(t *testing.T) {
	for _, body := range []string{"", "{", "[]", "null", "{}", `{"id":1}`} {
		if report, err := s.Adapter.Webhook([]byte(body)); err == nil {
			t.Errorf("%q: %+v", body, report)
		}
	}
	if report, err := s.Adapter.Webhook(s.Odd); !errors.Is(err, psp.ErrUnknownEvent) {
		t.Errorf("unknown kind: %+v, %v", report, err)
	}
}
