package psptest

import (
	"errors"
	"reflect"
	"testing"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/topics"
)

// Payouts are tokens of cards by what the PSP does with a payout to them.
type Payouts struct {
	Paid, Failed, Pending string
	Unavailable           string // the PSP says that it performed nothing
	LostBefore, LostAfter string // no answer; LostAfter is performed
}

func (s *suite) payout(card string) *topics.PSPRequest {
	r := s.request(topics.OperationPayout)
	id, _ := topics.ParsePaymentID(r.PaymentID)
	r.PaymentID = topics.PayoutID{Partition: id.Partition, UUID: id.UUID}.String()
	r.Card = &topics.Card{Token: card}
	return r
}

// payouts: what moves money out keeps the same promises as what takes it. An adapter without payouts says that nothing was
// performed.
func (s *suite) payouts(t *testing.T) {
	if s.Payouts == nil {
		if report := s.do(t, s.payout(s.Cards.Approved), topics.PSPFailed); report.Detail == "" {
			t.Errorf("refused without a reason: %+v", report)
		}
		return
	}
	s.paid(t)
	if report := s.do(t, s.payout(s.Payouts.Failed), topics.PSPFailed); report.Detail == "" && report.DeclineCode == "" {
		t.Errorf("failed without a reason: %+v", report)
	}
	s.do(t, s.payout(s.Payouts.Pending), topics.PSPPending)
	r := s.payout(s.Payouts.Unavailable)
	if report, err := s.Adapter.Do(t.Context(), r); !errors.Is(err, psp.ErrNotSent) {
		t.Errorf("unavailable: %+v, %v", report, err)
	}
	if n := s.Charges(t, r.PaymentID); n != 0 {
		t.Errorf("paid %d times", n)
	}
	for card, want := range map[string]topics.PSPOutcome{s.Payouts.LostAfter: topics.PSPApproved, s.Payouts.LostBefore: topics.PSPNotFound} {
		r := s.payout(card)
		if report, err := s.Adapter.Do(t.Context(), r); !errors.Is(err, psp.ErrUnknown) || errors.Is(err, psp.ErrNotSent) {
			t.Errorf("%s: %+v, %v; want unknown", card, report, err)
		}
		if report, err := s.Adapter.Poll(t.Context(), r); err != nil || report.Outcome != want {
			t.Errorf("%s polled: %+v, %v; want %s", card, report, err, want)
		}
	}
}

// paid is a payout that is paid, once, whoever asks.
func (s *suite) paid(t *testing.T) {
	r := s.payout(s.Payouts.Paid)
	first := s.do(t, r, topics.PSPApproved)
	s.expect(t, r, first)
	if _, ok := s.Adapter.Idempotent(); ok {
		if again := s.do(t, r, topics.PSPApproved); !reflect.DeepEqual(first, again) {
			t.Errorf("first %+v\nagain %+v", first, again)
		}
	}
	if n := s.Charges(t, r.PaymentID); n != 1 {
		t.Errorf("paid %d times", n)
	}
	polled, err := s.Adapter.Poll(t.Context(), r)
	if err != nil || polled.Outcome != topics.PSPApproved || polled.PSPReference != first.PSPReference || polled.Fee != first.Fee {
		t.Errorf("polled: %+v, %v; answered %+v", polled, err, first)
	}
	s.expect(t, r, polled)
	told, err := s.Adapter.Webhook(s.Event(t, r))
	if err != nil || told.Operation != topics.OperationPayout || told.Outcome != topics.PSPApproved || told.PaymentID != r.PaymentID ||
		told.Tenant != r.Tenant || told.PSPReference != first.PSPReference {
		t.Errorf("told by webhook: %+v, %v", told, err)
	}
	if _, err := uuid.FromString(told.ReportID); err != nil {
		t.Errorf("report id: %v", err)
	}
	s.expect(t, r, told)
}
