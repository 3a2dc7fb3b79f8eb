package sandbox

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
)

// deriveID makes an id of our own from a caller's key: the same key yields it again, after a restart too.
func deriveID(prefix string, parts ...string) string {
	var buf [160]byte
	b := append(buf[:0], prefix...)
	for _, part := range parts {
		b = append(append(b, part...), 0)
	}
	sum := sha256.Sum256(b)
	return prefix + hex.EncodeToString(sum[:12])
}

// fingerprint tells whether two requests with one key ask for the same.
func fingerprint(path string, body []byte) string {
	h := sha256.New()
	h.Write([]byte(path))
	h.Write([]byte{'\n'})
	h.Write(body)
	var sum [sha256.Size]byte
	return base64.RawStdEncoding.EncodeToString(h.Sum(sum[:0])[:12])
}
