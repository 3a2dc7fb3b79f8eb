// Package webhook verifies the webhooks of payment service providers. It is all that the HTTP API needs of a PSP: it
// reads no topic and knows no event. What a verified body means is the adapter's business, after the record is durable.
package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Tolerance is how far the signed time of a delivery may lie from now, on either side: the replay window. A repeat
// inside it is harmless, because an event id moves money once.
const Tolerance = 5 * time.Minute

// MaxBody is the largest webhook body accepted, in bytes.
const MaxBody = 256 << 10

var (
	// ErrUnknownPSP means that no PSP of that name is configured.
	ErrUnknownPSP = errors.New("unknown PSP")
	// ErrUnsigned means that a signature header is missing or malformed.
	ErrUnsigned = errors.New("webhook is not signed")
	// ErrSignature means that no live secret yields the signature.
	ErrSignature = errors.New("webhook signature does not match")
	// ErrStale means that the signed time lies outside Tolerance.
	ErrStale = errors.New("webhook time is outside the replay window")
	// ErrTooLarge means that the body is longer than MaxBody.
	ErrTooLarge = errors.New("webhook body is too large")
)

// Verifier verifies the deliveries of one PSP.
type Verifier interface {
	// Verify checks the signature over the raw body, and the signed time against now. It returns the PSP's id of the
	// delivery, which the signature covers. The error wraps one of this package's.
	Verify(header http.Header, body []byte, now time.Time) (deliveryID string, err error)
}

// Verifiers holds a Verifier for each PSP by name.
type Verifiers map[string]Verifier

// Verify checks a delivery that claims to come from the PSP of that name.
func (v Verifiers) Verify(psp string, header http.Header, body []byte, now time.Time) (deliveryID string, err error) {
	verifier, ok := v[psp]
	if !ok {
		return "", fmt.Errorf("%w %q", ErrUnknownPSP, psp)
	}
	if len(body) > MaxBody {
		return "", fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(body), MaxBody)
	}
	return verifier.Verify(header, body, now)
}
