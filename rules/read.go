package rules

import (
	"fmt"
	"strconv"
)

// What a decision keeps of the values that its rules read: a decision is stored with its payment.
const (
	maxReadBytes     = 80      // of one value
	maxReadValues    = 16      // of one rule
	maxReadsDecision = 4 << 10 // bytes of names and values of one decision; what does not fit can be recomputed
)

// untold are the fields whose values name a person or a card. A decision says that there was one, not which: decisions
// are kept for ever and read by many.
var untold = map[string]bool{
	"card.fingerprint": true, "context.ip": true, "ip.network": true, "context.device_id": true, "context.email": true, "context.phone": true,
	"context.user_agent": true,
}

// valueUntold stands for a value that is not told.
const valueUntold = "given"

// values are what a rule found in the fields that its condition names, by name, and what it converted of them; what is
// missing is left out. A rule reads all of them, whether or not the first of them decided.
func (r *compiled) values(m *machine) map[string]string {
	var read map[string]string
	for _, at := range r.reads {
		v := &m.values[at]
		if !v.known || len(read) == maxReadValues {
			continue
		}
		if read == nil {
			read = make(map[string]string, len(r.reads))
		}
		read[m.slots[at].name] = m.slots[at].tell(v)
	}
	for _, at := range r.converts {
		n := &m.nodes[at]
		given, _ := m.amount(&m.nodes[n.a])
		if amount, t := m.amount(n); t == yes && amount.Currency != given.Currency && len(read) < maxReadValues {
			read[fmt.Sprintf("%s.to(%q)", m.amountName(n), n.text)] = amount.String()
		}
	}
	return read
}

// tell is a value as decisions write it.
func (s *slot) tell(v *value) string {
	switch {
	case untold[s.field.Name]:
		return valueUntold
	case s.kind == kindMoney:
		return v.money().String()
	case s.field.Type == TypeDuration:
		return strconv.FormatInt(v.number, 10) + "s"
	case s.kind == kindNumber:
		return strconv.FormatInt(v.number, 10)
	}
	return masked(shortened(v.text, maxReadBytes))
}

// readBytes is what values take in a record.
func readBytes(read map[string]string) int {
	n := 0
	for name, value := range read {
		n += len(name) + len(value)
	}
	return n
}
