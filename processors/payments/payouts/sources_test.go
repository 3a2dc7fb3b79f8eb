package payouts_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/payments/payouts"
	"github.com/weirhq/weir/topics"
)

// A card whose deposit is on its way back by a payout keeps its place, however many others come: the payout may end otherwise.
func TestSourceOfAnOpenPayoutKeepsItsPlace(t *testing.T) {
	var s payouts.Sources
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	deposit := func(token string, amount int64) {
		at = at.Add(time.Minute)
		s.Deposit(&lifecycle.Payment{PSP: "sandbox", Currency: "EUR", Card: &topics.Card{Token: token}}, amount, at)
	}
	deposit("tok_first", 10_000)
	p := &payouts.Payout{Currency: "EUR", Amount: 10_000, Place: payouts.PlaceHold,
		Data: topics.PayoutData{Destination: &topics.PayoutDestination{PSP: "sandbox", Card: &topics.Card{Token: "tok_first"}, Amount: 10_000}}}
	s.PayOut(p, payouts.Taken{})
	for i := range payouts.MaxSources {
		deposit(fmt.Sprint("tok_", i), 1)
	}
	taken := p.Taken()
	p.Place = payouts.PlaceCustomer // rejected
	s.PayOut(p, taken)
	first := s.Find("sandbox", "tok_first", "EUR")
	if first == nil || first.Rest() != 10_000 || first.Open != 0 {
		t.Fatalf("10000 were deposited with tok_first and nothing went back, the closed loop knows %+v", first)
	}
	if s.Find("sandbox", fmt.Sprint("tok_", payouts.MaxSources-1), "EUR") != nil || !s.More || len(s.All) != payouts.MaxSources {
		t.Errorf("%d sources are known, more: %t", len(s.All), s.More)
	}
	deposit("tok_first", -10_000) // refunded: nothing waits any more, and the place is free
	deposit("tok_next", 5)
	if s.Find("sandbox", "tok_first", "EUR") != nil || s.Find("sandbox", "tok_next", "EUR") == nil {
		t.Errorf("the place of tok_first is not taken: %+v", s.All)
	}
}
