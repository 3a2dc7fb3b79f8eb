package topics

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// Validate checks what can be known from the command alone, as Command.Validate does.
func (c *LinkCommand) Validate() *Refusal {
	if detail := c.invalid(); detail != "" {
		return &Refusal{RefusedInvalid, detail}
	}
	if field := cardNumberIn(c.texts); field != "" {
		return &Refusal{RefusedCardNumber, field + ": holds a card number; a payment link takes none"}
	}
	return nil
}

func (c *LinkCommand) invalid() string {
	if detail := malformed(c, c.texts); detail != "" {
		return detail
	}
	if !ValidTime(c.IssuedAt) {
		return "issued_at" + outOfTime
	}
	if !ValidTime(c.ExpiresAt) {
		return "expires_at" + outOfTime
	}
	if c.Type == LinkCreate {
		return c.invalidCreate()
	}
	if _, err := ParseLinkID(c.LinkID); err != nil {
		return "link_id: is not a payment link's id; want lnk_, 4 hex digits, _ and 32 hex digits"
	}
	for _, set := range [...]struct {
		field string
		is    bool
	}{
		{"amount", c.Amount != 0}, {"currency", c.Currency != ""}, {"description", c.Description != ""}, {"expires_at", !c.ExpiresAt.IsZero()},
		{"max_uses", c.MaxUses != 0}, {"token_hash", c.TokenHash != ""}, {"return_url", c.ReturnURL != ""},
		{"merchant_reference", c.MerchantReference != ""}, {"metadata", len(c.Metadata) > 0}, {"invoice", c.Invoice != nil},
	} {
		if set.is {
			return fmt.Sprintf("%s: is set; a command of type %s takes none", set.field, c.Type)
		}
	}
	return ""
}

func (c *LinkCommand) invalidCreate() string {
	switch {
	case c.LinkID != "":
		return "link_id: is set; a create command opens a new link, whose id derives from command_id"
	case c.Amount == 0:
		return "amount: is missing or zero; want a positive integer in minor units (1050 is 10.50 EUR)"
	case c.Currency == "":
		return "currency: is missing; want an ISO 4217 code such as EUR"
	case c.Description == "":
		return "description: is missing; want what the payer pays for, in words for the payer"
	case c.ExpiresAt.IsZero():
		return "expires_at: is missing; want until when a payment may begin, such as 2026-12-31T22:00:00Z"
	case c.MaxUses < 0 || c.MaxUses > MaxLinkUses:
		return fmt.Sprintf("max_uses: is not between 1 and %d", MaxLinkUses)
	case c.TokenHash != strings.ToLower(c.TokenHash) || !isHex(c.TokenHash):
		return "token_hash: is not the SHA-256 of a secret; want 64 hex digits, small letters"
	case c.ReturnURL != "" && !strings.HasPrefix(c.ReturnURL, "https://") && !strings.HasPrefix(c.ReturnURL, "http://"):
		return "return_url: is not of a web page; want one such as https://shop.example/return"
	case c.Reason != "":
		return "reason: is set; only a command of type cancel takes one"
	}
	return c.InvalidInvoice()
}

// InvalidInvoice is what is wrong with the invoice of a create command, whose amount and uses are known to be right; "" where it has
// none or nothing is.
func (c *LinkCommand) InvalidInvoice() string {
	switch {
	case c.Invoice == nil:
		return ""
	case c.MaxUses > 1:
		return "max_uses: is more than 1; an invoice is paid once"
	}
	return c.Invoice.Invalid(c.Amount, c.ExpiresAt)
}

func isHex(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil
}

// texts yields every text that the producer chose, with the path of its field.
func (c *LinkCommand) texts(yield func(field, text string) bool) {
	more := true
	each := func(field, text string) {
		if more && text != "" {
			more = yield(field, text)
		}
	}
	each("tenant", c.Tenant)
	each("region", c.Region)
	each("customer_id", c.CustomerID)
	each("trace_id", c.TraceID)
	each("return_url", c.ReturnURL)
	each("merchant_reference", c.MerchantReference)
	each("description", c.Description)
	for key, text := range c.Metadata {
		each("metadata (a key)", key)
		each("metadata (a value)", text)
	}
	c.Invoice.texts(each)
	each("reason", c.Reason)
	each("requested_by", c.RequestedBy)
}
