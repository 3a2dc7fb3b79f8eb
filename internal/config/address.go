package config

import (
	"fmt"
	"net/url"
)

// Address is the URL with the password that may stand beside it, to connect to; "" for the embedded database.
func (d *Database) Address() (string, error) {
	raw := d.URL.Reveal()
	if raw == "" || d.Password == "" {
		return raw, nil
	}
	u, err := url.Parse(raw)
	if err != nil {
		return "", fmt.Errorf("database.url: %w", err)
	}
	u.User = url.UserPassword(u.User.Username(), d.Password.Reveal())
	return u.String(), nil
}
