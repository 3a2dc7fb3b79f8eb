package lifecycle_test

import (
	"strings"
	"testing"

	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// TestAuthenticationIsKept: results and references of an authorisation come through the events and the stored form, but for the
// CAVV's value, which stands in neither.
func TestAuthenticationIsKept(t *testing.T) {
	const cavv = "AJkBBkhgQQAAAE4gSEJydQAAAAA="
	w := newWorld(t)
	if _, err := w.do("command create 10.00 EUR authorize"); err != nil {
		t.Fatal(err)
	}
	p := w.payments["p1"]
	w.position++
	events := lifecycle.Decide(p, lifecycle.Input{Position: w.position, Report: &topics.PSPReport{
		ReportID: w.uuid("r"), Source: topics.SourceResponse, PSP: "sandbox", Tenant: "acme", PaymentID: p.ID.String(),
		RequestID: p.Operations[0].Request.String(), Operation: topics.OperationAuthorize, Outcome: topics.PSPApproved, Amount: 1000, Currency: "EUR",
		PSPReference: "psp_1", NetworkReference: "net_1",
		Authentication: &topics.AuthData{ECI: "05", CAVV: cavv, DSTransactionID: "ds_1", AVS: "Y", CVV: "M", ThreeDSVersion: "2.2.0"},
	}}, w.now, &w.limits)
	for i := range events {
		data, err := topics.Marshal(&events[i])
		if err != nil || strings.Contains(string(data), cavv) {
			t.Fatalf("%s: %v", data, err)
		}
		if p, err = lifecycle.Evolve(p, &events[i]); err != nil {
			t.Fatal(err)
		}
	}
	again, err := lifecycle.Decode(p.Key(), p.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	want := topics.AuthData{ECI: "05", CAVV: topics.CAVVPresent, DSTransactionID: "ds_1", AVS: "Y", CVV: "M", ThreeDSVersion: "2.2.0"}
	if again.Authentication == nil || *again.Authentication != want || again.NetworkReference != "net_1" || again.PSPReference != "psp_1" {
		t.Errorf("stored: %+v, %q, %q; want %+v", again.Authentication, again.NetworkReference, again.PSPReference, want)
	}
}
