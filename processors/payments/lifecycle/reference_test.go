package lifecycle

import (
	"testing"

	"github.com/weirhq/weir/topics"
)

func TestReferences(t *testing.T) {
	first, second := topics.EventID{Position: 1}, topics.EventID{Position: 2}
	event := func(request topics.EventID, reference string) *topics.PaymentEvent {
		return &topics.PaymentEvent{RequestID: request.String(), PSP: &topics.PSPData{PSPReference: reference}}
	}
	p := &Payment{PSP: "b", PSPReference: "pi_b", Operations: []Operation{
		{Request: first, PSP: "a", Reference: "pi_a"}, // an attempt that was given up
		{Request: second, Reference: "pi_b"},
	}}
	for name, c := range map[string]struct {
		payment *Payment
		event   *topics.PaymentEvent
		want    Reference
	}{
		"of the payment's PSP":      {p, event(second, "re_1"), Reference{"b", "re_1"}},
		"of an attempt's":           {p, event(first, "re_1"), Reference{"a", "re_1"}},
		"known of the payment":      {p, event(second, "pi_b"), Reference{}},
		"known of an attempt":       {p, event(first, "pi_a"), Reference{}},
		"of one, known of another":  {p, event(first, "pi_b"), Reference{"a", "pi_b"}},
		"of no request":             {p, &topics.PaymentEvent{PSP: &topics.PSPData{PSPReference: "re_1"}}, Reference{"b", "re_1"}},
		"none":                      {p, event(second, ""), Reference{}},
		"nothing of a PSP":          {p, &topics.PaymentEvent{}, Reference{}},
		"of a payment that is none": {nil, event(second, "re_1"), Reference{}},
	} {
		if got := c.payment.Named(c.event); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	for r, want := range map[Reference]bool{{"b", "pi_b"}: true, {"a", "pi_a"}: true, {"a", "pi_b"}: false, {"b", "pi_a"}: false, {"b", ""}: false} {
		if p.Knows(r) != want {
			t.Errorf("Knows(%v) is %t", r, !want)
		}
	}
}
