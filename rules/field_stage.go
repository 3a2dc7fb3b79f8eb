package rules

import (
	"github.com/weirhq/weir/topics"
)

// paymentFields are what a payment's command says of the payment.
func paymentFields() []Field {
	return []Field{
		{Name: "payment.amount", Type: TypeMoney, at: atPayment | atRefund, sure: atPayment, Example: "250.00 EUR",
			Doc:   `The amount with its currency. Compare it with money("250.00 EUR") or limit("name").`,
			money: ofCommand(func(c *topics.Command) (*int64, *string) { return &c.Amount, &c.Currency })},
		{Name: "payment.currency", Type: TypeText, at: atPayment | atRefund, sure: atPayment, Example: "EUR", Match: MatchExact,
			Doc: "ISO 4217 code, upper case.", literal: currencyLiteral,
			get: textOfCommand(func(c *topics.Command) string { return c.Currency }),
			set: func(in *Input, v string) { in.Command.Currency = v }},
		{Name: "payment.capture_method", Type: TypeText, at: atPayment, sure: atPayment, Example: "manual", Match: MatchExact,
			Doc: "manual or automatic.", literal: oneOf("manual", "automatic"),
			get: textOfCommand(func(c *topics.Command) string {
				if c.CaptureMethod == "" && c.Type == topics.CommandCreate {
					return string(topics.CaptureManual)
				}
				return string(c.CaptureMethod)
			}),
			set: func(in *Input, v string) { in.Command.CaptureMethod = topics.CaptureMethod(v) }},
		{Name: "payment.method", Type: TypeText, at: atPayment, sure: atPayment, Example: "card", Match: MatchExact,
			Doc: "How the customer pays: card, bank_redirect, qr or crypto.", literal: oneOf(topics.Methods()...),
			get: textOfCommand(func(c *topics.Command) string {
				if c.PaymentMethod == nil && c.Type != topics.CommandCreate {
					return ""
				}
				return c.PaymentMethod.Kind()
			}),
			set: func(in *Input, v string) { in.Command.PaymentMethod = &topics.PaymentMethod{Type: v} }},
		{Name: "payment.initiator", Type: TypeText, at: atPayment, sure: atPayment, Example: "merchant", Match: MatchExact,
			Doc:     "Who begins the payment: customer, or merchant where it is by a mandate. Then nothing is known of card and circumstances, and nobody is there to authenticate: step_up holds it.",
			literal: oneOf("customer", "merchant"),
			get: textOfCommand(func(c *topics.Command) string {
				if c.Type != topics.CommandCreate {
					return ""
				}
				return c.Initiator()
			}),
			set: func(in *Input, v string) {
				if in.Command.Mandate = ""; v == topics.InitiatorMerchant {
					in.Command.Mandate = topics.PaymentID{}.MandateID()
				}
			}},
		{Name: fieldMetadata, Type: TypeTexts, at: atPayment | atRefund, Example: "SPRING", Match: MatchExact,
			Doc: `What the producer attached, by name: payment.metadata["promotion"].`,
			texts: func(in *Input) *map[string]string {
				if in.Command == nil {
					return nil
				}
				return &in.Command.Metadata
			}},
	}
}

func ofCommand(of func(*topics.Command) (*int64, *string)) func(*Input) (*int64, *string) {
	return func(in *Input) (*int64, *string) {
		if in.Command == nil {
			return nil, nil
		}
		return of(in.Command)
	}
}

func textOfCommand(get func(*topics.Command) string) func(*Input) string {
	return func(in *Input) string {
		if in.Command == nil {
			return ""
		}
		return get(in.Command)
	}
}

// commonFields are whose command or event it is.
func commonFields() []Field {
	return []Field{
		{Name: "customer.id", Type: TypeText, at: atAll, sure: atRefund | atPayout | atWallet | atEvent, Example: "cus_204", Match: MatchExact,
			Doc: "The account holder; missing for a guest.",
			get: func(in *Input) string { return in.customer() },
			set: func(in *Input, v string) {
				switch {
				case in.Wallet != nil:
					in.Wallet.CustomerID = v
				case in.Payout != nil:
					in.Payout.CustomerID = v
				case in.Event != nil:
					in.Event.CustomerID = v
				default:
					in.Command.CustomerID = v
				}
			}},
		{Name: "tenant", Type: TypeText, at: atAll, sure: atAll, Example: "acme", Match: MatchExact, Doc: "The brand.",
			get: func(in *Input) string { return in.tenant() },
			set: func(in *Input, v string) {
				switch {
				case in.Wallet != nil:
					in.Wallet.Tenant = v
				case in.Payout != nil:
					in.Payout.Tenant = v
				case in.Event != nil:
					in.Event.Tenant = v
				default:
					in.Command.Tenant = v
				}
			}},
		{Name: "region", Type: TypeText, at: atAll, Example: "eu", Match: MatchExact, Doc: "The region that the brand serves the customer in.",
			get: func(in *Input) string { return in.region() },
			set: func(in *Input, v string) {
				switch {
				case in.Wallet != nil:
					in.Wallet.Region = v
				case in.Payout != nil:
					in.Payout.Region = v
				case in.Event != nil:
					in.Event.Region = v
				default:
					in.Command.Region = v
				}
			}},
		{Name: fieldCommandType, Type: TypeText, at: atBefore | atWallet, sure: atBefore | atWallet, Example: "create", Match: MatchExact,
			Doc: "create, authorize or increment; at stage wallet credit, debit, hold or capture_hold.",
			get: func(in *Input) string {
				switch {
				case in.Wallet != nil:
					return string(in.Wallet.Type)
				case in.Command != nil:
					return string(in.Command.Type)
				}
				return ""
			},
			set: func(in *Input, v string) {
				if in.Wallet != nil {
					in.Wallet.Type = topics.WalletCommandType(v)
					return
				}
				in.Command.Type = topics.CommandType(v)
			}},
		{Name: "command.requested_by", Type: TypeText, at: atRefund | atPayout | atWallet, Example: "ann", Match: MatchExact,
			Doc: "Who asks for it, where it is a person of the brand.",
			get: func(in *Input) string {
				switch {
				case in.Wallet != nil:
					return in.Wallet.RequestedBy
				case in.Payout != nil:
					return in.Payout.RequestedBy
				case in.Command != nil:
					return in.Command.RequestedBy
				}
				return ""
			},
			set: func(in *Input, v string) {
				switch {
				case in.Wallet != nil:
					in.Wallet.RequestedBy = v
				case in.Payout != nil:
					in.Payout.RequestedBy = v
				default:
					in.Command.RequestedBy = v
				}
			}},
	}
}

// laterFields are what only later stages have; those of payouts are payoutFields.
func laterFields() []Field {
	wallet := func(get func(*topics.WalletCommand) string) func(*Input) string {
		return func(in *Input) string {
			if in.Wallet == nil {
				return ""
			}
			return get(in.Wallet)
		}
	}
	event := func(get func(*topics.CustomerEvent) string) func(*Input) string {
		return func(in *Input) string {
			if in.Event == nil {
				return ""
			}
			return get(in.Event)
		}
	}
	return []Field{
		{Name: "authorization.amount", Type: TypeMoney, at: atAfter, sure: atAfter, Example: "250.00 EUR", Doc: "What was authorised, with its currency.",
			money: func(in *Input) (*int64, *string) {
				if in.Authorization == nil {
					return nil, nil
				}
				return &in.Authorization.Amount, &in.Command.Currency
			}},
		answered("authorization.avs", "N", "Result code of the address verification, as the issuer gave it.", func(a *topics.AuthData) *string { return &a.AVS }),
		answered("authorization.cvv", "N", "Result code of the card verification, as the issuer gave it.", func(a *topics.AuthData) *string { return &a.CVV }),
		answered("authorization.eci", "05", "Electronic commerce indicator: how the customer was authenticated.", func(a *topics.AuthData) *string { return &a.ECI }),
		byECI("authorization.three_ds", "authenticated", "What 3-D Secure came to, by the ECI: authenticated, attempted or none.", threeDS, "authenticated", "attempted", "none"),
		byECI("authorization.liability_shift", "yes", "Who bears fraud, by the ECI: yes where the issuer does, no where the merchant does.", liabilityShift, "yes", "no"),
		{Name: "authorization.psp", Type: TypeText, at: atAfter, sure: atAfter, Example: "sandbox", Match: MatchExact, Doc: "The PSP that authorised.",
			get: func(in *Input) string {
				if in.Authorization == nil {
					return ""
				}
				return in.Authorization.PSP
			},
			set: func(in *Input, v string) { in.Authorization.PSP = v }},
		{Name: "wallet.amount", Type: TypeMoney, at: atWallet, Example: "20.00 EUR",
			Doc: "The amount with its currency. Missing where all that is left of a hold is captured.",
			money: func(in *Input) (*int64, *string) {
				if in.Wallet == nil {
					return nil, nil
				}
				return &in.Wallet.Amount, &in.Wallet.Currency
			}},
		{Name: "wallet.currency", Type: TypeText, at: atWallet, Example: "EUR", Match: MatchExact, Doc: "ISO 4217 code, upper case.", literal: currencyLiteral,
			get: wallet(func(c *topics.WalletCommand) string { return c.Currency }),
			set: func(in *Input, v string) { in.Wallet.Currency = v }},
		{Name: "wallet.reason", Type: TypeText, at: atWallet, Example: "game", Match: MatchExact,
			Doc:     "What the movement is for: game, bonus, purchase or adjustment. Missing of a hold.",
			literal: oneOf(string(topics.ReasonGame), string(topics.ReasonBonus), string(topics.ReasonPurchase), string(topics.ReasonAdjustment)),
			get:     wallet(func(c *topics.WalletCommand) string { return string(c.Reason) }),
			set:     func(in *Input, v string) { in.Wallet.Reason = topics.WalletReason(v) }},
		{Name: "wallet.round", Type: TypeText, at: atWallet, Example: "round_7", Match: MatchExact, Doc: "The game round.",
			get: wallet(func(c *topics.WalletCommand) string { return c.RoundID }),
			set: func(in *Input, v string) { in.Wallet.RoundID = v }},
		{Name: "event.type", Type: TypeText, at: atEvent, sure: atEvent, Example: "login", Match: MatchExact, Doc: "What happened, as the producer names it.",
			get: event(func(e *topics.CustomerEvent) string { return e.Type }),
			set: func(in *Input, v string) { in.Event.Type = v }},
		{Name: "event.amount", Type: TypeMoney, at: atEvent, Example: "20.00 EUR", Doc: "What it was about, where it was about money.",
			money: func(in *Input) (*int64, *string) {
				if in.Event == nil {
					return nil, nil
				}
				return &in.Event.Amount, &in.Event.Currency
			}},
		{Name: "event.duration", Type: TypeDuration, at: atEvent, Example: "90m", Doc: `How long it took: event.type == "session_end" && event.duration > duration("8h").`,
			seconds: func(in *Input) *int64 {
				if in.Event == nil {
					return nil
				}
				return &in.Event.DurationSeconds
			}},
		{Name: fieldEventMetadata, Type: TypeTexts, at: atEvent, Example: "SPRING", Match: MatchExact,
			Doc: `What the producer attached, by name: event.metadata["promotion"].`,
			texts: func(in *Input) *map[string]string {
				if in.Event == nil {
					return nil
				}
				return &in.Event.Metadata
			}},
	}
}

// byECI is what an ECI means.
func byECI(name, example, doc string, meaning func(string) string, values ...string) Field {
	f := answered(name, example, doc+" Missing without an ECI.", func(a *topics.AuthData) *string { return &a.ECI })
	eci, set := f.get, f.set
	f.literal = oneOf(values...)
	f.get = func(in *Input) string { return meaning(eci(in)) }
	f.set = func(in *Input, v string) {
		for _, code := range [...]string{"05", "06", "07"} {
			if meaning(code) == v {
				set(in, code)
				return
			}
		}
	}
	return f
}

// threeDS reads an ECI: the codes of Visa and those who follow it (05, 06, 07), and of Mastercard (02, 01, 00).
func threeDS(eci string) string {
	switch eci {
	case "":
		return ""
	case "05", "02":
		return "authenticated"
	case "06", "01":
		return "attempted"
	}
	return "none"
}

func liabilityShift(eci string) string {
	switch threeDS(eci) {
	case "":
		return ""
	case "none":
		return "no"
	}
	return "yes"
}

// answered is what an issuer answered beside its approval.
func answered(name, example, doc string, of func(*topics.AuthData) *string) Field {
	return Field{Name: name, Type: TypeText, at: atAfter, Example: example, Match: MatchExact, Doc: doc,
		get: func(in *Input) string {
			if in.Authorization == nil || in.Authorization.Authentication == nil {
				return ""
			}
			return *of(in.Authorization.Authentication)
		},
		set: func(in *Input, v string) {
			if in.Authorization.Authentication == nil {
				in.Authorization.Authentication = &topics.AuthData{}
			}
			*of(in.Authorization.Authentication) = v
		}}
}
