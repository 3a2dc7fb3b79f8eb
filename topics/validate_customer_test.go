package topics

import (
	"strings"
	"testing"
	"time"
)

func TestValidateCustomerEvent(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	of := func(change func(*CustomerEvent)) *CustomerEvent {
		e := &CustomerEvent{EventID: "0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b", Type: "login", Tenant: "acme", CustomerID: "cust_42", OccurredAt: at}
		change(e)
		return e
	}
	const payment = "pay_0003_019ac1b2f5a87c3e9d10aa5be2c17f44"
	for name, test := range map[string]struct {
		change func(*CustomerEvent)
		want   string // "" where nothing is wrong
	}{
		"login":              {func(*CustomerEvent) {}, ""},
		"login with context": {func(e *CustomerEvent) { e.Context = &Context{IP: "203.0.113.7", Country: "DE"} }, ""},
		"no time":            {func(e *CustomerEvent) { e.OccurredAt = time.Time{} }, ""},
		"session":            {func(e *CustomerEvent) { e.Type, e.DurationSeconds = "session_end", 3600 }, ""},
		"bonus":              {func(e *CustomerEvent) { e.Type, e.Amount, e.Currency = "bonus_claimed", 500, "EUR" }, ""},
		"payout to a card": {func(e *CustomerEvent) {
			e.Type, e.Amount, e.Currency, e.Card = CustomerPayout, 500, "EUR", &Card{Token: "tok"}
		}, ""},
		"dispute":        {func(e *CustomerEvent) { e.Type, e.PaymentID = CustomerDispute, payment }, ""},
		"longest type":   {func(e *CustomerEvent) { e.Type = strings.Repeat("a", 58) }, ""},
		"at the horizon": {func(e *CustomerEvent) { e.OccurredAt = at.Add(-DedupHorizon) }, ""},
		"ahead":          {func(e *CustomerEvent) { e.OccurredAt = at.Add(24 * time.Hour) }, ""},

		"no id":            {func(e *CustomerEvent) { e.EventID = "" }, "invalid: event_id: is missing"},
		"id":               {func(e *CustomerEvent) { e.EventID = "7" }, "invalid: event_id: is not a UUID; want the form"},
		"no type":          {func(e *CustomerEvent) { e.Type = "" }, "invalid: type: is missing"},
		"capitals":         {func(e *CustomerEvent) { e.Type = "Login" }, "invalid: type: is not a type of event; want small letters"},
		"leading digit":    {func(e *CustomerEvent) { e.Type = "2fa" }, "invalid: type: is not a type of event"},
		"dot":              {func(e *CustomerEvent) { e.Type = "event.login" }, "invalid: type: is not a type of event"},
		"long type":        {func(e *CustomerEvent) { e.Type = strings.Repeat("a", 59) }, "invalid: type: is too long; want at most 58"},
		"no tenant":        {func(e *CustomerEvent) { e.Tenant = "" }, "invalid: tenant: is missing"},
		"no customer":      {func(e *CustomerEvent) { e.CustomerID = "" }, "invalid: customer_id: is missing"},
		"customer":         {func(e *CustomerEvent) { e.CustomerID = "a b" }, "invalid: customer_id: holds characters that a name cannot have"},
		"negative":         {func(e *CustomerEvent) { e.Amount = -1 }, "invalid: amount: is negative; want a positive integer in minor units"},
		"no currency":      {func(e *CustomerEvent) { e.Amount = 5 }, "invalid: currency: is missing; an amount needs"},
		"currency":         {func(e *CustomerEvent) { e.Currency = "EURO" }, "invalid: currency: is not an ISO 4217 currency"},
		"duration":         {func(e *CustomerEvent) { e.DurationSeconds = -1 }, "invalid: duration_seconds: is negative; want whole seconds"},
		"long duration":    {func(e *CustomerEvent) { e.DurationSeconds = 31_536_001 }, "invalid: duration_seconds: is too large; want at most 31536000"},
		"card":             {func(e *CustomerEvent) { e.Card = &Card{Fingerprint: "fp"} }, "invalid: card.token: is missing"},
		"address":          {func(e *CustomerEvent) { e.Context = &Context{IP: "localhost"} }, "invalid: context.ip: is not an IP address"},
		"payment":          {func(e *CustomerEvent) { e.Type, e.PaymentID = CustomerDispute, "ch_1" }, "invalid: payment_id: is not a payment's id"},
		"login of payment": {func(e *CustomerEvent) { e.PaymentID = payment }, "invalid: payment_id: is set; only an event of type dispute or payout"},
		"year":             {func(e *CustomerEvent) { e.OccurredAt = at.AddDate(9000, 0, 0) }, "invalid: occurred_at: is out of range"},
		"far ahead":        {func(e *CustomerEvent) { e.OccurredAt = at.Add(24*time.Hour + time.Second) }, "invalid: occurred_at: is more than a day ahead"},
		"too old":          {func(e *CustomerEvent) { e.OccurredAt = at.Add(-DedupHorizon - time.Second) }, "too_old: occurred_at: is more than 30 days ago"},
		"NUL":              {func(e *CustomerEvent) { e.Metadata = map[string]string{"a": "b\x00"} }, "invalid: metadata (a value): holds control characters"},

		"card number":               {func(e *CustomerEvent) { e.Metadata = map[string]string{"pan": "4111111111111111"} }, "card_number: metadata (a value): holds a card number"},
		"card number as a token":    {func(e *CustomerEvent) { e.Card = &Card{Token: "4111 1111 1111 1111"} }, "card_number: card.token: holds a card number"},
		"card number as a customer": {func(e *CustomerEvent) { e.CustomerID = "4111111111111111" }, "card_number: customer_id: holds a card number"},
	} {
		t.Run(name, func(t *testing.T) {
			refusal := of(test.change).ValidateAt(at)
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

// What may differ when the same event is sent again is no other event: the time that its record gave it is.
func TestFingerprintOfCustomerEvent(t *testing.T) {
	e := func(change func(*CustomerEvent)) int64 {
		e := CustomerEvent{Type: "payout", CustomerID: "cust_42", Amount: 500, Currency: "EUR", Card: &Card{Token: "tok"}}
		change(&e)
		return e.Fingerprint()
	}
	first := e(func(*CustomerEvent) {})
	if again := e(func(e *CustomerEvent) {
		e.OccurredAt, e.TraceID, e.Context = time.Unix(7, 0), "t", &Context{IP: "203.0.113.7"}
	}); again != first {
		t.Error("a repeat has another fingerprint")
	}
	for name, change := range map[string]func(*CustomerEvent){
		"type": func(e *CustomerEvent) { e.Type = "login" }, "customer": func(e *CustomerEvent) { e.CustomerID = "x" },
		"amount": func(e *CustomerEvent) { e.Amount++ }, "currency": func(e *CustomerEvent) { e.Currency = "USD" },
		"card": func(e *CustomerEvent) { e.Card = &Card{Token: "other"} }, "payment": func(e *CustomerEvent) { e.PaymentID = "p" },
	} {
		if e(change) == first {
			t.Errorf("another %s has the same fingerprint", name)
		}
	}
}
