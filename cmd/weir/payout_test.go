package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/topics"
)

// TestPayoutShow: what a payout waits for comes first, then its life; never the card's token.
func TestPayoutShow(t *testing.T) {
	at := time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)
	until := at.Add(72 * time.Hour)
	event := func(id string, e topics.PayoutEvent) topics.PayoutEvent {
		e.EventID, e.At, e.Tenant, e.CustomerID = id, at, "acme", "anna"
		e.PayoutID, e.Currency = topics.PayoutID{Partition: 3}.String(), "EUR"
		if e.Amount == 0 {
			e.Amount = 5000
		}
		return e
	}
	life := []topics.PayoutEvent{
		event("3-7-0", topics.PayoutEvent{Type: topics.PayoutCreated, Status: topics.PayoutStatusQueued, CommandID: "c1", RequestedBy: "ann", More: true, Created: &topics.PayoutData{
			Destination: &topics.PayoutDestination{PSP: "sandbox", Deposited: true, Card: &topics.Card{Token: "tok_secret", Last4: "1111"}}}}),
		event("3-7-1", topics.PayoutEvent{Type: topics.PayoutHeld, Status: topics.PayoutStatusHeld, CommandID: "c1", Outcome: topics.OutcomeHold,
			Reasons: []string{"large_payout"}, ExpiresAt: until, Timer: &topics.TimerChange{Kind: topics.TimerPayoutExpire, Due: until, Generation: 1}}),
		event("3-9-0", topics.PayoutEvent{Type: topics.PayoutReleased, Status: topics.PayoutStatusQueued, CommandID: "c2", ApprovedBy: "eve", More: true}),
		event("3-9-1", topics.PayoutEvent{Type: topics.PayoutSendRequested, Status: topics.PayoutStatusSent, CommandID: "c2", ExpiresAt: until,
			Request: &topics.PayoutAsked{PSP: "sandbox", NotAfter: until}}),
		event("3-12-0", topics.PayoutEvent{Type: topics.PayoutPaid, Status: topics.PayoutStatusPaid, RequestID: "3-9-1",
			PSP: &topics.PSPData{PSPReference: "po_1", Source: topics.SourceWebhook, Fee: 25}, Timer: &topics.TimerChange{Generation: 2}}),
	}
	for _, c := range []struct {
		events int
		want   []string
	}{
		{2, []string{"payout    po_0003_", "customer  anna", "amount    50.00 EUR", "to        sandbox, card ending in 1111", "status    held: a second person must approve it",
			"2026-02-03T09:30:00Z", "reasons   large_payout", "asked by  ann", "outcome hold, reasons large_payout, command c1"}},
		{5, []string{"status    paid: the PSP has paid", "approved  eve", "psp po_1, by webhook, fee 0.25 EUR"}},
	} {
		var out bytes.Buffer
		if err := showPayout(&out, life[:c.events]); err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("after %d events %q is missing in\n%s", c.events, want, out.String())
			}
		}
		if strings.Contains(out.String(), "tok_secret") || strings.Count(out.String(), "\n") < c.events+1 {
			t.Errorf("after %d events:\n%s", c.events, out.String())
		}
	}
}
