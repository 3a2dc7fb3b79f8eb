package webhook

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/segmentio/encoding/json"
)

// Stripe verifies signatures as Stripe makes them: "Stripe-Signature: t=<Unix time>,v1=<hex>", HMAC-SHA256 over the time, a
// full stop and the body. During a rotation there are several v1; other versions are not looked at.
type Stripe struct{ secrets [][]byte }

// minStripeSecret is what a secret has at least; Stripe's own are longer.
const minStripeSecret = 16

func newStripe(secrets []string) (*Stripe, error) {
	// Stripe signs with the text of the secret, its prefix whsec_ included.
	keys, err := secretsOf(secrets, minStripeSecret, fromText)
	return &Stripe{keys}, err
}

// Verify implements Verifier. The delivery is named by the event's id, which every attempt of it carries.
func (s *Stripe) Verify(header http.Header, body []byte, now time.Time) (Delivery, error) {
	value, err := one(header, "Stripe-Signature")
	if err != nil {
		return Delivery{}, err
	}
	stamp, signatures, err := stripeHeader(value)
	if err != nil {
		return Delivery{}, err
	}
	at, err := unixTime(stamp)
	if err != nil {
		return Delivery{}, err
	}
	if !matches(s.secrets, signatures, []byte(stamp), []byte("."), body) {
		return Delivery{}, ErrSignature
	}
	if err := fresh(at, now); err != nil {
		return Delivery{}, err
	}
	var event struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(body, &event) != nil || !validID(event.ID) {
		return Delivery{ID: hashed(body)}, nil // the adapter says what is wrong with it
	}
	return Delivery{ID: event.ID}, nil
}

// stripeHeader takes the header apart: one time and the signatures of version v1.
func stripeHeader(value string) (stamp string, signatures [][]byte, err error) {
	parts := strings.Split(value, ",")
	if len(parts) > maxSignatures {
		return "", nil, fmt.Errorf("%w: Stripe-Signature has %d parts, at most %d", ErrUnsigned, len(parts), maxSignatures)
	}
	for _, part := range parts {
		name, rest, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			if stamp != "" {
				return "", nil, fmt.Errorf("%w: Stripe-Signature has two times", ErrUnsigned)
			}
			stamp = rest
		case "v1":
			if signature, err := hex.DecodeString(rest); err == nil {
				signatures = append(signatures, signature)
			}
		}
	}
	if stamp == "" || len(signatures) == 0 {
		return "", nil, fmt.Errorf("%w: Stripe-Signature: want t=<Unix time>,v1=<64 hexadecimal digits>", ErrUnsigned)
	}
	return stamp, signatures, nil
}
