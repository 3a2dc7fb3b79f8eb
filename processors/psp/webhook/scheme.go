package webhook

import (
	"errors"
	"fmt"
)

// MaxSecrets is how many secrets of one PSP are live at a time: the new and the old one during a rotation.
const MaxSecrets = 2

// Scheme says how a PSP signs.
type Scheme struct {
	Name       string   // standard, stripe, adyen, hmac or ed25519
	Secrets    []string // the live ones; none for ed25519
	PublicKeys []string // the live ones, for standard and ed25519
	Template   Template // for hmac and ed25519
}

// New returns the verifier of a scheme. Its errors never hold a secret.
func New(s Scheme) (Verifier, error) {
	if len(s.Secrets) > MaxSecrets || len(s.PublicKeys) > MaxSecrets {
		return nil, fmt.Errorf("%d secrets and %d public keys are given, want at most %d of each", len(s.Secrets), len(s.PublicKeys), MaxSecrets)
	}
	if s.Name != "standard" && (len(s.PublicKeys) > 0) != (s.Name == "ed25519") {
		return nil, errors.New("public_key: is for the schemes standard and ed25519; ed25519 needs it")
	}
	if s.Name != "standard" && (len(s.Secrets) > 0) == (s.Name == "ed25519") {
		return nil, errors.New("secret: every scheme but ed25519 needs it")
	}
	switch s.Name {
	case "standard":
		return newStandard(s.Secrets, s.PublicKeys)
	case "stripe":
		return newStripe(s.Secrets)
	case "adyen":
		return newAdyen(s.Secrets)
	case "hmac":
		return newHMAC(&s.Template, s.Secrets)
	case "ed25519":
		return newEd25519(&s.Template, s.PublicKeys)
	}
	return nil, fmt.Errorf("scheme %q: want standard, stripe, adyen, hmac or ed25519", s.Name)
}
