package psptest

import (
	"testing"

	"github.com/weirhq/weir/topics"
)

// OverCapture are cards of which more than is authorised may be captured, and of which not, where the adapter asks for it.
type OverCapture struct {
	Card, Refused string
}

// overCapture: how much may be captured is told, is captured and goes back; a unit more is refused and captures nothing.
func (s *suite) overCapture(t *testing.T) {
	refused := s.Cards.Approved
	if s.OverCapture != nil {
		refused = s.OverCapture.Refused
	}
	if report := s.do(t, s.authorization(refused), topics.PSPApproved); report.Capturable > report.Amount {
		t.Errorf("of %d, %d may be captured, which the PSP did not say", report.Amount, report.Capturable)
	}
	if s.OverCapture == nil {
		return
	}
	automatic := s.authorization(s.OverCapture.Card)
	automatic.Capture = true
	if report := s.do(t, automatic, topics.PSPApproved); !report.Captured || report.Capturable > report.Amount {
		t.Errorf("captured at once: %+v", report)
	}
	authorization := s.authorization(s.OverCapture.Card)
	authorized := s.do(t, authorization, topics.PSPApproved)
	s.expect(t, authorization, authorized)
	most := authorized.Capturable
	if most <= authorized.Amount {
		t.Fatalf("of %d, %d may be captured", authorized.Amount, most)
	}
	s.settled(t, s.follow(authorization, authorized, topics.OperationCapture, most+1), topics.PSPDeclined, topics.PSPFailed)
	capture := s.follow(authorization, authorized, topics.OperationCapture, most)
	s.expect(t, capture, s.settled(t, capture, topics.PSPApproved))
	s.settled(t, s.follow(authorization, authorized, topics.OperationCapture, 1), topics.PSPDeclined, topics.PSPFailed)
	refund := s.follow(authorization, authorized, topics.OperationRefund, most)
	s.expect(t, refund, s.settled(t, refund, topics.PSPApproved))
}

// statement: what the customer is to read goes to the PSP, and nothing where the payment does not say it.
func (s *suite) statement(t *testing.T) {
	for _, text := range []string{"ACME SHOES", ""} {
		r := s.authorization(s.Cards.Approved)
		r.StatementDescriptor = text
		s.do(t, r, topics.PSPApproved)
		if got := s.Statement(t, r.PaymentID); got != text {
			t.Errorf("the customer reads %q, want %q", got, text)
		}
	}
}
