package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/topics"
)

// TestLinksShow: where a link stands comes first, then its life.
func TestLinksShow(t *testing.T) {
	at := time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)
	payment := topics.PaymentID{Partition: 3}.String()
	event := func(id string, e topics.LinkEvent, reserved, captured int) topics.LinkEvent {
		e.EventID, e.At, e.Tenant, e.CustomerID, e.Amount, e.Currency = id, at, "acme", "anna", 1050, "EUR"
		e.LinkID, e.Uses = topics.LinkID{Partition: 3}.String(), &topics.LinkUses{Reserved: reserved, Captured: captured}
		return e
	}
	var out bytes.Buffer
	err := showLink(&out, []topics.LinkEvent{
		event("3-7-0", topics.LinkEvent{Type: topics.LinkCreated, Status: topics.LinkStatusOpen, RequestedBy: "shop", Created: &topics.LinkData{
			Description: "shoes", MaxUses: 1, ExpiresAt: at.Add(time.Hour), TokenHash: topics.HashLinkSecret("secret"), Invoice: &topics.Invoice{Number: "R-7", DueAt: at.Add(time.Hour),
				Lines: []topics.InvoiceLine{{Description: "shoes", Quantity: 2, UnitPrice: 400, Tax: 200}}}}}, 0, 0),
		event("3-8-0", topics.LinkEvent{Type: topics.LinkUseReserved, Status: topics.LinkStatusOpen, PaymentID: payment}, 1, 0),
		event("3-9-0", topics.LinkEvent{Type: topics.LinkUseReleased, Status: topics.LinkStatusOpen, PaymentID: payment}, 0, 0),
		event("3-12-0", topics.LinkEvent{Type: topics.LinkUseCaptured, Status: topics.LinkStatusPaid, PaymentID: payment, Late: true}, 0, 1),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"link      lnk_0003_", "amount    10.50 EUR", "for       shoes", "until     2026-01-31T10:30:00Z", "status    paid", "uses      0 reserved and 1 captured of 1",
		"made by   shop", "invoice   R-7, due 2026-01-31T10:30:00Z\n          2 × 4.00 EUR, tax 2.00 EUR: shoes\n", payment + ", late"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), topics.HashLinkSecret("secret")) {
		t.Errorf("the hash of the secret is told:\n%s", out.String())
	}
}
