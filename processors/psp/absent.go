package psp

import (
	"context"
	"fmt"
	"time"

	"github.com/weirhq/weir/topics"
)

// absent stands for the PSPs that are not configured, where payouts go to them: one of these is not sent, provably, and waits as
// long as it may; what became of one that was sent is not known. Other requests are put aside.
type absent struct{}

// absentName is what metrics call it.
const absentName = "not_configured"

func (absent) Name() string { return absentName }

func (absent) Idempotent() (window time.Duration, ok bool) { return 0, false }

func (absent) Do(_ context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
	return topics.PSPReport{}, fmt.Errorf("%w: %s", ErrNotSent, notConfigured(r.PSP))
}

func (absent) Poll(_ context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
	return topics.PSPReport{Outcome: topics.PSPUnknown, PSPReference: r.PSPReference, Detail: "cannot be polled: " + notConfigured(r.PSP)}, nil
}

func (absent) Webhook([]byte) (topics.PSPReport, error) { return topics.PSPReport{}, ErrUnknownEvent }

func notConfigured(psp string) string { return fmt.Sprintf("no PSP %.64q is configured", psp) }
