package psp

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/weirhq/weir/topics"
)

// disabledPause is how long a request that no plan chose waits before the kill switch is looked at again.
const disabledPause = 500 * time.Millisecond

// disabled says why a PSP must not be asked, "" where it may be. A kill switch keeps authorisations and payouts back; what follows
// an authorisation goes on, or money would hang at a PSP that is switched off.
func (s *station) disabled(t *task) string {
	if s.adapter == (absent{}) {
		return notConfigured(t.request.PSP)
	}
	begins := t.request.Operation == topics.OperationAuthorize || t.request.Operation == topics.OperationPayout
	if s.cfg.Disabled == nil || !begins {
		return ""
	}
	return s.cfg.Disabled(t.scope(), s.cfg.Now())
}

// notNow tries again after a pause, or answers at once that the request was not and will not be sent. The latter takes a claim,
// without which another gateway may have sent it, or may do so.
func (s *station) notNow(ctx context.Context, t *task, code string, wait time.Duration, answer bool, reason error) result {
	if answer {
		return s.withhold(ctx, t, code, reason)
	}
	return s.sendLater(t, wait, reason)
}

// withhold answers that a request was not and will not be sent. From here on it never is.
//
// The attempt row says so before the payment is told: a gateway that meets the request again, because this one died before its
// offset was committed, gives the same answer. Where it is not known whether the row says so, it is written again. Where another
// gateway has taken the request over, it says what has become of it.
func (s *station) withhold(ctx context.Context, t *task, code string, reason error) result {
	t.withheld = code
	ours := t.answered(topics.PSPReport{
		Outcome: topics.PSPFailed, DeclineCode: code, PSPReference: t.request.PSPReference, Detail: reason.Error(),
	}, topics.SourceResponse)
	stored, err := s.cfg.Attempts.Settle(ctx, &t.request, &ours.report)
	if err != nil {
		s.log.Warn("psp: that a request is not sent is not stored", "request_id", t.request.RequestID, "error", err)
		return s.again(t)
	}
	return result{report: stored}
}

// repeat sends a request, which some gateway has claimed and may have sent, once more under its key, where its PSP cannot be asked.
// ok is false where it must not, and where nothing came of it: then it is polled.
//
// First it takes the request over, in the attempt row: from then on nobody says of it that it was not sent. A crash behind that
// leaves the row with "unknown", and whoever meets the request again goes on here.
func (s *station) repeat(ctx context.Context, t *task) (done result, ok bool) {
	repeats, can := s.adapter.(Repeater)
	if !can || t.request.Poll || !s.cfg.Now().Before(t.request.NotAfter) || s.disabled(t) != "" {
		return result{}, false
	}
	taken := t.outcome(topics.PSPUnknown, topics.SourcePoll, "taken over from another gateway, which may have sent it")
	stored, err := s.cfg.Attempts.Settle(ctx, &t.request, &taken.report)
	switch {
	case err != nil:
		s.log.Warn("psp: attempt is not taken over", "request_id", t.request.RequestID, "error", err)
		return s.again(t), true
	case stored.Outcome != topics.PSPUnknown:
		return result{report: stored}, true
	}
	if wait, open := s.open(); open {
		return s.pollLater(t, wait, errors.New("the circuit breaker is open")), true
	}
	started := time.Now()
	report, err := s.guard("repeat", t, func() (topics.PSPReport, error) { return repeats.Repeat(ctx, &t.request) })
	s.observe(t, started, report.Outcome, err)
	if err != nil {
		t.tries++
		return s.pollLater(t, backoff(t.tries, rand.Float64()), err), true
	}
	return s.finish(ctx, t, t.answered(report, topics.SourcePoll)), true
}
