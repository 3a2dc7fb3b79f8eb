package psp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/weirhq/weir/topics"
)

// station performs the requests to one PSP: as many calls at a time as there are workers.
type station struct {
	cfg     *Config
	adapter Adapter
	breaker circuitbreaker.CircuitBreaker[any]
	queue   chan *task // never blocks: it holds as many as may be in flight
	metrics *metrics
	log     *slog.Logger
}

func newStation(cfg *Config, adapter Adapter, m *metrics) *station {
	b := cfg.Breaker
	log := cfg.Log.With("psp", adapter.Name())
	return &station{
		cfg: cfg, adapter: adapter, queue: make(chan *task, cfg.MaxInFlight), metrics: m, log: log,
		breaker: circuitbreaker.NewBuilder[any]().
			WithFailureRateThreshold(float64(b.FailurePercent)/100, uint(b.MinCalls), b.Period).
			WithDelay(b.Delay).WithSuccessThreshold(uint(b.Trials)).
			OnStateChanged(func(e circuitbreaker.StateChangedEvent) {
				log.Warn("psp: circuit breaker", "from", e.OldState.String(), "to", e.NewState.String())
				m.breaker.WithLabelValues(adapter.Name()).Set(float64(e.NewState))
			}).Build(),
	}
}

// result of one visit to a station: a report, or a pause before the next visit.
type result struct {
	report topics.PSPReport // complete where wait is zero
	wait   time.Duration
}

// answered completes what an adapter returned with what is ours.
func (t *task) answered(r topics.PSPReport, source topics.ReportSource) result {
	q := &t.request
	r.ReportID = topics.AnswerReportID(q.PSP, t.recordID, source, r.Outcome)
	r.Source, r.PSP, r.Tenant, r.Region = source, q.PSP, q.Tenant, q.Region
	r.CustomerID, r.PaymentID, r.RequestID, r.TraceID = q.CustomerID, q.PaymentID, q.RequestID, q.TraceID
	r.Operation = q.Operation
	if q.Operation.OfDispute() && r.Dispute == nil {
		r.Dispute = &topics.DisputeReport{Reference: q.DisputeReference}
	}
	r.Detail = SafeDetail(r.Detail)
	r.OccurredAt = topics.OccurredAt(r.OccurredAt, t.received)
	return result{report: r}
}

// outcome is a report of our own, about a PSP that did not answer.
func (t *task) outcome(o topics.PSPOutcome, source topics.ReportSource, detail string) result {
	return t.answered(topics.PSPReport{Outcome: o, PSPReference: t.request.PSPReference, Detail: detail}, source)
}

// visit takes a task one step further.
func (s *station) visit(ctx context.Context, t *task) result {
	window, idempotent := s.adapter.Idempotent()
	idempotent = idempotent && !(t.claims() && s.cfg.Attempts != nil)
	if t.withheld != "" {
		return s.withhold(ctx, t, t.withheld, errors.New("not sent"))
	}
	next := t.decide(s.cfg.Now(), window, idempotent)
	if next == stepClaim {
		if done, ok := s.claim(ctx, t); ok {
			return done
		}
		next = t.decide(s.cfg.Now(), window, idempotent)
	}
	switch next {
	case stepSend:
		return s.send(ctx, t)
	case stepNeverSent:
		// The row is ours, every call of ours failed before it was sent, and not_after keeps the next one from being
		// made: G3 holds, unless somebody has taken the request over.
		return s.withhold(ctx, t, topics.DeclineNotSent, errors.New("not sent before not_after"))
	default:
		if done, ok := s.repeat(ctx, t); ok {
			return done
		}
		return s.poll(ctx, t)
	}
}

// claim takes the attempt row of a request to a PSP without keys. ok is false where the task goes on.
func (s *station) claim(ctx context.Context, t *task) (done result, ok bool) {
	first, report, err := s.cfg.Attempts.Begin(ctx, &t.request)
	switch {
	case err != nil:
		// A lost answer may have left the row: it is then met as another's, and polled.
		s.log.Warn("psp: attempt is not claimed", "request_id", t.request.RequestID, "error", err)
		return s.again(t), true
	case first:
		t.claimed = true
	case report != nil && report.Outcome != topics.PSPUnknown:
		return result{report: *report}, true
	default:
		t.onlyPoll = true
	}
	return result{}, false
}

// finish stores the result of an attempt. A crash before it leaves a row without a result, which is polled.
func (s *station) finish(ctx context.Context, t *task, r result) result {
	if err := s.cfg.Attempts.Finish(ctx, &t.request, &r.report); err != nil {
		s.log.Warn("psp: attempt is left without its result", "request_id", t.request.RequestID, "error", err)
	}
	return r
}

// again asks for another visit after a pause.
func (s *station) again(t *task) result {
	t.tries++
	return result{wait: backoff(t.tries, rand.Float64())}
}

// send makes the call that may move money.
func (s *station) send(ctx context.Context, t *task) result {
	if why := s.disabled(t); why != "" {
		return s.notNow(ctx, t, topics.DeclineRouteDisabled, disabledPause, t.claimed, errors.New(why))
	}
	if wait, open := s.open(); open {
		return s.notNow(ctx, t, topics.DeclineNotSent, wait, s.tellsNow(t), errors.New("the circuit breaker is open"))
	}
	started := time.Now()
	report, err := s.guard("do", t, func() (topics.PSPReport, error) { return s.adapter.Do(ctx, &t.request) })
	s.observe(t, started, report.Outcome, err)
	switch {
	case err == nil:
		done := t.answered(report, topics.SourceResponse)
		if _, keys := s.adapter.Idempotent(); !keys {
			return s.finish(ctx, t, done)
		}
		return done
	case NotSent(err):
		s.log.Debug("psp: not sent", "request_id", t.request.RequestID, "payment_id", t.request.PaymentID, "error", err)
		return s.notNow(ctx, t, topics.DeclineNotSent, s.again(t).wait, s.tellsNow(t), err)
	default:
		s.log.Warn("psp: outcome unknown", "request_id", t.request.RequestID, "payment_id", t.request.PaymentID,
			"trace_id", t.request.TraceID, "error", err)
		return t.outcome(topics.PSPUnknown, topics.SourceResponse, err.Error())
	}
}

// tellsNow says that a request which cannot be sent is answered for, rather than tried again until not_after: another PSP is asked, or
// it is a payout, which waits where it can be seen and cancelled. Whoever has not claimed it cannot tell.
func (s *station) tellsNow(t *task) bool {
	waited := t.request.Operation == topics.OperationPayout && s.cfg.Now().Sub(t.received) >= s.cfg.SendPatience
	return t.claimed && (t.request.Fallback || waited)
}

// sendLater tries again after a pause, but looks at not_after when it comes. One that keeps too many others from being
// committed is not tried again: what became of it is polled, and as it was not sent, it is not found in the end.
func (s *station) sendLater(t *task, wait time.Duration, reason error) result {
	if t.partition.crowded.Load() {
		s.log.Warn("psp: given up before not_after", "request_id", t.request.RequestID, "payment_id", t.request.PaymentID, "error", reason)
		return t.outcome(topics.PSPUnknown, topics.SourceResponse, "given up: "+reason.Error())
	}
	return result{wait: min(wait, max(t.request.NotAfter.Sub(s.cfg.Now()), time.Millisecond))}
}

// poll asks what became of a request.
func (s *station) poll(ctx context.Context, t *task) result {
	if wait, open := s.open(); open {
		return s.pollLater(t, wait, errors.New("the circuit breaker is open"))
	}
	started := time.Now()
	report, err := s.guard("poll", t, func() (topics.PSPReport, error) { return s.adapter.Poll(ctx, &t.request) })
	s.observe(t, started, report.Outcome, err)
	if err != nil {
		t.tries++
		return s.pollLater(t, backoff(t.tries, rand.Float64()), err)
	}
	t.pollFailed = time.Time{}
	if report.Outcome != topics.PSPNotFound {
		return t.answered(report, topics.SourcePoll)
	}
	if outcome := t.absence(s.cfg.Now(), s.cfg.CallTimeout+s.cfg.SettleGrace); outcome != topics.PSPNotFound {
		return t.outcome(outcome, topics.SourcePoll, "not found, but it may still arrive")
	}
	return t.answered(report, topics.SourcePoll)
}

// pollLater tries a failed poll again for a while; then the outcome is unknown, and the payment asks again in its time.
func (s *station) pollLater(t *task, wait time.Duration, reason error) result {
	now := s.cfg.Now()
	if t.pollFailed.IsZero() {
		t.pollFailed = now
	}
	if now.Sub(t.pollFailed) >= s.cfg.PollPatience {
		return t.outcome(topics.PSPUnknown, topics.SourcePoll, "cannot be polled: "+reason.Error())
	}
	return result{wait: wait}
}

// open reports whether the breaker keeps calls back, and for how long. Where it does not, a permit is taken.
func (s *station) open() (time.Duration, bool) {
	if s.breaker.TryAcquirePermit() {
		return 0, false
	}
	// Half-open it has no delay: the few trial calls are under way.
	spread := 1 + rand.Float64()
	return max(s.breaker.RemainingDelay(), time.Duration(spread*float64(firstBackoff))), true
}

// guard makes a panic of an adapter an unknown outcome, and a report that says nothing, too.
func (s *station) guard(call string, t *task, do func() (topics.PSPReport, error)) (report topics.PSPReport, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("psp: adapter panicked", "call", call, "request_id", t.request.RequestID,
				"payment_id", t.request.PaymentID, "panic", p, "stack", string(debug.Stack()))
			report, err = topics.PSPReport{}, fmt.Errorf("%w: the adapter failed", ErrUnknown)
		}
	}()
	if report, err = do(); err == nil && report.Outcome == "" {
		err = fmt.Errorf("%w: the adapter reports no outcome", ErrUnknown)
	}
	return report, err
}

// observe tells the breaker and the metrics. What counts against a PSP is that it cannot be reached or does not answer.
func (s *station) observe(t *task, started time.Time, outcome topics.PSPOutcome, err error) {
	label := string(outcome)
	switch {
	case err == nil:
		s.breaker.RecordSuccess()
	case NotSent(err):
		s.breaker.RecordFailure()
		label = "not_sent"
	default:
		s.breaker.RecordFailure()
		label = "no_answer"
	}
	s.metrics.calls.WithLabelValues(s.adapter.Name(), string(t.request.Operation), label).Observe(time.Since(started).Seconds())
}
