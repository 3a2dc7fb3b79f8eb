package customerkeys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

const (
	keyBytes    = 32 // AES-256
	contextData = "weir customer data key"
	contextText = "weir customer field"
)

// ErrUnknownMaster says that a data key was wrapped by a master key that is not configured here.
var ErrUnknownMaster = errors.New("the master key is not configured here")

// Master is a key that data keys are encrypted by.
type Master struct {
	ID   string
	aead cipher.AEAD
}

var masterID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,32}$`)

// ParseMaster reads a master key: its id, a colon, and 32 bytes in base64.
func ParseMaster(text string) (*Master, error) {
	id, encoded, found := strings.Cut(strings.TrimSpace(text), ":")
	if !found || !masterID.MatchString(id) {
		return nil, errors.New("master key: want an id of 1 to 32 letters, digits, '.', '_' or '-', then a colon, then 32 bytes in base64, as weir customers keygen prints it")
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(key) != keyBytes {
		return nil, fmt.Errorf("master key %s: want 32 bytes in base64 after the colon, as weir customers keygen prints it", id)
	}
	aead, err := newAEAD(key)
	return &Master{id, aead}, err
}

// NewMaster is the text of a new master key.
func NewMaster(id string) (string, error) {
	if !masterID.MatchString(id) {
		return "", fmt.Errorf("id %.40q: want 1 to 32 letters, digits, '.', '_' or '-'", id)
	}
	var key [keyBytes]byte
	rand.Read(key[:]) // never fails
	return id + ":" + base64.StdEncoding.EncodeToString(key[:]), nil
}

// Masters are the master keys of an installation: one that new data keys are wrapped by, and perhaps the one of before.
type Masters struct {
	current *Master
	former  *Master // nil: there is none
}

// NewMasters takes the texts of the master keys; former may be "". Without a current one there are no Masters: nil.
func NewMasters(current, former string) (*Masters, error) {
	if current == "" {
		if former != "" {
			return nil, errors.New("a former master key is set, but none that is in use")
		}
		return nil, nil
	}
	m := new(Masters)
	var err error
	if m.current, err = ParseMaster(current); err != nil {
		return nil, err
	}
	if former == "" {
		return m, nil
	}
	if m.former, err = ParseMaster(former); err != nil {
		return nil, fmt.Errorf("former %w", err)
	}
	if m.former.ID == m.current.ID {
		return nil, fmt.Errorf("both master keys have the id %s; give the new one another", m.current.ID)
	}
	return m, nil
}

// Current is the id of the master key that new data keys are wrapped by.
func (m *Masters) Current() string { return m.current.ID }

func (m *Masters) find(id string) (*Master, error) {
	for _, master := range [...]*Master{m.current, m.former} {
		if master != nil && master.ID == id {
			return master, nil
		}
	}
	return nil, fmt.Errorf("%w: %.40q", ErrUnknownMaster, id)
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// bound is what a ciphertext is bound to: at another place it cannot be read. No part holds a zero byte.
func bound(parts ...string) []byte { return []byte(strings.Join(parts, "\x00")) }
