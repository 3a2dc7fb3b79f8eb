package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// MaxSecrets is how many secrets of one PSP are live at a time: the new and the old one during a rotation.
const MaxSecrets = 2

// MinSecretBytes is the shortest signing key accepted (Standard Webhooks asks for 24 to 64 bytes).
const MinSecretBytes = 24

// Standard verifies signatures by Standard Webhooks, symmetric scheme v1 (HMAC-SHA256).
type Standard struct {
	keys []*standardwebhooks.Webhook
}

// NewStandard takes one secret, or two during a rotation: base64, with or without the prefix "whsec_".
func NewStandard(secrets ...string) (*Standard, error) {
	if len(secrets) == 0 || len(secrets) > MaxSecrets {
		return nil, fmt.Errorf("webhook secrets: %d given, want 1 or %d", len(secrets), MaxSecrets)
	}
	keys := make([]*standardwebhooks.Webhook, len(secrets))
	for i, secret := range secrets {
		key, err := decodeSecret(secret)
		if err != nil {
			return nil, fmt.Errorf("webhook secret %d: %w", i+1, err) // never the secret itself
		}
		if keys[i], err = standardwebhooks.NewWebhookRaw(key); err != nil {
			return nil, fmt.Errorf("webhook secret %d: %w", i+1, err)
		}
	}
	return &Standard{keys}, nil
}

// Verify implements Verifier. A delivery may carry several signatures, one for each of the sender's secrets; one match
// is enough.
func (s *Standard) Verify(header http.Header, body []byte, now time.Time) (string, error) {
	id := header.Get(standardwebhooks.HeaderWebhookID)
	stamp := header.Get(standardwebhooks.HeaderWebhookTimestamp)
	if id == "" || stamp == "" || header.Get(standardwebhooks.HeaderWebhookSignature) == "" {
		return "", fmt.Errorf("%w: want the headers webhook-id, webhook-timestamp and webhook-signature", ErrUnsigned)
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return "", fmt.Errorf("%w: webhook-timestamp %q is not a Unix time", ErrUnsigned, stamp)
	}
	// The signature comes first: the time of a forged delivery tells nothing.
	if err := s.match(header, body); err != nil {
		return "", err
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > Tolerance || age < -Tolerance {
		return "", fmt.Errorf("%w: signed %s from now, at most %s", ErrStale, age.Round(time.Second), Tolerance)
	}
	return id, nil
}

func (s *Standard) match(header http.Header, body []byte) error {
	for _, key := range s.keys {
		// The library's own time check reads the wall clock; ours above takes now.
		err := key.VerifyIgnoringTimestamp(body, header)
		if err == nil {
			return nil
		}
		if !errors.Is(err, standardwebhooks.ErrNoMatchingSignature) {
			return fmt.Errorf("%w: %w", ErrUnsigned, err)
		}
	}
	return ErrSignature
}
