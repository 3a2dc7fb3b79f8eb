package webhook

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Standard verifies signatures by Standard Webhooks: v1 (HMAC-SHA256) with secrets, v1a (Ed25519) with public keys.
type Standard struct {
	secrets [][]byte
	keys    []ed25519.PublicKey
}

// NewStandard takes one secret, or two during a rotation: base64, with or without the prefix "whsec_".
func NewStandard(secrets ...string) (*Standard, error) { return newStandard(secrets, nil) }

func newStandard(secrets, public []string) (*Standard, error) {
	if len(secrets)+len(public) == 0 || len(secrets) > MaxSecrets {
		return nil, fmt.Errorf("webhook secrets: %d given, want 1 or %d", len(secrets), MaxSecrets)
	}
	keys, err := secretsOf(secrets, MinSecretBytes, func(s string) ([]byte, error) { return fromBase64(strings.TrimPrefix(s, "whsec_")) })
	if err != nil {
		return nil, err
	}
	verifying, err := publicKeys(public)
	if err != nil {
		return nil, err
	}
	return &Standard{keys, verifying}, nil
}

// Verify implements Verifier. A delivery may carry several signatures, one for each of the sender's secrets; one match
// is enough.
func (s *Standard) Verify(header http.Header, body []byte, now time.Time) (Delivery, error) {
	id, err1 := one(header, "webhook-id")
	stamp, err2 := one(header, "webhook-timestamp")
	signatures, err3 := one(header, "webhook-signature")
	if err := errors.Join(err1, err2, err3); err != nil {
		return Delivery{}, err
	}
	at, err := unixTime(stamp)
	if err != nil {
		return Delivery{}, err
	}
	// A full stop in an id would let what is signed be divided otherwise.
	if !validID(id) || strings.Contains(id, ".") {
		return Delivery{}, fmt.Errorf("%w: webhook-id: want up to %d characters, no space and no full stop", ErrUnsigned, maxID)
	}
	list := strings.Fields(signatures)
	if len(list) > maxSignatures {
		return Delivery{}, fmt.Errorf("%w: %d signatures, at most %d", ErrUnsigned, len(list), maxSignatures)
	}
	head := []byte(id + "." + stamp + ".")
	if !matches(s.secrets, ofVersion(list, "v1,"), head, body) && !signedBy(s.keys, ofVersion(list, "v1a,"), slices.Concat(head, body)) {
		return Delivery{}, ErrSignature
	}
	return Delivery{ID: id}, fresh(at, now)
}

// ofVersion decodes the signatures that begin with a version. What does not decode matches nothing.
func ofVersion(list []string, version string) (signatures [][]byte) {
	for _, s := range list {
		if rest, ok := strings.CutPrefix(s, version); ok {
			if signature, err := base64.StdEncoding.DecodeString(rest); err == nil {
				signatures = append(signatures, signature)
			}
		}
	}
	return signatures
}
