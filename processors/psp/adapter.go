package psp

import (
	"context"
	"errors"
	"time"

	"github.com/weirhq/weir/topics"
)

// Adapter speaks one PSP's language. Its methods are called concurrently.
//
// Reports that it returns hold what the PSP said: operation, outcome, amounts, references, codes. The gateway adds what
// is ours (report id, source, tenant, payment and request ids).
type Adapter interface {
	// Name is the PSP's name in requests, webhook routes and metrics.
	Name() string

	// Idempotent says whether the PSP performs a request once for its key (the request id), and for how long after the
	// first attempt it knows the key. An adapter whose Poll cannot learn that a request never arrived says no, whatever
	// keys the PSP knows: the gateway then keeps attempts, and knows by itself what was never sent.
	Idempotent() (window time.Duration, ok bool)

	// Do sends a request that may move money. Without an error the report is the PSP's own answer. An error wraps
	// ErrNotSent where nothing was performed for certain, and means an unknown outcome otherwise.
	Do(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error)

	// Poll asks what became of a request and moves nothing. Outcome not_found means that the PSP has no such request now;
	// the gateway knows whether it may still arrive. Unknown, without an error, means that asking again at once is of no use.
	Poll(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error)

	// Webhook maps the body of a verified webhook to a complete report, its ReportID from the PSP's event id. An error
	// wraps ErrUnknownEvent where the body is well formed and the adapter knows no such event.
	Webhook(body []byte) (topics.PSPReport, error)
}

// Repeater is an Adapter of a PSP that cannot be asked what became of a request, and performs one once for its key.
type Repeater interface {
	// Repeat sends a request that may have been sent before. It may be the first sending, so the gateway asks for it as for Do:
	// once the attempt is its own, before NotAfter, and of a PSP that is not switched off. No error of it proves that nothing
	// was performed.
	Repeat(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error)
}

var (
	// ErrNotSent means that nothing was performed: no connection, or an answer by which the PSP says so. The same
	// request may be sent again.
	ErrNotSent = errors.New("not sent")
	// ErrUnknown means that the request may or may not have been performed.
	ErrUnknown = errors.New("outcome unknown")
	// ErrUnknownEvent means that a webhook tells something that the adapter does not know.
	ErrUnknownEvent = topics.ErrUnknownEvent
)

// NotSent tells whether an error of a call proves that nothing was performed. One that is both, because a second call failed, does
// not.
func NotSent(err error) bool { return errors.Is(err, ErrNotSent) && !errors.Is(err, ErrUnknown) }
