package psp_test

import (
	"net"
	"testing"
	"time"

	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/processors/psp/psptest"
	"github.com/weirhq/weir/processors/psp/sandbox"
	"github.com/weirhq/weir/topics"
)

func TestSandboxConforms(t *testing.T) {
	w := &world{sandbox: startSandbox(t, sandbox.Config{})}
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := nobody.Close(); err != nil {
		t.Fatal(err)
	}
	psptest.Run(t, psptest.Harness{
		Adapter:     adapterWithin(t, w.sandbox.URL(), time.Second),
		Unreachable: sandboxAdapter(t, "http://"+nobody.Addr().String()),
		Cards: psptest.Cards{
			Approved: "tok_approved", Declined: "tok_declined_soft", HardDeclined: "tok_declined_hard",
			Challenge: "tok_3ds_challenge", Unavailable: "tok_unavailable",
			LostBefore: "tok_timeout_before_charge", LostAfter: "tok_timeout_after_charge",
		},
		Charges: func(t *testing.T, paymentID string) int { return w.charges(t, paymentID) },
		Event: func(t *testing.T, r *topics.PSPRequest) []byte {
			var op sandbox.Operation
			w.get(t, "/v1/requests/"+r.RequestID, &op)
			body, err := json.Marshal(sandbox.Event{ID: "evt_1", Type: "authorize.approved", CreatedAt: time.Now(), Data: op})
			if err != nil {
				t.Fatal(err)
			}
			return body
		},
		Odd: []byte(`{"id":"evt_2","type":"authorize.audited","data":{"operation":"authorize","status":"approved"}}`),
	})
}

func TestSandboxAddressIsChecked(t *testing.T) {
	for _, url := range []string{"", "127.0.0.1:80", "ftp://host", "http://"} {
		if _, err := psp.NewSandbox(psp.SandboxConfig{BaseURL: url}); err == nil {
			t.Errorf("%q was accepted", url)
		}
	}
}
