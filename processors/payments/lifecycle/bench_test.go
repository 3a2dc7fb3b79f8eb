package lifecycle_test

import (
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// BenchmarkPayment is the work of one complete payment with automatic capture: two inputs, four events, one entry, one
// request, and the stored form after each input.
func BenchmarkPayment(b *testing.B) {
	limits := lifecycle.DefaultLimits()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	command, report := benchInputs()
	var state []byte
	b.ReportAllocs()
	for b.Loop() {
		var p *lifecycle.Payment
		for position, in := range []lifecycle.Input{{Command: command}, {Report: report}} {
			in.Position = int64(position + 1)
			events := lifecycle.Decide(p, in, now, &limits)
			for i := range events {
				if p != nil && lifecycle.Moves(&events[i]) {
					if _, err := lifecycle.Post(p, &events[i], ledger.Standing{}); err != nil {
						b.Fatal(err)
					}
				}
				var err error
				if p, err = lifecycle.Evolve(p, &events[i]); err != nil {
					b.Fatal(err)
				}
				lifecycle.Request(p, &events[i])
			}
			state = p.Append(state[:0])
		}
		if p.Status() != topics.StatusCaptured {
			b.Fatal(p.Status())
		}
	}
	b.ReportMetric(float64(len(state)), "state-bytes")
}

func benchInputs() (*topics.AssessedCommand, *topics.PSPReport) {
	id := uuid.Must(uuid.FromString("018e0000-0000-7000-8000-000000000001"))
	command := &topics.AssessedCommand{
		Command: topics.Command{
			CommandID: id.String(), Type: topics.CommandCreate, Tenant: "acme", Region: "eu", CustomerID: "customer_00012345",
			Amount: 10_000, Currency: "EUR", TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", Authorize: true,
			CaptureMethod: topics.CaptureAutomatic, MerchantReference: "order-2026-000123",
			Card:    &topics.Card{Token: "tok_8a1f0c2d", Fingerprint: "fp_91c4e7", BIN: "411111", Last4: "1111", Scheme: "visa", Type: "credit", Country: "DE"},
			Context: &topics.Context{IP: "203.0.113.7", DeviceID: "device-1", Email: "anna@example.com", Country: "DE"},
		},
		Decision: topics.Decision{CommandID: id.String(), Outcome: topics.OutcomePass, RuleSet: "9f86d081884c7d65", Evaluated: 12},
	}
	report := &topics.PSPReport{
		ReportID: id.String(), Source: topics.SourceResponse, PSP: "sandbox", Tenant: "acme", Region: "eu",
		CustomerID: "customer_00012345", PaymentID: topics.PaymentID{UUID: id}.String(), RequestID: "0-1-1",
		Operation: topics.OperationAuthorize, Outcome: topics.PSPApproved, Amount: 10_000, Currency: "EUR", Captured: true,
		Fee: 75, PSPReference: "sbx_0123456789abcdef", NetworkReference: "nw_0123456789", TraceID: "4bf92f3577b34da6a3ce929d0e0e4736",
		Authentication: &topics.AuthData{AVS: "Y", CVV: "M"},
	}
	return command, report
}
