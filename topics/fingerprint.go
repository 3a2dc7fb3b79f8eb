package topics

import (
	"strconv"
	"strings"
	"time"
)

// A fingerprint tells commands apart that ask for different things under one command id. It covers what a command does: to
// whom, what, and how much. What may differ between two attempts at the same thing (trace, time of issue, circumstances,
// texts for people) is left out. It is stored for the deduplication horizon: what it covers, and in which order, never
// changes. It is never 0.

// Fingerprint of what the command asks for.
func (c *Command) Fingerprint() int64 {
	f := newFingerprint("payment")
	f.texts(string(c.Type), c.CustomerID, c.PaymentID, c.Currency, string(c.CaptureMethod))
	f.number(c.Amount)
	if c.Authorize {
		f.texts("authorize")
	}
	if c.Card != nil {
		f.texts("card", c.Card.Token)
	}
	if c.Challenge != nil {
		f.texts("challenge", c.Challenge.Result)
	}
	if c.Mandate != "" {
		f.texts("mandate", c.Mandate)
	}
	if m := c.SetupMandate; m != nil {
		f.texts("setup_mandate", string(m.Kind))
		f.number(m.MaxAmount)
		f.time(m.ExpiresAt)
	}
	if c.LinkID != "" {
		f.texts("link", c.LinkID)
	}
	if c.Unapplied {
		f.texts("unapplied")
	}
	if m := c.PaymentMethod.By(); m != nil {
		f.texts("method", m.Type, m.Name)
	}
	if c.CaptureDelaySeconds != 0 {
		f.texts("capture delay")
		f.number(c.CaptureDelaySeconds)
	}
	return f.sum()
}

// Fingerprint of what the command asks for.
func (c *WalletCommand) Fingerprint() int64 {
	f := newFingerprint("wallet")
	f.texts(string(c.Type), c.CustomerID, c.Currency, string(c.Reason), c.RoundID, strings.ToLower(c.HoldID))
	f.number(c.Amount)
	f.time(c.ExpiresAt)
	f.time(c.EffectiveAt)
	if l := c.Limit; l != nil {
		f.texts("limit", string(l.Kind), string(l.Period), string(l.SetBy), strconv.FormatBool(l.Remove))
		f.number(l.Seconds)
	}
	return f.sum()
}

// Fingerprint of what the command asks for.
func (c *PayoutCommand) Fingerprint() int64 {
	f := newFingerprint("payout")
	f.texts(string(c.Type), c.CustomerID, c.PayoutID, c.Currency)
	f.number(c.Amount)
	if c.Card != nil {
		f.texts("card", c.Card.Token)
	}
	return f.sum()
}

// Fingerprint of what the command asks for.
func (c *DisputeCommand) Fingerprint() int64 {
	f := newFingerprint("dispute")
	f.texts(string(c.Type), c.CustomerID, c.DisputeID)
	if e := c.Evidence; e != nil {
		f.texts("evidence", e.Text)
		for i := range e.Documents {
			f.texts(e.Documents[i].Kind, e.Documents[i].Reference, strings.ToLower(e.Documents[i].SHA256))
		}
	}
	return f.sum()
}

// Fingerprint of what the command asks for.
func (c *LinkCommand) Fingerprint() int64 {
	f := newFingerprint("link")
	f.texts(string(c.Type), c.CustomerID, c.LinkID, c.Currency, c.TokenHash)
	f.number(c.Amount)
	f.number(int64(c.MaxUses))
	f.time(c.ExpiresAt)
	f.invoice(c.Invoice)
	return f.sum()
}

// Fingerprint of what happened.
func (e *CustomerEvent) Fingerprint() int64 {
	f := newFingerprint("event")
	f.texts(e.Type, e.CustomerID, e.PaymentID, e.Currency)
	f.number(e.Amount)
	if e.Card != nil {
		f.texts("card", e.Card.Token)
	}
	return f.sum()
}

// Fingerprint of what the command asks for.
func (c *PeriodClose) Fingerprint() int64 {
	f := newFingerprint("period")
	f.texts(c.Month)
	return f.sum()
}

// fingerprint is FNV-1a (64 bits) over fields, each with its length: "ab", "c" is not "a", "bc".
type fingerprint uint64

func newFingerprint(kind string) fingerprint {
	const offset64 = 14695981039346656037
	f := fingerprint(offset64)
	f.texts(kind)
	return f
}

func (f *fingerprint) byte(b byte) {
	const prime64 = 1099511628211
	*f = (*f ^ fingerprint(b)) * prime64
}

func (f *fingerprint) texts(texts ...string) {
	for _, text := range texts {
		f.number(int64(len(text)))
		for i := range len(text) {
			f.byte(text[i])
		}
	}
}

func (f *fingerprint) number(n int64) {
	for shift := 0; shift < 64; shift += 8 {
		f.byte(byte(n >> shift))
	}
}

// time has milliseconds, as the records' times have.
func (f *fingerprint) time(t time.Time) { f.number(t.UnixMilli()) }

func (f fingerprint) sum() int64 { return max(int64(f>>1), 1) }
