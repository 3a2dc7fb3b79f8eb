package topics

import (
	"strings"
)

// Validate checks what can be known from the command alone, as Command.Validate does.
func (c *DisputeCommand) Validate() *Refusal {
	if detail := c.invalid(); detail != "" {
		return &Refusal{RefusedInvalid, detail}
	}
	if field := cardNumberIn(c.texts); field != "" {
		return &Refusal{RefusedCardNumber, field + ": holds a card number; name the card by its last four digits"}
	}
	return nil
}

func (c *DisputeCommand) invalid() string {
	if detail := malformed(c, c.texts); detail != "" {
		return detail
	}
	if !ValidTime(c.IssuedAt) {
		return "issued_at" + outOfTime
	}
	if _, err := ParseDisputeID(c.DisputeID); err != nil {
		return "dispute_id: is not a dispute's id; want dp_, 4 hex digits, _ and 32 hex digits"
	}
	switch e := c.Evidence; {
	case c.Type != DisputeSubmitEvidence && e != nil:
		return "evidence: is set; only a command of type submit_evidence takes any"
	case c.Type == DisputeSubmitEvidence && (e == nil || e.Text == "" && len(e.Documents) == 0):
		return "evidence: is missing; want a text or documents"
	}
	return ""
}

// lines are what a text of several lines may hold beside what is printed.
var lines = strings.NewReplacer("\n", " ", "\r", " ", "\t", " ")

// texts yields every text that the producer chose, with the path of its field.
func (c *DisputeCommand) texts(yield func(field, text string) bool) {
	more := true
	each := func(field, text string) {
		if more && text != "" {
			more = yield(field, text)
		}
	}
	each("tenant", c.Tenant)
	each("region", c.Region)
	each("customer_id", c.CustomerID)
	each("dispute_id", c.DisputeID)
	each("trace_id", c.TraceID)
	each("requested_by", c.RequestedBy)
	each("reason", c.Reason)
	if e := c.Evidence; e != nil {
		each("evidence.text", lines.Replace(e.Text))
		for i := range e.Documents {
			each("evidence.documents.kind", e.Documents[i].Kind)
			each("evidence.documents.reference", e.Documents[i].Reference)
		}
	}
}
