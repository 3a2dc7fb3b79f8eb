package config

import "strings"

// Links are the pages on which payers pay by payment links; the api role serves them.
type Links struct {
	Key     Secret       `key:"key" validate:"omitempty,min=32" doc:"Key that the secrets in the addresses of payment links derive from, 32 characters or more, the same for all processes with the role api. Empty: the API makes no payment links. Addresses that were given out stay good when it changes; the API can no longer tell them."`
	URL     string       `key:"url" validate:"omitempty,http_url" doc:"Address under which payers reach the API, such as https://pay.example. Empty: http:// and api.listen."`
	Methods []LinkMethod `key:"methods" validate:"unique=Label,dive"`
}

// LinkMethod is a way to pay that the pages offer, in this order.
type LinkMethod struct {
	Label string `key:"label" validate:"required,max=64" doc:"What the payer reads."`
	Type  string `key:"type" validate:"oneof=bank_redirect qr crypto card" doc:"Kind of method: bank_redirect, qr, crypto, or card, which takes a test card alone."`
	Name  string `key:"name" validate:"max=32" doc:"Which one of its kind, as the PSP calls it: ideal, pix."`
	Token string `key:"token" validate:"required_if=Type card,excluded_unless=Type card,max=128" doc:"Token of a test card of the sandbox, of card. No page takes the number of a card."`
}

const developmentLinkKey = "key-of-payment-links-for-development"

// settleLinks lets an installation of embedded parts alone make payment links, which test cards pay.
func (c *Config) settleLinks() {
	l := &c.Links
	if l.URL = strings.TrimSuffix(l.URL, "/"); l.URL == "" {
		l.URL = "http://" + c.API.Listen
	}
	if len(l.Methods) == 0 {
		l.Methods = nil // listed or not, there are none
	}
	if !c.Embedded() || !c.Runs(sandboxName) {
		return
	}
	if l.Key == "" {
		l.Key = developmentLinkKey
	}
	if len(l.Methods) == 0 {
		l.Methods = []LinkMethod{
			{Label: "Test card that is approved", Type: "card", Token: "tok_approved"},
			{Label: "Test card that is declined", Type: "card", Token: "tok_declined_soft"},
			{Label: "Test card that takes a while", Type: "card", Token: "tok_async"},
		}
	}
}
