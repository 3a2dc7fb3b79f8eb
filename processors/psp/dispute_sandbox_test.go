package psp_test

import (
	"bytes"
	"errors"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/processors/psp/sandbox"
	"github.com/weirhq/weir/topics"
)

// disputed is a payment at the sandbox of which a dispute was opened by hand.
func (w *world) disputed(t *testing.T, key string) sandbox.Operation {
	t.Helper()
	payment := topics.PaymentID{Partition: 3}.String()
	var authorized, opened sandbox.Operation
	w.post(t, "/v1/authorizations", key, sandbox.Request{
		MerchantAccount: "acme", MerchantReference: payment, Amount: 1000, Currency: "EUR", Capture: true, Card: &sandbox.Card{Token: "tok_approved"},
	}, &authorized)
	w.post(t, "/v1/test/dispute", "", sandbox.DisputeStep{Authorization: authorized.Authorization, Event: sandbox.Opened, ReasonCode: "13.1"}, &opened)
	return opened
}

func TestSandboxTellsOfDisputes(t *testing.T) {
	w := &world{sandbox: startSandbox(t, sandbox.Config{})}
	adapter := adapterWithin(t, w.sandbox.URL(), 10*time.Second)
	opened := w.disputed(t, "told")
	tell := func(id string, op sandbox.Operation) (topics.PSPReport, error) {
		body, err := json.Marshal(sandbox.Event{ID: id, Type: "dispute." + string(op.Status), CreatedAt: op.CreatedAt, Data: op})
		if err != nil {
			t.Fatal(err)
		}
		return adapter.Webhook(body)
	}
	for i, step := range []sandbox.Status{
		sandbox.Opened, sandbox.FundsWithdrawn, sandbox.FeeCharged, sandbox.EvidenceSubmitted, sandbox.PreArbitration, sandbox.Arbitration,
		sandbox.Won, sandbox.Lost, sandbox.FundsReinstated, sandbox.FeeReturned, sandbox.Closed,
	} {
		op := opened
		if i > 0 {
			w.post(t, "/v1/test/dispute", "", sandbox.DisputeStep{Dispute: opened.Dispute.ID, Event: step}, &op)
		}
		report, err := tell("evt_"+string(step), op)
		if err != nil {
			t.Fatalf("%s: %v", step, err)
		}
		d := report.Dispute
		if report.Operation != topics.OperationDispute || report.Outcome != topics.PSPApproved || report.PaymentID != op.MerchantReference || report.Tenant != "acme" ||
			report.RequestID != "" || report.Object != "" || report.Currency != "EUR" || report.PSPReference != op.Authorization || !report.OccurredAt.Equal(op.CreatedAt) ||
			d == nil || string(d.Fact) != string(step) || d.Reference != opened.Dispute.ID || d.Reason != "13.1" || d.Category != "consumer" || !d.EvidenceDue.Equal(opened.Dispute.EvidenceDue) {
			t.Errorf("%s: %+v %+v", step, report, d)
		}
		amount, movement := int64(1000), ""
		switch step {
		case sandbox.FeeCharged, sandbox.FeeReturned:
			amount, movement = sandbox.DisputeFee, op.ID
		case sandbox.FundsWithdrawn, sandbox.FundsReinstated:
			movement = op.ID
		}
		if report.Amount != amount || d.Movement != movement {
			t.Errorf("%s: %d by %q, want %d by %q", step, report.Amount, d.Movement, amount, movement)
		}
	}
	odd := opened
	odd.Status = "escalated"
	if report, err := tell("evt_odd", odd); !errors.Is(err, psp.ErrUnknownEvent) {
		t.Errorf("a step that nobody knows: %+v, %v", report, err)
	}
	odd.Status, odd.Dispute = sandbox.Opened, nil
	if report, err := tell("evt_none", odd); err == nil {
		t.Errorf("without a dispute: %+v", report)
	}
}

// TestSandboxTakesAnswersOnce: evidence and acceptance arrive once for their request, and can be asked for.
func TestSandboxTakesAnswersOnce(t *testing.T) {
	w := &world{sandbox: startSandbox(t, sandbox.Config{})}
	adapter := adapterWithin(t, w.sandbox.URL(), 10*time.Second)
	for _, operation := range []topics.PSPOperation{topics.OperationDisputeEvidence, topics.OperationDisputeAccept} {
		opened := w.disputed(t, string(operation))
		r := &topics.PSPRequest{
			RequestID: "3-7-" + string(operation), Operation: operation, PSP: psp.SandboxName, Tenant: "acme", PaymentID: opened.MerchantReference,
			DisputeReference: opened.Dispute.ID,
			Evidence:         &topics.DisputeEvidence{Text: "it was she", Documents: []topics.EvidenceDocument{{Kind: "receipt", Reference: "file_1"}}},
		}
		if report, err := adapter.Poll(t.Context(), r); err != nil || report.Outcome != topics.PSPNotFound {
			t.Errorf("%s before: %+v, %v", operation, report, err)
		}
		first, err := adapter.Do(t.Context(), r)
		if err != nil || first.Outcome != topics.PSPApproved || first.Dispute == nil || first.Dispute.Reference != opened.Dispute.ID || first.Dispute.Fact != "" {
			t.Fatalf("%s: %+v, %v", operation, first, err)
		}
		for name, ask := range map[string]func() (topics.PSPReport, error){
			"again":  func() (topics.PSPReport, error) { return adapter.Do(t.Context(), r) },
			"polled": func() (topics.PSPReport, error) { return adapter.Poll(t.Context(), r) },
		} {
			if report, err := ask(); err != nil || !reflect.DeepEqual(report, first) {
				t.Errorf("%s %s: %+v, %v; want %+v", operation, name, report, err, first)
			}
		}
		second := *r
		second.RequestID += "-2"
		if report, err := adapter.Do(t.Context(), &second); err != nil || report.Outcome != topics.PSPFailed || report.Detail == "" {
			t.Errorf("%s by another request: %+v, %v; want failed", operation, report, err)
		}
	}
	wrong := &topics.PSPRequest{RequestID: "3-8-0", Operation: topics.OperationDisputeAccept, DisputeReference: "../x"}
	if report, err := adapter.Do(t.Context(), wrong); err != nil || report.Outcome != topics.PSPFailed {
		t.Errorf("no dispute's reference: %+v, %v", report, err)
	}
}

// post asks the sandbox for something, and takes no refusal.
func (w *world) post(t *testing.T, path, key string, body, out any) {
	t.Helper()
	payload, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.sandbox.URL()+path, bytes.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Idempotency-Key", key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("POST %s %s: %s", path, payload, res.Status)
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		t.Fatal(err)
	}
}
