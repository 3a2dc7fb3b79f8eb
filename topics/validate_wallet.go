package topics

import (
	"fmt"
)

// Validate checks what can be known from the command alone, as Command.Validate does.
func (c *WalletCommand) Validate() *Refusal {
	if detail := c.invalid(); detail != "" {
		return &Refusal{RefusedInvalid, detail}
	}
	if field := cardNumberIn(c.texts); field != "" {
		return &Refusal{RefusedCardNumber, field + ": holds a card number; a wallet command has no place for one"}
	}
	return nil
}

func (c *WalletCommand) invalid() string {
	if detail := malformed(c, c.texts); detail != "" {
		return detail
	}
	if c.HoldID != "" && !isCommandID(c.HoldID) {
		return "hold_id: is not a hold's id; want the command_id of the hold command, a UUID"
	}
	for _, detail := range [...]string{c.invalidAmount(), c.invalidReason(), c.invalidLimit(), c.invalidPlace(), c.invalidTimes()} {
		if detail != "" {
			return detail
		}
	}
	return ""
}

func (c *WalletCommand) invalidAmount() string {
	switch c.Type {
	case WalletCredit, WalletDebit, WalletHold:
		switch {
		case c.Amount == 0:
			return "amount: is missing or zero; want a positive integer in minor units (1050 is 10.50 EUR)"
		case c.Currency == "":
			return "currency: is missing; want an ISO 4217 code such as EUR"
		}
	case WalletCaptureHold:
		if c.Amount != 0 && c.Currency == "" {
			return "currency: is missing; an amount needs the hold's currency"
		}
	case WalletSetLimit:
		if c.Amount != 0 && c.Currency == "" {
			return "currency: is missing; an amount needs one, such as EUR"
		}
	default:
		if c.Amount != 0 {
			return fmt.Sprintf("amount: is set; a command of type %s takes none", c.Type)
		}
	}
	return ""
}

// invalidReason checks the reason with what belongs to it: a round, two people.
func (c *WalletCommand) invalidReason() string {
	switch c.Type {
	case WalletCredit, WalletDebit, WalletCaptureHold:
		if c.Reason == "" {
			return "reason: is missing; want game, bonus, purchase or adjustment"
		}
	default:
		if c.Reason != "" {
			return fmt.Sprintf("reason: is set; a command of type %s takes none", c.Type)
		}
	}
	switch inRound := c.Reason == ReasonGame || c.Type == WalletRollbackRound; {
	case inRound && c.RoundID == "":
		return "round_id: is missing; a game's bets, wins and rollbacks name their round"
	case !inRound && c.RoundID != "":
		return "round_id: is set; it belongs to the reason game and to rollback_round"
	case c.Reason == ReasonAdjustment:
		return invalidPeople(c.RequestedBy, c.ApprovedBy, "an adjustment")
	case c.ApprovedBy != "":
		return invalidPeople(c.RequestedBy, c.ApprovedBy, "an approval")
	}
	return ""
}

// invalidLimit checks the limit that is set with its amount or its time.
func (c *WalletCommand) invalidLimit() string {
	l := c.Limit
	switch {
	case l == nil && c.Type == WalletSetLimit:
		return "limit: is missing; want its kind (deposit, loss or session) and period (day, week or month)"
	case l == nil:
		return ""
	case c.Type != WalletSetLimit:
		return fmt.Sprintf("limit: is set; a command of type %s takes none", c.Type)
	case l.SetBy == SetByOperator && c.RequestedBy == "":
		return "requested_by: is missing; a limit that the operator sets names who asked for it"
	case l.Kind == GamingSession && (c.Amount != 0 || c.Currency != ""):
		return "amount and currency: one is set; a session limit is a time, in limit.seconds"
	case l.Kind == GamingSession && (l.Seconds == 0) != l.Remove:
		return "limit.seconds: is missing or zero, or is set beside remove; want the seconds that may be played, at least 1; limit.remove: true takes the limit away and lets everything pass"
	case l.Kind == GamingSession:
		return ""
	case l.Seconds != 0:
		return "limit.seconds: is set; only a session limit has one"
	case c.Currency == "":
		return "currency: is missing; a limit is in one, such as EUR"
	case (c.Amount == 0) != l.Remove:
		return "amount: is missing or zero, or is set beside limit.remove; want the limit in minor units, at least 1, which is as good as none of it; limit.remove: true takes the limit away and lets everything pass"
	}
	return ""
}

// invalidPlace checks that nothing is set where it would be ignored.
func (c *WalletCommand) invalidPlace() string {
	if onHold := c.Type == WalletCaptureHold || c.Type == WalletReleaseHold; c.HoldID != "" && !onHold {
		return fmt.Sprintf("hold_id: is set; a command of type %s takes none", c.Type)
	}
	if !c.ExpiresAt.IsZero() && c.Type != WalletHold {
		return "expires_at: is set; only a command of type hold takes one"
	}
	if !c.EffectiveAt.IsZero() && (c.Type == WalletClose || c.Type == WalletSetLimit) {
		return fmt.Sprintf("effective_at: is set; a command of type %s takes none", c.Type)
	}
	return ""
}

func (c *WalletCommand) invalidTimes() string {
	switch {
	case !ValidTime(c.ExpiresAt):
		return "expires_at" + outOfTime
	case !ValidTime(c.EffectiveAt):
		return "effective_at" + outOfTime
	case !ValidTime(c.IssuedAt):
		return "issued_at" + outOfTime
	}
	if !c.ExpiresAt.IsZero() && !c.IssuedAt.IsZero() && !c.ExpiresAt.After(c.IssuedAt) {
		return "expires_at: had passed when the command was issued; want a later time, at which the hold is to end"
	}
	return ""
}

// texts yields every text that the producer chose, with the name of its field.
func (c *WalletCommand) texts(yield func(field, text string) bool) {
	for _, t := range [...]struct{ field, text string }{
		{"tenant", c.Tenant}, {"region", c.Region}, {"customer_id", c.CustomerID}, {"round_id", c.RoundID},
		{"requested_by", c.RequestedBy}, {"approved_by", c.ApprovedBy}, {"description", c.Description}, {"trace_id", c.TraceID},
	} {
		if t.text != "" && !yield(t.field, t.text) {
			return
		}
	}
}
