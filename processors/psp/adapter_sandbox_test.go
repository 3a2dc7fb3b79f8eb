package psp_test

import (
	"testing"
	"time"

	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/processors/psp/psptest"
	"github.com/weirhq/weir/processors/psp/sandbox"
	"github.com/weirhq/weir/topics"
)

func TestSandboxConforms(t *testing.T) {
	w := &world{sandbox: startSandbox(t, sandbox.Config{})}
	asks, err := psp.NewSandbox(psp.SandboxConfig{BaseURL: w.sandbox.URL(), Timeout: time.Second, OverCapture: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(asks.Close)
	psptest.Run(t, psptest.Harness{
		Adapter: asks, OverCapture: &psptest.OverCapture{Card: "tok_over_capture", Refused: "tok_approved"},
		At: func(t *testing.T, baseURL string) psp.Adapter { return adapterWithin(t, baseURL, time.Second) },
		Cards: psptest.Cards{
			Approved: "tok_approved", Declined: "tok_declined_soft", HardDeclined: "tok_declined_hard",
			Challenge: "tok_3ds_challenge", Unavailable: "tok_unavailable",
			LostBefore: "tok_timeout_before_charge", LostAfter: "tok_timeout_after_charge",
		},
		Payouts: &psptest.Payouts{
			Paid: "tok_approved", Failed: "tok_payout_fails", Pending: "tok_payout_pending", Unavailable: "tok_payout_unavailable",
			LostBefore: "tok_payout_timeout_before", LostAfter: "tok_payout_timeout_after",
		},
		Statement: func(t *testing.T, paymentID string) string {
			var payments []sandbox.Payment
			w.get(t, "/v1/payments/"+paymentID, &payments)
			return payments[0].Descriptor
		},
		Charges: func(t *testing.T, paymentID string) int { return w.charges(t, paymentID) },
		Charged: func(t *testing.T, paymentID string) string {
			var payments []sandbox.Payment
			w.get(t, "/v1/payments/"+paymentID, &payments)
			if len(payments) != 1 {
				t.Fatalf("%d payments", len(payments))
			}
			return ledger.Money{Minor: payments[0].Authorized, Currency: ledger.Currency(payments[0].Currency)}.String()
		},
		Event: func(t *testing.T, r *topics.PSPRequest) []byte {
			var op sandbox.Operation
			w.get(t, "/v1/requests/"+r.RequestID, &op)
			body, err := json.Marshal(sandbox.Event{ID: "evt_1", Type: string(op.Operation) + "." + string(op.Status), CreatedAt: time.Now(), Data: op})
			if err != nil {
				t.Fatal(err)
			}
			return body
		},
		Odd: []byte(`{"id":"evt_2","type":"authorize.audited","data":{"operation":"authorize","status":"approved"}}`),
	})
}

// A payout that was paid and came back is told by a webhook.
func TestSandboxTellsOfReturnedPayouts(t *testing.T) {
	adapter := adapterWithin(t, "http://127.0.0.1:1", time.Second)
	payout := topics.PayoutID{Partition: 3}.String()
	report, err := adapter.Webhook([]byte(`{"id":"evt_1","type":"payout.reversed","data":{"request_id":"3-7-0","operation":"payout","status":"reversed",` +
		`"authorization":"po_1","merchant_account":"acme","merchant_reference":"` + payout + `","amount":600,"currency":"EUR","detail":"account closed"}}`))
	if err != nil || report.Operation != topics.OperationPayout || report.Outcome != topics.PSPReversed || report.PaymentID != payout ||
		report.RequestID != "3-7-0" || report.Amount != 600 || report.Detail != "account closed" {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestSandboxAddressIsChecked(t *testing.T) {
	for _, url := range []string{"", "127.0.0.1:80", "ftp://host", "http://"} {
		if _, err := psp.NewSandbox(psp.SandboxConfig{BaseURL: url}); err == nil {
			t.Errorf("%q was accepted", url)
		}
	}
}
