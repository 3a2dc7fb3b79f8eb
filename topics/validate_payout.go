package topics

import (
	"fmt"
)

// Validate checks what can be known from the command alone, as Command.Validate does.
func (c *PayoutCommand) Validate() *Refusal {
	if detail := c.invalid(); detail != "" {
		return &Refusal{RefusedInvalid, detail}
	}
	if field := cardNumberIn(c.texts); field != "" {
		return &Refusal{RefusedCardNumber, field + ": holds a card number; send the PSP's token of the card in card.token"}
	}
	return nil
}

func (c *PayoutCommand) invalid() string {
	if detail := malformed(c, c.texts); detail != "" {
		return detail
	}
	if !ValidTime(c.IssuedAt) {
		return "issued_at" + outOfTime
	}
	if c.Type == PayoutCreate {
		return c.invalidCreate()
	}
	if _, err := ParsePayoutID(c.PayoutID); err != nil {
		return "payout_id: is not a payout's id; want po_, 4 hex digits, _ and 32 hex digits"
	}
	for _, set := range [...]struct {
		field string
		is    bool
	}{
		{"amount", c.Amount != 0}, {"currency", c.Currency != ""}, {"card", c.Card != nil}, {"context", c.Context != nil},
		{"created_by", c.CreatedBy != ""}, {"merchant_reference", c.MerchantReference != ""}, {"description", c.Description != ""}, {"metadata", len(c.Metadata) > 0},
	} {
		if set.is {
			return fmt.Sprintf("%s: is set; a command of type %s takes none", set.field, c.Type)
		}
	}
	return c.invalidDecision()
}

func (c *PayoutCommand) invalidCreate() string {
	switch {
	case c.PayoutID != "":
		return "payout_id: is set; a create command opens a new payout, whose id derives from command_id"
	case c.Amount == 0:
		return "amount: is missing or zero; want a positive integer in minor units (1050 is 10.50 EUR)"
	case c.Currency == "":
		return "currency: is missing; want an ISO 4217 code such as EUR"
	case c.ApprovedBy != "":
		return "approved_by: is set; only a command of type approve takes one"
	case c.Reason != "":
		return "reason: is set; only commands of the types reject and cancel take one"
	case MixedScripts(c.RequestedBy):
		return "requested_by: mixes letters of several scripts, which look alike; want the letters of one"
	}
	return ""
}

// invalidDecision checks what a person decides on a payout. Whether two people did is known only with the payout.
func (c *PayoutCommand) invalidDecision() string {
	switch {
	case c.Type != PayoutApprove && c.ApprovedBy != "":
		return "approved_by: is set; only a command of type approve takes one"
	case c.Type == PayoutApprove && c.Reason != "":
		return "reason: is set; only commands of the types reject and cancel take one"
	case c.Type == PayoutApprove && c.ApprovedBy == "":
		return "approved_by: is missing; want who approves, another person than the one who asked for the payout"
	case c.Type == PayoutApprove && c.RequestedBy != "":
		return invalidPeople(c.RequestedBy, c.ApprovedBy, "a payout")
	case MixedScripts(c.RequestedBy), MixedScripts(c.ApprovedBy):
		return "requested_by and approved_by: one mixes letters of several scripts, which look alike; want the letters of one"
	}
	return ""
}

// texts yields every text that the producer chose, with the path of its field.
func (c *PayoutCommand) texts(yield func(field, text string) bool) {
	more := true
	each := func(field, text string) {
		if more && text != "" {
			more = yield(field, text)
		}
	}
	each("tenant", c.Tenant)
	each("region", c.Region)
	each("customer_id", c.CustomerID)
	each("payout_id", c.PayoutID)
	each("trace_id", c.TraceID)
	c.Card.texts(each)
	c.Context.texts(each)
	each("merchant_reference", c.MerchantReference)
	each("description", c.Description)
	for key, text := range c.Metadata {
		each("metadata (a key)", key)
		each("metadata (a value)", text)
	}
	each("reason", c.Reason)
	each("requested_by", c.RequestedBy)
	each("approved_by", c.ApprovedBy)
	each("created_by", c.CreatedBy)
}
