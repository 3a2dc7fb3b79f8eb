package topics

import (
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
	const payment = "pay_0003_0190a3c45b6d7e8f9a0b1c2d3e4f5a6b"
	create := func(change func(*Command)) *Command {
		c := exampleCommand()
		change(c)
		return c
	}
	other := func(kind CommandType, change func(*Command)) *Command {
		c := &Command{CommandID: "0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b", Type: kind, Tenant: "acme", CustomerID: "cust_42", PaymentID: payment}
		change(c)
		return c
	}
	same := func(*Command) {}
	for _, test := range []struct {
		name string
		c    *Command
		want string // "" where nothing is wrong
	}{
		{"create", create(same), ""},
		{"guest", create(func(c *Command) { c.CustomerID = "" }), ""},
		{"command id in capitals", create(func(c *Command) { c.CommandID = strings.ToUpper(c.CommandID) }), ""},
		{"authorize", other(CommandAuthorize, same), ""},
		{"capture of all", other(CommandCapture, same), ""},
		{"capture of a part", other(CommandCapture, func(c *Command) { c.Amount, c.Currency = 5, "JPY" }), ""},
		{"refund of a part", other(CommandRefund, func(c *Command) { c.Amount, c.Currency = 5, "KWD" }), ""},
		{"confirm", other(CommandConfirm, func(c *Command) { c.Challenge = &Challenge{Result: "authenticated", ECI: "05"} }), ""},
		{"lines and a tab", create(func(c *Command) { c.Description = "two\r\nlines\tü" }), ""},
		{"largest amount", create(func(c *Command) { c.Amount = MaxAmount }), ""},

		{"no command id", create(func(c *Command) { c.CommandID = "" }), "invalid: command_id: is missing"},
		{"command id", create(func(c *Command) { c.CommandID = "0190a3c45b6d7e8f9a0b1c2d3e4f5a6b" }), "invalid: command_id: is not a UUID; want the form 0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b, not all zeros"},
		{"nil command id", create(func(c *Command) { c.CommandID = "00000000-0000-0000-0000-000000000000" }), "invalid: command_id: is not a UUID"},
		{"type", create(func(c *Command) { c.Type = "pay" }), "invalid: type: is none of create, authorize, confirm"},
		{"no tenant", create(func(c *Command) { c.Tenant = "" }), "invalid: tenant: is missing"},
		{"tenant with a space", create(func(c *Command) { c.Tenant = "a b" }), "invalid: tenant: holds characters that a name cannot have"},
		{"tenant with a slash", create(func(c *Command) { c.Tenant = "a/b" }), "invalid: tenant: holds characters that a name cannot have"},
		{"customer with an accent", create(func(c *Command) { c.CustomerID = "josé" }), "invalid: customer_id: holds characters that a name cannot have"},
		{"long customer", create(func(c *Command) { c.CustomerID = strings.Repeat("x", 65) }), "invalid: customer_id: is too long; want at most 64 characters"},
		{"no customer", other(CommandVoid, func(c *Command) { c.CustomerID = "" }), "invalid: customer_id: is missing; want the payment's customer"},
		{"no amount", create(func(c *Command) { c.Amount = 0 }), "invalid: amount: is missing or zero; want a positive integer in minor units"},
		{"negative amount", create(func(c *Command) { c.Amount = -1 }), "invalid: amount: is negative; want a positive integer"},
		{"huge amount", create(func(c *Command) { c.Amount = MaxAmount + 1 }), "invalid: amount: is too large; want at most 999999999999999"},
		{"no currency", create(func(c *Command) { c.Currency = "" }), "invalid: currency: is missing; want an ISO 4217 code"},
		{"unknown currency", create(func(c *Command) { c.Currency = "XYZ" }), "invalid: currency: is not an ISO 4217 currency"},
		{"currency in small letters", create(func(c *Command) { c.Currency = "eur" }), "invalid: currency: is not an ISO 4217 currency; want a code such as EUR, in capitals"},
		{"no card", create(func(c *Command) { c.Card = nil }), "invalid: card: is missing"},
		{"no token", create(func(c *Command) { c.Card.Token = "" }), "invalid: card.token: is missing"},
		{"BIN of letters", create(func(c *Command) { c.Card.BIN = "4111ab" }), "invalid: card.bin: is not made of digits"},
		{"BIN with a sign and a point", create(func(c *Command) { c.Card.BIN = "-41.11" }), "invalid: card.bin: is not made of digits"},
		{"short BIN", create(func(c *Command) { c.Card.BIN = "4111" }), "invalid: card.bin: is too short; want at least 6 characters"},
		{"last four with a sign", create(func(c *Command) { c.Card.Last4 = "-111" }), "invalid: card.last4: is not made of digits"},
		{"last four", create(func(c *Command) { c.Card.Last4 = "111" }), "invalid: card.last4: has the wrong length; want 4 characters"},
		{"country", create(func(c *Command) { c.Context.Country = "XX" }), "invalid: context.country: is not a country"},
		{"IP", create(func(c *Command) { c.Context.IP = "300.1.1.1" }), "invalid: context.ip: is not an IP address"},
		{"capture method", create(func(c *Command) { c.CaptureMethod = "later" }), "invalid: capture_method: is none of manual, automatic"},
		{"return URL", create(func(c *Command) { c.ReturnURL = "shop" }), "invalid: return_url: is not a URL"},
		{"much metadata", create(func(c *Command) {
			c.Metadata = map[string]string{}
			for i := range 21 {
				c.Metadata[strings.Repeat("k", i+1)] = "v"
			}
		}), "invalid: metadata: has too many entries; want at most 20"},
		{"long metadata", create(func(c *Command) { c.Metadata = map[string]string{"k": strings.Repeat("v", 501)} }), "invalid: metadata (a key or value): is too long; want at most 500 characters"},
		{"card number as a key", create(func(c *Command) { c.Metadata = map[string]string{"4111111111111111": strings.Repeat("v", 501)} }), "invalid: metadata (a key or value): is too long"},
		{"NUL", create(func(c *Command) { c.Description = "a\x00b" }), "invalid: description: holds control characters"},
		{"create with a payment", create(func(c *Command) { c.PaymentID = payment }), "invalid: payment_id: is set; a create command opens a new payment"},
		{"no payment", other(CommandCapture, func(c *Command) { c.PaymentID = "" }), "invalid: payment_id: is missing"},
		{"bad payment", other(CommandCapture, func(c *Command) { c.PaymentID = "pay_1" }), "invalid: payment_id: is not a payment's id"},
		{"void of a part", other(CommandVoid, func(c *Command) { c.Amount = 5 }), "invalid: amount: is set; a command of type void takes none"},
		{"capture without currency", other(CommandCapture, func(c *Command) { c.Amount = 5 }), "invalid: currency: is missing; an amount needs the payment's currency"},
		{"challenge elsewhere", other(CommandVoid, func(c *Command) { c.Challenge = &Challenge{Result: "failed"} }), "invalid: challenge: is set; only a command of type confirm"},

		{"card number as token", create(func(c *Command) { c.Card.Token = "4111111111111111" }), "card_number: card.token: holds a card number"},
		{"card number in groups", create(func(c *Command) { c.Description = "4111 1111 1111 1111" }), "card_number: description: holds a card number"},
		{"card number in metadata", create(func(c *Command) { c.Metadata = map[string]string{"note": "pan:4111111111111111"} }), "card_number: metadata (a value): holds a card number"},
		{"masked card number", create(func(c *Command) { c.Description = "**** **** **** 1111" }), "card_number: description: holds a card number"},
		{"invalid comes first", create(func(c *Command) { c.Description, c.Amount = "4111 1111 1111 1111", -1 }), "invalid: amount: is negative"},
	} {
		t.Run(test.name, func(t *testing.T) {
			refusal := test.c.Validate()
			switch {
			case test.want == "" && refusal != nil:
				t.Errorf("got %s", refusal)
			case test.want != "" && (refusal == nil || !strings.HasPrefix(refusal.String(), test.want)):
				t.Errorf("got %v, want %s", refusal, test.want)
			case refusal != nil && strings.Contains(refusal.Detail, "4111"):
				t.Errorf("the detail quotes a card number: %s", refusal)
			}
		})
	}
}

// TestMaskedCommandIsRefused: a command whose raw bytes held a card number is still refused for it after masking.
func TestMaskedCommandIsRefused(t *testing.T) {
	for _, number := range append(testCardNumbers, "4111-1111-1111-1111", "3782 822463 10005") {
		c := exampleCommand()
		c.MerchantReference = "ref " + number
		data, err := Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		masked, found := MaskCardNumbers(data)
		var back Command
		if err := Unmarshal(masked, &back); err != nil || !found {
			t.Fatalf("%s: %v", masked, err)
		}
		if r := back.Validate(); r == nil || r.Code != RefusedCardNumber {
			t.Errorf("%s: got %v", masked, r)
		}
	}
}

func BenchmarkValidate(b *testing.B) {
	c := exampleCommand()
	b.ReportAllocs()
	for b.Loop() {
		if r := c.Validate(); r != nil {
			b.Fatal(r)
		}
	}
}
