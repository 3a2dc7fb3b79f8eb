package graph

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Kind is what a party is.
type Kind uint8

// The kinds, in the order in which parties are listed. Their numbers are stored.
const (
	Customer Kind = iota + 1
	Card
	Device
	IP
	BankAccount
	Wallet
	Address
)

var kindNames = [...]string{Customer: "customer", Card: "card", Device: "device", IP: "ip", BankAccount: "bank_account", Wallet: "wallet", Address: "address"}

func (k Kind) known() bool { return k >= Customer && int(k) < len(kindNames) }

func (k Kind) String() string {
	if !k.known() {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return kindNames[k]
}

// MarshalText writes the kind's name.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads a kind's name.
func (k *Kind) UnmarshalText(text []byte) error {
	i := slices.Index(kindNames[Customer:], string(text))
	if i < 0 {
		return fmt.Errorf("there is no kind of party %q; there are %s", text, strings.Join(kindNames[Customer:], ", "))
	}
	*k = Customer + Kind(i)
	return nil
}

// maxID bounds the bytes of an id.
const maxID = 256

// Party is a customer or an instrument. ID is what the rest of the system calls it: a card by its fingerprint, never by its
// number.
type Party struct {
	Kind Kind   `json:"kind"`
	ID   string `json:"id"`
}

func (p Party) String() string { return p.Kind.String() + ":" + p.ID }

// Compare orders parties by kind and id.
func (p Party) Compare(q Party) int {
	return cmp.Or(cmp.Compare(p.Kind, q.Kind), strings.Compare(p.ID, q.ID))
}

func (p Party) check() error {
	switch {
	case !p.Kind.known():
		return fmt.Errorf("party %q: %s is none that there is", p.ID, p.Kind)
	case p.ID == "":
		return fmt.Errorf("%s: its id is empty", p.Kind)
	case len(p.ID) > maxID:
		return fmt.Errorf("%s: its id has %d bytes, at most %d are taken", p.Kind, len(p.ID), maxID)
	}
	return nil
}

var errNoTime = errors.New("has no time: time and recorded are milliseconds since 1970, above 0")
