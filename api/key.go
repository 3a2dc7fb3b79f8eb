package api

import (
	"crypto/sha256"
	"net/http"
	"slices"

	"github.com/weirhq/weir/topics"
)

const (
	headerKey      = "Idempotency-Key"
	headerXKey     = "X-Idempotency-Key"
	headerReplayed = "Idempotency-Replayed"
	maxKeyBytes    = 255
)

// idempotencyKey reads the key of a write from either header. Several keys in one request are an error unless they are
// equal: which of them a proxy has added, nobody can tell.
func idempotencyKey(h http.Header) (string, error) {
	key := ""
	for _, given := range slices.Concat(h.Values(headerKey), h.Values(headerXKey)) {
		if key != "" && given != "" && given != key {
			return "", malformed(headerKey, "Idempotency-Key and X-Idempotency-Key carry different keys; send one of them")
		}
		if given != "" {
			key = given
		}
	}
	switch {
	case key == "":
		return "", &Problem{Status: http.StatusUnprocessableEntity, Code: "idempotency_key_required",
			Message: "send an Idempotency-Key header: a value that is new for each payment operation, such as a UUID, " +
				"and the same when the operation is repeated",
			Details: &ErrorDetails{Field: headerKey}}
	case topics.FindCardNumber([]byte(key)):
		return "", cardLike("header Idempotency-Key")
	case len(key) > maxKeyBytes || !printable(key):
		return "", malformed(headerKey, "Idempotency-Key: want 1 to 255 printable ASCII characters")
	}
	return key, nil
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// fingerprint identifies what a request asks for: its operation and the command's parameters, in the codec's one form (so
// white space and the order of keys do not count).
func fingerprint(pattern string, parameters any) ([32]byte, error) {
	body, err := topics.Marshal(parameters)
	if err != nil {
		return [32]byte{}, err
	}
	h := sha256.New()
	h.Write([]byte(pattern))
	h.Write([]byte{0})
	h.Write(body)
	return [32]byte(h.Sum(nil)), nil
}
