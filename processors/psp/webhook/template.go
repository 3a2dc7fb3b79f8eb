package webhook

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// Template describes how a PSP signs whose scheme is none of the others.
type Template struct {
	SignatureHeader string
	SignaturePrefix string // before the signature in its header
	Encoding        string // of the signature: hex or base64
	SecretEncoding  string // of the secret, for HMAC: text, hex or base64
	TimestampHeader string // "" where no time is signed
	IDHeader        string // of the delivery's id or nonce; "" where none is signed
	Signed          string // what is signed, with {body}, {timestamp} and {id}
}

// Described verifies signatures by a Template, with secrets (HMAC-SHA256) or public keys (Ed25519).
type Described struct {
	template Template
	parts    []string // of what is signed: texts and placeholders
	apart    string   // the separators between placeholders, which no time and no id may hold
	decode   func(string) ([]byte, error)
	secrets  [][]byte
	keys     []ed25519.PublicKey
}

const minHMACSecret = 16

func newHMAC(t *Template, secrets []string) (*Described, error) {
	decode := map[string]func(string) ([]byte, error){"text": fromText, "hex": fromHex, "base64": fromBase64}[t.SecretEncoding]
	if decode == nil {
		return nil, fmt.Errorf("secret_encoding %q: want text, hex or base64", t.SecretEncoding)
	}
	d, err := described(t)
	if err != nil {
		return nil, err
	}
	d.secrets, err = secretsOf(secrets, minHMACSecret, decode)
	return d, err
}

func newEd25519(t *Template, public []string) (*Described, error) {
	d, err := described(t)
	if err != nil {
		return nil, err
	}
	d.keys, err = publicKeys(public)
	return d, err
}

var (
	placeholder = regexp.MustCompile(`\{[^{}]*\}`)
	headerName  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

// described checks a template. Whatever is read from a header must be signed, and what is signed must have one reading
// alone: between two placeholders stands a separator, which neither the time nor the id may hold.
func described(t *Template) (*Described, error) {
	d := &Described{template: *t}
	switch t.Encoding {
	case "hex":
		d.decode = hex.DecodeString
	case "base64":
		d.decode = base64.StdEncoding.DecodeString
	default:
		return nil, fmt.Errorf("encoding %q: want hex or base64", t.Encoding)
	}
	for _, h := range []struct{ key, value string }{
		{"signature_header", t.SignatureHeader}, {"timestamp_header", t.TimestampHeader}, {"id_header", t.IDHeader},
	} {
		if (h.value != "" || h.key == "signature_header") && !headerName.MatchString(h.value) {
			return nil, fmt.Errorf("%s %.64q: want the name of a header", h.key, h.value)
		}
	}
	seen := map[string]int{}
	end := 0
	for _, at := range placeholder.FindAllStringIndex(t.Signed, -1) {
		text, name := t.Signed[end:at[0]], t.Signed[at[0]:at[1]]
		if len(d.parts) > 0 {
			apart := separatorsIn(text)
			if apart == "" {
				return nil, fmt.Errorf("signed %.128q: before %s: want a separator between it and the placeholder before, one of %q", t.Signed, name, separators)
			}
			d.apart += apart
		}
		d.parts = append(d.parts, text, name)
		seen[name]++
		end = at[1]
	}
	d.parts = append(d.parts, t.Signed[end:])
	for name, want := range map[string]bool{"{body}": true, "{timestamp}": t.TimestampHeader != "", "{id}": t.IDHeader != ""} {
		if n := seen[name]; n > 1 || (n == 1) != want {
			return nil, fmt.Errorf("signed %.128q: want {body} once, and {timestamp} and {id} once each where timestamp_header and id_header are set", t.Signed)
		}
		delete(seen, name)
	}
	for name := range seen {
		return nil, fmt.Errorf("signed %.128q: %s is no placeholder; want {body}, {timestamp} or {id}", t.Signed, name)
	}
	if strings.ContainsAny(strings.Join(d.texts(), ""), "{}") {
		return nil, fmt.Errorf("signed %.128q: a brace that is not closed", t.Signed)
	}
	return d, nil
}

// texts are the parts that are not placeholders.
func (d *Described) texts() (texts []string) {
	for i := 0; i < len(d.parts); i += 2 {
		texts = append(texts, d.parts[i])
	}
	return texts
}

const separators = ".:|;,/\n"

// separatorsIn are the separators that a text holds.
func separatorsIn(text string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(separators, r) {
			return r
		}
		return -1
	}, text)
}

// Verify implements Verifier.
func (d *Described) Verify(header http.Header, body []byte, now time.Time) (Delivery, error) {
	t := &d.template
	value, err := one(header, t.SignatureHeader)
	if err != nil {
		return Delivery{}, err
	}
	signatures, err := d.signatures(value)
	if err != nil {
		return Delivery{}, err
	}
	var at time.Time
	stamp, id := "", ""
	if t.TimestampHeader != "" {
		if stamp, err = one(header, t.TimestampHeader); err != nil {
			return Delivery{}, err
		}
		if at, err = anyTime(stamp); err != nil {
			return Delivery{}, err
		}
		if strings.ContainsAny(stamp, d.apart) {
			return Delivery{}, fmt.Errorf("%w: %s: want a time without any of %q", ErrUnsigned, t.TimestampHeader, d.apart)
		}
	}
	if t.IDHeader != "" {
		if id, err = one(header, t.IDHeader); err != nil {
			return Delivery{}, err
		}
		if !validID(id) || strings.ContainsAny(id, d.apart) {
			return Delivery{}, fmt.Errorf("%w: %s: want up to %d characters, no space and none of %q", ErrUnsigned, t.IDHeader, maxID, d.apart)
		}
	}
	signed := d.signed(stamp, id, body)
	if !matches(d.secrets, signatures, signed) && !signedBy(d.keys, signatures, signed) {
		return Delivery{}, ErrSignature
	}
	if t.TimestampHeader != "" {
		if err := fresh(at, now); err != nil {
			return Delivery{}, err
		}
	}
	if id == "" {
		id = hashed(body)
	}
	return Delivery{ID: id}, nil
}

// signatures are those of the header, one or several with commas between them.
func (d *Described) signatures(value string) (all [][]byte, err error) {
	list := strings.Split(value, ",")
	if len(list) > maxSignatures {
		return nil, fmt.Errorf("%w: %d signatures, at most %d", ErrUnsigned, len(list), maxSignatures)
	}
	for _, s := range list {
		rest, ok := strings.CutPrefix(strings.TrimSpace(s), d.template.SignaturePrefix)
		if !ok {
			continue // of another version
		}
		if signature, err := d.decode(rest); err == nil && len(signature) > 0 {
			all = append(all, signature)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: header %s: want %q and a signature in %s", ErrUnsigned, d.template.SignatureHeader, d.template.SignaturePrefix, d.template.Encoding)
	}
	return all, nil
}

func (d *Described) signed(stamp, id string, body []byte) []byte {
	var signed []byte
	for _, part := range d.parts {
		switch part {
		case "{body}":
			signed = append(signed, body...)
		case "{timestamp}":
			signed = append(signed, stamp...)
		case "{id}":
			signed = append(signed, id...)
		default:
			signed = append(signed, part...)
		}
	}
	return signed
}

// milliseconds is from which number on a time counts milliseconds; as seconds it would be the year 5138.
const milliseconds = 100_000_000_000

// anyTime reads Unix seconds, Unix milliseconds or a time of RFC 3339.
func anyTime(s string) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		return at, nil
	}
	at, err := unixTime(s)
	if err != nil {
		return at, errors.Join(err, errors.New("nor one of RFC 3339"))
	}
	if n := at.Unix(); n >= milliseconds {
		at = time.UnixMilli(n)
	}
	return at, nil
}
