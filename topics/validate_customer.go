package topics

import (
	"time"
)

// Validate checks what can be known from the event alone, as Command.Validate does.
func (e *CustomerEvent) Validate() *Refusal {
	if detail := e.invalid(); detail != "" {
		return &Refusal{RefusedInvalid, detail}
	}
	if field := cardNumberIn(e.texts); field != "" {
		return &Refusal{RefusedCardNumber, field + ": holds a card number; send the PSP's token of the card in card.token"}
	}
	return nil
}

// ValidateAt also checks when it happened against now, the time of its record.
func (e *CustomerEvent) ValidateAt(now time.Time) *Refusal {
	if refusal := e.Validate(); refusal != nil {
		return refusal
	}
	switch {
	case e.OccurredAt.IsZero():
	case e.OccurredAt.Before(now.Add(-DedupHorizon)):
		return &Refusal{RefusedTooOld, "occurred_at: is more than 30 days ago; nothing counts it any more"}
	case IssuedAhead(e.OccurredAt, now):
		return &Refusal{RefusedInvalid, "occurred_at: is more than a day ahead; want when it happened, in UTC or with its offset"}
	}
	return nil
}

func (e *CustomerEvent) invalid() string {
	if detail := malformed(e, e.texts); detail != "" {
		return detail
	}
	if !ValidTime(e.OccurredAt) {
		return "occurred_at" + outOfTime
	}
	if e.Amount != 0 && e.Currency == "" {
		return "currency: is missing; an amount needs an ISO 4217 code such as EUR"
	}
	if e.PaymentID == "" {
		return ""
	}
	if e.Type != CustomerPayout && e.Type != CustomerDispute {
		return "payment_id: is set; only an event of type dispute or payout takes one"
	}
	if _, err := ParsePaymentID(e.PaymentID); err != nil {
		return "payment_id: is not a payment's id; want pay_, 4 hex digits, _ and 32 hex digits, or none for a payment of another system"
	}
	return ""
}

// texts yields every text that the producer chose, with the path of its field.
func (e *CustomerEvent) texts(yield func(field, text string) bool) {
	// What a command has under the same names is looked at in the same way.
	c := Command{Tenant: e.Tenant, Region: e.Region, CustomerID: e.CustomerID, PaymentID: e.PaymentID, TraceID: e.TraceID,
		Card: e.Card, Context: e.Context, Metadata: e.Metadata}
	if e.Type != "" && !yield("type", e.Type) {
		return
	}
	c.texts(yield)
}

// IsEventType tells whether a text is a name of small letters, digits and underscores that begins with a letter.
func IsEventType(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != ""
}
