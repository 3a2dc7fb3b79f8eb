package psp

import (
	"context"
	"time"

	"github.com/weirhq/weir/topics"
)

// disabledPause is how long a request that no plan chose waits before the kill switch is looked at again.
const disabledPause = 500 * time.Millisecond

// disabled says why a PSP must not be asked, "" where it may be. A kill switch keeps authorisations back; what follows one goes
// on, or money would hang at a PSP that is switched off.
func (s *station) disabled(t *task) string {
	if s.cfg.Disabled == nil || t.request.Operation != topics.OperationAuthorize {
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
// offset was committed, gives the same answer. Where it is not known whether the row says so, it is written again.
func (s *station) withhold(ctx context.Context, t *task, code string, reason error) result {
	t.withheld = code
	done := t.answered(topics.PSPReport{Outcome: topics.PSPFailed, DeclineCode: code, Detail: reason.Error()}, topics.SourceResponse)
	if err := s.cfg.Attempts.Finish(ctx, &t.request, &done.report); err != nil {
		s.log.Warn("psp: that a request is not sent is not stored", "request_id", t.request.RequestID, "error", err)
		return s.again(t)
	}
	return done
}
