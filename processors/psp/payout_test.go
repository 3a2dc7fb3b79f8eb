package psp_test

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/processors/psp/sandbox"
	"github.com/weirhq/weir/topics"
)

func payoutTo(position int, token string) *topics.PSPRequest {
	r := authorization(position, token)
	id, _ := topics.ParsePaymentID(r.PaymentID)
	r.Operation, r.PaymentID = topics.OperationPayout, topics.PayoutID{Partition: id.Partition, UUID: id.UUID}.String()
	r.Capture, r.ReturnURL = false, ""
	return r
}

// TestPayoutsAtTheGateway: what the sandbox says of a payout is reported, and one that could not be sent was provably not, though the
// PSP knows keys, which is told long before not_after: the payout may be asked for again. Whoever meets the request again says the
// same. So is one to a PSP that is not configured any more; what became of an earlier request to it is not known.
func TestPayoutsAtTheGateway(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	attempts := psp.NewStoredAttempts(databasetest.New(t))
	stop := w.run(t, func(c *psp.Config) {
		c.Attempts, c.CommitEvery = attempts, time.Hour // the next owner meets them again
		c.SendPatience = 300 * time.Millisecond
	})
	requests := []*topics.PSPRequest{payoutTo(1, "tok_approved"), payoutTo(2, "tok_payout_fails"), payoutTo(3, "tok_payout_pending"), payoutTo(4, "tok_payout_unavailable")}
	gone, polled := payoutTo(5, "tok_approved"), payoutTo(6, "tok_approved")
	gone.PSP, polled.PSP, polled.Poll = "gone", "gone", true
	requests = append(requests, gone, polled)
	for _, r := range requests {
		r.NotAfter = time.Now().Add(time.Hour)
	}
	w.ask(t, 1, requests...)
	first := map[string]topics.PSPReport{}
	for _, r := range w.wait(t, len(requests)) {
		first[r.PaymentID] = r
	}
	for i, want := range []topics.PSPOutcome{topics.PSPApproved, topics.PSPFailed, topics.PSPPending, topics.PSPFailed, topics.PSPFailed, topics.PSPUnknown} {
		r := first[requests[i].PaymentID]
		if r.Outcome != want || r.Operation != topics.OperationPayout || r.RequestID != requests[i].RequestID || (r.DeclineCode == topics.DeclineNotSent) != (i == 3) ||
			(r.DeclineCode == topics.DeclineRouteDisabled) != (i == 4) || (r.Detail != "") != (i > 2 || i == 1) {
			t.Errorf("%s: %+v; want %s", requests[i].Card.Token, r, want)
		}
	}
	stop()
	w.run(t, func(c *psp.Config) { c.Group, c.Attempts = "another", attempts })
	for _, r := range w.wait(t, 2*len(requests))[len(requests):] {
		if before := first[r.PaymentID]; before.DeclineCode != "" && before.Outcome == topics.PSPFailed && (r.ReportID != before.ReportID || r.Outcome != before.Outcome) {
			t.Errorf("again %+v, first %+v", r, before)
		}
	}
	for _, r := range requests[:1] {
		if n := w.charges(t, r.PaymentID); n != 1 {
			t.Errorf("paid %d times", n)
		}
	}
	if n := w.charges(t, requests[3].PaymentID); n != 0 {
		t.Errorf("what was not sent was paid %d times", n)
	}
}

// TestBreakerIsSeenBeforeItMoves: an alert on a metric that is not there yet would never come.
func TestBreakerIsSeenBeforeItMoves(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	registry := prometheus.NewRegistry()
	w.run(t, func(c *psp.Config) { c.Metrics = registry })
	w.ask(t, 1, authorization(1, "tok_approved"))
	w.wait(t, 1)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "weir_psp_breaker_state" && len(f.GetMetric()) == 1 && f.GetMetric()[0].GetGauge().GetValue() == 0 {
			return
		}
	}
	t.Error("weir_psp_breaker_state of the PSP is not there")
}
