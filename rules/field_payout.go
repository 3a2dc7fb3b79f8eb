package rules

import "github.com/weirhq/weir/topics"

// payoutFields are what a command says of the payout that it asks for. Its card is among cardFields.
func payoutFields() []Field {
	payout := func(get func(*topics.PayoutCommand) string) func(*Input) string {
		return func(in *Input) string {
			if in.Payout == nil {
				return ""
			}
			return get(in.Payout)
		}
	}
	return []Field{
		{Name: "payout.amount", Type: TypeMoney, at: atPayout, sure: atPayout, Example: "250.00 EUR",
			Doc: "The amount with its currency.",
			money: func(in *Input) (*int64, *string) {
				if in.Payout == nil {
					return nil, nil
				}
				return &in.Payout.Amount, &in.Payout.Currency
			}},
		{Name: "payout.currency", Type: TypeText, at: atPayout, sure: atPayout, Example: "EUR", Match: MatchExact,
			Doc: "ISO 4217 code, upper case.", literal: currencyLiteral,
			get: payout(func(c *topics.PayoutCommand) string { return c.Currency }),
			set: func(in *Input, v string) { in.Payout.Currency = v }},
		{Name: "payout.destination", Type: TypeText, at: atPayout, sure: atPayout, Example: destinationNamed, Match: MatchExact,
			Doc:     "named where the command names the card to pay to, which card.fingerprint and the like tell of; chosen where weir chooses it among the cards that the customer deposited with.",
			literal: oneOf(destinationNamed, destinationChosen),
			get: payout(func(c *topics.PayoutCommand) string {
				if c.Card != nil {
					return destinationNamed
				}
				return destinationChosen
			}),
			set: func(in *Input, v string) {
				if v == destinationNamed {
					cardOf(in)
				}
			}},
		{Name: fieldPayoutMetadata, Type: TypeTexts, at: atPayout, Example: "vip", Match: MatchExact,
			Doc: `What the producer attached, by name: payout.metadata["level"].`,
			texts: func(in *Input) *map[string]string {
				if in.Payout == nil {
					return nil
				}
				return &in.Payout.Metadata
			}},
	}
}

// What payout.destination may be.
const (
	destinationNamed  = "named"
	destinationChosen = "chosen"
)
