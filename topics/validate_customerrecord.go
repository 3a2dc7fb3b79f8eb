package topics

import (
	"maps"
	"slices"

	"github.com/segmentio/encoding/json"
)

// Validate checks what can be known from the command alone, as Command.Validate does. What is encrypted was checked by whoever
// encrypted it.
func (c *CustomerCommand) Validate() *Refusal {
	if detail := c.invalid(); detail != "" {
		return &Refusal{RefusedInvalid, detail}
	}
	if field := cardNumberIn(c.texts); field != "" {
		return &Refusal{RefusedCardNumber, field + ": holds a card number; nothing of a customer's record takes one"}
	}
	return nil
}

func (c *CustomerCommand) invalid() string {
	if detail := malformed(c, c.texts); detail != "" {
		return detail
	}
	switch {
	case !ValidTime(c.IssuedAt):
		return "issued_at" + outOfTime
	case c.Type == CustomerPut && c.Data == nil:
		return "data: is missing; want what is known of the customer"
	case c.Type == CustomerErase && c.Data != nil:
		return "data: is set; a command of type erase takes none"
	case c.ExpectedVersion < AnyVersion, c.ExpectedVersion == AnyVersion && c.Type == CustomerPut:
		return "expected_version: want the version that the record has now, 0 where there is none"
	}
	return ""
}

// texts yields every text that whoever wrote it chose and did not encrypt, with the path of its field.
func (c *CustomerCommand) texts(yield func(field, text string) bool) {
	for _, t := range [...][2]string{{"tenant", c.Tenant}, {"region", c.Region}, {"customer_id", c.CustomerID}, {"trace_id", c.TraceID},
		{"author", c.Author}, {"reason", c.Reason}} {
		if t[1] != "" && !yield(t[0], t[1]) {
			return
		}
	}
}

// Fingerprint of what the command asks for.
func (c *CustomerCommand) Fingerprint() int64 {
	f := newFingerprint("customer")
	f.texts(string(c.Type), c.CustomerID)
	f.number(c.ExpectedVersion)
	if c.Data != nil {
		d := *c.Data
		sealed := d.Personal
		d.Personal = nil
		plain, _ := json.Marshal(&d) // texts, integers and a boolean: nothing that can fail
		f.texts(string(plain))
		if sealed != nil {
			f.texts(sealed.KeyID)
			for _, name := range slices.Sorted(maps.Keys(sealed.Fields)) {
				f.texts(name, string(sealed.Fields[name]))
			}
		}
	}
	return f.sum()
}
