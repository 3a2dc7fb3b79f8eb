// Package webhook verifies the webhooks of payment service providers. It is all that the HTTP API needs of a PSP: it
// reads no topic and knows no event. What a verified body means is the adapter's business, after the record is durable.
//
//	scheme.go    which scheme a PSP signs by, from its configuration
//	standard.go  Standard Webhooks: v1 (HMAC-SHA256) and v1a (Ed25519)
//	stripe.go    Stripe
//	adyen.go     Adyen: the signature of each item stands in the body
//	template.go  HMAC-SHA256 and Ed25519 of any other PSP: headers and what is signed are described
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

// Limits of what a stranger may send. MaxBody is in bytes.
const (
	MaxBody       = 256 << 10
	maxHeader     = 4096 // bytes of one header's value
	maxSignatures = 16   // in one header: a sender in a rotation gives two
	maxID         = 128  // bytes of a delivery's id
)

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

// Delivery is a verified webhook.
type Delivery struct {
	// ID is the PSP's id of the delivery, or a hash of what is signed where the PSP gives none. The signature covers it.
	ID string
	// Accepted is the body of the 2xx that the PSP waits for, "" where any will do.
	Accepted string
}

// Verifier verifies the deliveries of one PSP.
type Verifier interface {
	// Verify checks the signature over the raw body, and the signed time against now. The error wraps one of this
	// package's, and holds nothing of a secret.
	Verify(header http.Header, body []byte, now time.Time) (Delivery, error)
}

// Verifiers holds a Verifier for each PSP by name.
type Verifiers map[string]Verifier

// Verify checks a delivery that claims to come from the PSP of that name.
func (v Verifiers) Verify(psp string, header http.Header, body []byte, now time.Time) (Delivery, error) {
	verifier, ok := v[psp]
	if !ok {
		return Delivery{}, fmt.Errorf("%w %q", ErrUnknownPSP, psp)
	}
	if len(body) > MaxBody {
		return Delivery{}, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(body), MaxBody)
	}
	return verifier.Verify(header, body, now)
}
