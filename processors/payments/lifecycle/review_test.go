package lifecycle_test

import (
	"strings"
	"testing"

	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// TestP5: what was captured, or asked for, before the review has let it pass is noticed; a case excuses the former alone.
func TestP5(t *testing.T) {
	asked := []lifecycle.Operation{{Kind: topics.OperationCapture, State: lifecycle.OperationFailed}}
	for name, c := range map[string]struct {
		p    lifecycle.Payment
		says string
	}{
		"without a review":        {lifecycle.Payment{Authorized: 5, Captured: 5, Operations: asked}, ""},
		"passed":                  {lifecycle.Payment{Authorized: 5, Captured: 5, Operations: asked, Review: lifecycle.ReviewPassed}, ""},
		"pending, nothing moved":  {lifecycle.Payment{Authorized: 5, Review: lifecycle.ReviewPending}, ""},
		"captured while pending":  {lifecycle.Payment{Authorized: 5, Captured: 5, Review: lifecycle.ReviewPending}, "P5: captured 5"},
		"captured though refused": {lifecycle.Payment{Authorized: 5, Captured: 1, Review: lifecycle.ReviewRefused}, "P5: captured 1"},
		"captured, with a case":   {lifecycle.Payment{Authorized: 5, Captured: 5, Review: lifecycle.ReviewHeld, Cases: 1}, ""},
		"asked while held":        {lifecycle.Payment{Authorized: 5, Operations: asked, Review: lifecycle.ReviewHeld}, "P5: a capture was asked for"},
		"asked, with a case":      {lifecycle.Payment{Authorized: 5, Operations: asked, Review: lifecycle.ReviewWanted, Cases: 1}, "P5: a capture was asked for"},
	} {
		err := lifecycle.CheckInvariants(&c.p)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

// TestReviewedStates: a payment without a review is stored in the form that releases before know, one with a review is not.
func TestReviewedStates(t *testing.T) {
	w := newWorld(nil)
	form := func(lines ...string) byte {
		t.Helper()
		for _, line := range lines {
			if _, err := w.do(line); err != nil {
				t.Fatal(err)
			}
		}
		return w.payments["p1"].Append(nil)[0]
	}
	if f := form("command create 100.00 EUR authorize", "psp response authorize approved 100.00 EUR"); f != 1 {
		t.Errorf("without a review the form is %d", f)
	}
	w = newWorld(nil)
	for _, step := range []string{
		"command create 100.00 EUR authorize decision=hold reviews", "command approve", "psp response authorize approved 100.00 EUR",
		"timer", "review hold", "command approve", "command capture", "psp response capture approved 100.00 EUR",
	} {
		if f := form(step); f != 2 {
			t.Errorf("after %q the form is %d", step, f)
		}
	}
	if p := w.payments["p1"]; p.Before != nil || p.Review != lifecycle.ReviewPassed || p.Status() != topics.StatusCaptured {
		t.Errorf("%s, review %d, keeps %+v", p.Status(), p.Review, p.Before)
	}
}
