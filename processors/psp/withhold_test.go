package psp_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/processors/psp/sandbox"
	"github.com/weirhq/weir/topics"
)

// planned is an authorisation that a routing plan sends to this PSP, with another one to go to.
func planned(position int) *topics.PSPRequest {
	r := authorization(position, "tok_approved")
	r.Route, r.Fallback = "to_sandbox", true
	return r
}

func notSent(context.Context, *topics.PSPRequest) (topics.PSPReport, error) {
	return topics.PSPReport{}, psp.ErrNotSent
}

// TestFallbackIsAnsweredAtOnce: where the payment has another PSP to go to, one that cannot be reached is answered for at once,
// and is not asked any more, whoever meets the request again.
func TestFallbackIsAnsweredAtOnce(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	attempts := psp.NewStoredAttempts(databasetest.New(t))
	stop := w.run(t, func(c *psp.Config) {
		c.Adapters, c.Attempts = []psp.Adapter{&scripted{do: notSent}}, attempts
		c.CommitEvery = time.Hour // the next owner meets it again
	})
	r := planned(1)
	w.ask(t, 1, r)
	got := w.only(t)
	if got.Outcome != topics.PSPFailed || got.DeclineCode != topics.DeclineNotSent || got.Source != topics.SourceResponse {
		t.Fatalf("report %+v", got)
	}
	stop()
	w.run(t, func(c *psp.Config) {
		c.Group, c.Attempts = "another", attempts
		c.Adapters = []psp.Adapter{&scripted{
			do: func(context.Context, *topics.PSPRequest) (topics.PSPReport, error) {
				t.Error("it was sent after it was answered for as not sent")
				return topics.PSPReport{}, psp.ErrUnknown
			},
		}}
	})
	if again := w.wait(t, 2)[1]; again.ReportID != got.ReportID || again.Outcome != got.Outcome || again.DeclineCode != got.DeclineCode {
		t.Errorf("again %+v, first %+v", again, got)
	}
}

// TestOpenBreakerSendsTrafficOn: once the breaker is open nobody waits for a call to fail.
func TestOpenBreakerSendsTrafficOn(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	var calls atomic.Int64
	w.run(t, func(c *psp.Config) {
		c.Attempts = psp.NewStoredAttempts(databasetest.New(t))
		c.Breaker = psp.BreakerConfig{MinCalls: 3, Delay: time.Hour}
		c.Concurrency = 1
		c.Adapters = []psp.Adapter{&scripted{do: func(context.Context, *topics.PSPRequest) (topics.PSPReport, error) {
			calls.Add(1)
			return topics.PSPReport{}, psp.ErrUnknown
		}}}
	})
	var requests []*topics.PSPRequest
	for i := range 20 {
		requests = append(requests, planned(i+1))
	}
	w.ask(t, 1, requests...)
	outcomes := map[topics.PSPOutcome]int{}
	for _, got := range w.wait(t, 20) {
		outcomes[got.Outcome]++
	}
	if calls.Load() != 3 || outcomes[topics.PSPUnknown] != 3 || outcomes[topics.PSPFailed] != 17 {
		t.Errorf("%d calls, %v", calls.Load(), outcomes)
	}
}

// TestClaimedByADeadGateway: a planned request that another gateway may have sent is polled, though the PSP knows keys: an
// answer "not sent" could not be proven any more, and neither can a second sending be told from the first.
func TestClaimedByADeadGateway(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	attempts := psp.NewStoredAttempts(databasetest.New(t))
	r := planned(1)
	if first, _, err := attempts.Begin(t.Context(), r); err != nil || !first {
		t.Fatal(first, err)
	}
	w.run(t, func(c *psp.Config) {
		c.Attempts = attempts
		c.Disabled = func(topics.RouteScope, time.Time) string { return "by hand" }
		c.Adapters = []psp.Adapter{&scripted{
			do: func(context.Context, *topics.PSPRequest) (topics.PSPReport, error) {
				t.Error("it was sent a second time")
				return topics.PSPReport{}, psp.ErrUnknown
			},
			poll: approve,
		}}
	})
	w.ask(t, 1, r)
	if got := w.only(t); got.Outcome != topics.PSPApproved || got.Source != topics.SourcePoll {
		t.Errorf("report %+v", got)
	}
}

// unstored cannot store how an attempt is settled, the first times.
type unstored struct {
	psp.Attempts
	mu    sync.Mutex
	fails int
}

func (u *unstored) Settle(ctx context.Context, r *topics.PSPRequest, report *topics.PSPReport) (topics.PSPReport, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.fails > 0 {
		u.fails--
		return topics.PSPReport{}, errors.New("the database is away")
	}
	return u.Attempts.Settle(ctx, r, report)
}

// TestNotSentIsStoredBeforeItIsSaid: the PSP is back before the row can be written, and is not asked all the same.
func TestNotSentIsStoredBeforeItIsSaid(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	attempts := &unstored{Attempts: psp.NewStoredAttempts(databasetest.New(t)), fails: 2}
	var calls atomic.Int64
	w.run(t, func(c *psp.Config) {
		c.Attempts = attempts
		c.Adapters = []psp.Adapter{&scripted{do: func(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
			if calls.Add(1) > 1 {
				return approve(ctx, r)
			}
			return notSent(ctx, r)
		}}}
	})
	r := planned(1)
	w.ask(t, 1, r)
	got := w.only(t)
	_, stored, err := attempts.Begin(t.Context(), r)
	if got.DeclineCode != topics.DeclineNotSent || calls.Load() != 1 || err != nil || stored == nil || stored.DeclineCode != topics.DeclineNotSent {
		t.Errorf("report %+v after %d calls; stored %+v, %v", got, calls.Load(), stored, err)
	}
}

// TestNeverSentIsStoredBeforeItIsSaid: so is what could not be sent before not_after, of a PSP without keys.
func TestNeverSentIsStoredBeforeItIsSaid(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	attempts := &unstored{Attempts: psp.NewStoredAttempts(databasetest.New(t)), fails: 2}
	w.run(t, func(c *psp.Config) {
		c.Attempts, c.Adapters = attempts, []psp.Adapter{newKeyless(t, "http://127.0.0.1:1")}
	})
	r := authorization(1, "tok_approved")
	r.NotAfter = time.Now()
	w.ask(t, 1, r)
	got := w.only(t)
	_, stored, err := attempts.Begin(t.Context(), r)
	if got.DeclineCode != topics.DeclineNotSent || err != nil || stored == nil || stored.DeclineCode != topics.DeclineNotSent {
		t.Errorf("report %+v; stored %+v, %v", got, stored, err)
	}
}

// TestKillSwitch: authorisations and payouts are answered for at once where they are claimed, and wait where they are not; what
// follows an authorisation goes on.
func TestKillSwitch(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	var on atomic.Bool
	on.Store(true)
	controls := topics.Controls{}.With(&topics.RouteControl{Scope: topics.RouteScope{PSP: psp.SandboxName, Country: "DE"}, Disabled: true, Reason: "drill"})
	w.run(t, func(c *psp.Config) {
		c.Attempts = psp.NewStoredAttempts(databasetest.New(t))
		c.Disabled = func(asked topics.RouteScope, at time.Time) string {
			if !on.Load() {
				return ""
			}
			return controls.Disabled(asked, at)
		}
	})
	last := planned(1) // nobody else is there to ask: it ends
	last.Fallback, last.Country = false, "DE"
	w.ask(t, 1, last)
	if got := w.only(t); got.Outcome != topics.PSPFailed || got.DeclineCode != topics.DeclineRouteDisabled {
		t.Fatalf("planned: %+v", got)
	}
	abroad := planned(2)
	abroad.Card.Country = "FR"
	w.ask(t, 2, abroad)
	approved := w.wait(t, 2)[1]
	if approved.Outcome != topics.PSPApproved {
		t.Fatalf("of another country: %+v", approved)
	}
	refund := planned(2)
	refund.RequestID, refund.Operation, refund.PSPReference = "1-3-0", topics.OperationRefund, approved.PSPReference
	refund.Country = "DE"
	unplanned := authorization(4, "tok_approved")
	unplanned.Country = "DE"
	w.ask(t, 3, unplanned)
	w.ask(t, 4, refund)
	if got := w.wait(t, 3)[2]; got.Operation != topics.OperationRefund || got.Outcome == topics.PSPFailed {
		t.Fatalf("a refund: %+v", got)
	}
	payout := payoutTo(5, "tok_approved")
	payout.Card.Country = "DE"
	w.ask(t, 5, payout)
	if got := w.wait(t, 4)[3]; got.RequestID != payout.RequestID || got.Outcome != topics.PSPFailed || got.DeclineCode != topics.DeclineRouteDisabled || w.charges(t, payout.PaymentID) != 0 {
		t.Fatalf("a payout: %+v", got)
	}
	on.Store(false)
	if got := w.wait(t, 5)[4]; got.RequestID != unplanned.RequestID || got.Outcome != topics.PSPApproved {
		t.Errorf("once it is enabled: %+v", got)
	}
}
