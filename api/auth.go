package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// minSecret is the shortest secret of an API key, in bytes.
const minSecret = 16

// Key is one API key: who holds the secret acts for the tenant.
type Key struct {
	Tenant string
	Region string // stamped on the commands; may be empty
	Name   string // who calls: for the log, and as the approver of adjustments; unique within the tenant
	Secret string // at least 16 bytes; only its SHA-256 is kept

	Approver bool // may approve: review held intents, lift the rules' holds, send adjustments, approve edits of lists, erase customers
	Personal bool // may read what tells who customers are
}

// apiKey is a Key as it is kept: without its secret.
type apiKey struct {
	Tenant string
	Region string
	Name   string
	sum    [sha256.Size]byte
	bucket *rate.Limiter

	approver bool
	personal bool
}

type keyring []*apiKey

func newKeyring(keys []Key, limits Limits) (keyring, error) {
	name := regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`)
	ring := make(keyring, 0, len(keys))
	for i, k := range keys {
		sum := sha256.Sum256([]byte(k.Secret))
		switch {
		case !name.MatchString(k.Tenant):
			return nil, fmt.Errorf("api key %d: tenant %q: want 1 to 64 letters, digits, '.', '_', ':' or '-'", i+1, k.Tenant)
		case !name.MatchString(k.Name):
			return nil, fmt.Errorf("api key %d: name %q: want 1 to 64 letters, digits, '.', '_', ':' or '-'", i+1, k.Name)
		case len(k.Secret) < minSecret:
			return nil, fmt.Errorf("api key %s of %s: the secret has %d bytes, want at least %d", k.Name, k.Tenant, len(k.Secret), minSecret)
		case ring.find(sum) != nil:
			return nil, fmt.Errorf("api key %s of %s: another key has the same secret", k.Name, k.Tenant)
		}
		ring = append(ring, &apiKey{Tenant: k.Tenant, Region: k.Region, Name: k.Name, sum: sum,
			bucket: rate.NewLimiter(rate.Limit(limits.Rate), limits.Burst), approver: k.Approver, personal: k.Personal})
	}
	return ring, nil
}

// find compares with every key, in a time that does not depend on which one fits.
func (ring keyring) find(sum [sha256.Size]byte) *apiKey {
	var found *apiKey
	for _, k := range ring {
		if subtle.ConstantTimeCompare(k.sum[:], sum[:]) == 1 {
			found = k
		}
	}
	return found
}

// authenticate finds the key whose secret the request carries.
func (ring keyring) authenticate(h http.Header) (*apiKey, error) {
	secret, err := secretOf(h)
	if err == nil {
		if key := ring.find(sha256.Sum256([]byte(secret))); key != nil {
			return key, nil
		}
		err = errors.New("the API key is not known")
	}
	return nil, &Problem{Status: http.StatusUnauthorized, Code: "unauthorized", Message: err.Error()}
}

func secretOf(h http.Header) (string, error) {
	plain := h.Get("X-Api-Key")
	authorization := h.Get("Authorization")
	if authorization == "" && plain == "" {
		return "", errors.New("send an API key as Authorization: Bearer or X-Api-Key")
	}
	if authorization == "" {
		return plain, nil
	}
	scheme, bearer, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") || bearer == "" {
		return "", errors.New("the Authorization header is not of the form Bearer followed by an API key")
	}
	if plain != "" && plain != bearer {
		return "", errors.New("Authorization and X-Api-Key carry different keys; send one of them")
	}
	return bearer, nil
}

// mayApprove refuses a key that may not approve.
func (k *apiKey) mayApprove() error {
	if k.approver {
		return nil
	}
	return &Problem{Status: http.StatusForbidden, Code: "approver_required",
		Message: "this API key may not approve; want one with approver: true in weir's configuration"}
}

// take uses one request of the key's rate; where none is left it says how long to wait and uses nothing.
func (k *apiKey) take(now time.Time) time.Duration {
	reservation := k.bucket.ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now)
	}
	return wait
}
