package config

import (
	"fmt"
	"log/slog"
	"net/url"
	"strings"
)

const mask = "***"

// Secret is a text that is never printed: whatever formats, logs or encodes it gets "***", or "" where it is empty.
type Secret string

// Reveal is the text itself.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) masked() string {
	if s == "" {
		return ""
	}
	return mask
}

func (s Secret) String() string               { return s.masked() }
func (s Secret) GoString() string             { return `"` + s.masked() + `"` }
func (s Secret) Format(f fmt.State, _ rune)   { fmt.Fprint(f, s.masked()) }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(s.masked()) }
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.masked()), nil }
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.masked() + `"`), nil }

// DSN is a database URL. It prints without its password.
type DSN string

// Reveal is the URL itself.
func (d DSN) Reveal() string { return string(d) }

func (d DSN) masked() string {
	if d == "" {
		return ""
	}
	u, err := url.Parse(string(d))
	if err != nil || u.Host == "" {
		return mask
	}
	if _, set := u.User.Password(); set {
		u.User = url.UserPassword(u.User.Username(), "xxx")
	}
	query := u.Query()
	for name := range query {
		if strings.Contains(strings.ToLower(name), "password") {
			query.Set(name, "xxx")
		}
	}
	u.RawQuery = query.Encode()
	return strings.ReplaceAll(strings.ReplaceAll(u.String(), ":xxx@", ":"+mask+"@"), "=xxx", "="+mask)
}

func (d DSN) String() string               { return d.masked() }
func (d DSN) GoString() string             { return `"` + d.masked() + `"` }
func (d DSN) Format(f fmt.State, _ rune)   { fmt.Fprint(f, d.masked()) }
func (d DSN) LogValue() slog.Value         { return slog.StringValue(d.masked()) }
func (d DSN) MarshalText() ([]byte, error) { return []byte(d.masked()), nil }
