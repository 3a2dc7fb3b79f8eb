package topics

import (
	"strings"
	"testing"
	"time"
)

func TestValidateWalletCommand(t *testing.T) {
	const id, round = "0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b", "round_7"
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	of := func(kind WalletCommandType, change func(*WalletCommand)) *WalletCommand {
		c := &WalletCommand{CommandID: id, Type: kind, Tenant: "acme", CustomerID: "cust_42", IssuedAt: at}
		switch kind {
		case WalletCredit, WalletDebit:
			c.Amount, c.Currency, c.Reason = 500, "EUR", ReasonPurchase
		case WalletHold:
			c.Amount, c.Currency = 500, "EUR"
		case WalletCaptureHold:
			c.HoldID, c.Reason = id, ReasonPurchase
		case WalletReleaseHold:
			c.HoldID = id
		case WalletRollbackRound:
			c.RoundID = round
		}
		change(c)
		return c
	}
	same := func(*WalletCommand) {}
	game := func(c *WalletCommand) { c.Reason, c.RoundID = ReasonGame, round }
	four := func(requested, approved string) func(*WalletCommand) {
		return func(c *WalletCommand) { c.Reason, c.RequestedBy, c.ApprovedBy = ReasonAdjustment, requested, approved }
	}
	limit := func(kind GamingKind, amount, seconds int64, remove bool) func(*WalletCommand) {
		return func(c *WalletCommand) {
			c.Amount, c.Limit = amount, &LimitRequest{Kind: kind, Period: GamingDay, Seconds: seconds, Remove: remove}
			if kind != GamingSession {
				c.Currency = "EUR"
			}
		}
	}
	for _, test := range []struct {
		name string
		c    *WalletCommand
		want string // "" where nothing is wrong
	}{
		{"credit", of(WalletCredit, same), ""},
		{"win", of(WalletCredit, game), ""},
		{"bet", of(WalletDebit, game), ""},
		{"adjustment", of(WalletDebit, four("ann", "bob")), ""},
		{"hold", of(WalletHold, func(c *WalletCommand) { c.ExpiresAt = at.Add(time.Hour) }), ""},
		{"capture of all", of(WalletCaptureHold, same), ""},
		{"capture for a round", of(WalletCaptureHold, game), ""},
		{"release", of(WalletReleaseHold, func(c *WalletCommand) { c.Currency = "EUR" }), ""},
		{"rollback", of(WalletRollbackRound, same), ""},
		{"close", of(WalletClose, same), ""},
		{"deposit limit", of(WalletSetLimit, limit(GamingDeposit, 500, 0, false)), ""},
		{"session limit", of(WalletSetLimit, limit(GamingSession, 0, 60, false)), ""},
		{"no limit any more", of(WalletSetLimit, limit(GamingLoss, 0, 0, true)), ""},
		{"backdated", of(WalletCredit, func(c *WalletCommand) { c.EffectiveAt = at.Add(-48 * time.Hour) }), ""},

		{"limit of nothing", of(WalletSetLimit, same), "invalid: limit: is missing"},
		{"limit of zero", of(WalletSetLimit, limit(GamingDeposit, 0, 0, false)), "invalid: amount: is missing or zero"},
		{"amount beside remove", of(WalletSetLimit, limit(GamingLoss, 5, 0, true)), "invalid: amount: is missing or zero, or is set beside limit.remove"},
		{"session without time", of(WalletSetLimit, limit(GamingSession, 0, 0, false)), "invalid: limit.seconds: is missing"},
		{"session longer than a month", of(WalletSetLimit, limit(GamingSession, 0, 2_678_401, false)), "invalid: limit.seconds: is too large"},
		{"session below zero", of(WalletSetLimit, limit(GamingSession, 0, -1, false)), "invalid: limit.seconds: is negative; want whole seconds"},
		{"seconds of a deposit", of(WalletSetLimit, limit(GamingDeposit, 5, 60, false)), "invalid: limit.seconds: is set; only a session"},
		{"unknown limit", of(WalletSetLimit, limit("stakes", 5, 0, false)), "invalid: limit.kind: is none of deposit, loss, session"},
		{"limit of a debit", of(WalletDebit, func(c *WalletCommand) { c.Limit = &LimitRequest{Kind: GamingLoss, Period: GamingDay} }), "invalid: limit: is set"},
		{"limit of nobody", of(WalletSetLimit, func(c *WalletCommand) { limit(GamingDeposit, 5, 0, false)(c); c.Limit.SetBy = SetByOperator }), "invalid: requested_by: is missing"},
		{"limit of then", of(WalletSetLimit, func(c *WalletCommand) { limit(GamingDeposit, 5, 0, false)(c); c.EffectiveAt = at }), "invalid: effective_at: is set"},

		{"no id", of(WalletCredit, func(c *WalletCommand) { c.CommandID = "" }), "invalid: command_id: is missing"},
		{"no type", of("", same), "invalid: type: is missing"},
		{"type", of("steal", same), "invalid: type: is none of credit, debit, hold"},
		{"no customer", of(WalletCredit, func(c *WalletCommand) { c.CustomerID = "" }), "invalid: customer_id: is missing"},
		{"credit of nothing", of(WalletCredit, func(c *WalletCommand) { c.Amount = 0 }), "invalid: amount: is missing or zero; want a positive integer"},
		{"hold of nothing", of(WalletHold, func(c *WalletCommand) { c.Amount = 0 }), "invalid: amount: is missing or zero"},
		{"negative debit", of(WalletDebit, func(c *WalletCommand) { c.Amount = -1 }), "invalid: amount: is negative"},
		{"huge", of(WalletCredit, func(c *WalletCommand) { c.Amount = MaxAmount + 1 }), "invalid: amount: is too large"},
		{"no currency", of(WalletDebit, func(c *WalletCommand) { c.Currency = "" }), "invalid: currency: is missing; want an ISO 4217"},
		{"unknown currency", of(WalletDebit, func(c *WalletCommand) { c.Currency = "EUX" }), "invalid: currency: is not an ISO 4217 currency"},
		{"capture in no currency", of(WalletCaptureHold, func(c *WalletCommand) { c.Amount = 5 }), "invalid: currency: is missing; an amount needs the hold's"},
		{"release of a part", of(WalletReleaseHold, func(c *WalletCommand) { c.Amount = 5 }), "invalid: amount: is set; a command of type release_hold takes none"},
		{"no reason", of(WalletDebit, func(c *WalletCommand) { c.Reason = "" }), "invalid: reason: is missing"},
		{"capture for no reason", of(WalletCaptureHold, func(c *WalletCommand) { c.Reason = "" }), "invalid: reason: is missing"},
		{"reason", of(WalletDebit, func(c *WalletCommand) { c.Reason = "fun" }), "invalid: reason: is none of game, bonus"},
		{"hold for a reason", of(WalletHold, func(c *WalletCommand) { c.Reason = ReasonBonus }), "invalid: reason: is set; a command of type hold takes none"},
		{"bet without a round", of(WalletDebit, func(c *WalletCommand) { c.Reason = ReasonGame }), "invalid: round_id: is missing"},
		{"rollback without a round", of(WalletRollbackRound, func(c *WalletCommand) { c.RoundID = "" }), "invalid: round_id: is missing"},
		{"purchase in a round", of(WalletDebit, func(c *WalletCommand) { c.RoundID = round }), "invalid: round_id: is set"},
		{"round with a space", of(WalletRollbackRound, func(c *WalletCommand) { c.RoundID = "a b" }), "invalid: round_id: holds characters that a name cannot have"},
		{"adjustment by one", of(WalletCredit, four("ann", "")), "invalid: requested_by and approved_by: one is missing"},
		{"adjustment by nobody", of(WalletCredit, four("", "bob")), "invalid: requested_by and approved_by: one is missing"},
		{"adjustment by the same", of(WalletCredit, four("ann", "Ann ")), "invalid: approved_by: is the same as requested_by"},
		{"capture of no hold", of(WalletCaptureHold, func(c *WalletCommand) { c.HoldID = "" }), "invalid: hold_id: is missing"},
		{"release of no hold", of(WalletReleaseHold, func(c *WalletCommand) { c.HoldID = "" }), "invalid: hold_id: is missing"},
		{"hold id", of(WalletReleaseHold, func(c *WalletCommand) { c.HoldID = "hold_7" }), "invalid: hold_id: is not a hold's id"},
		{"hold id elsewhere", of(WalletCredit, func(c *WalletCommand) { c.HoldID = id }), "invalid: hold_id: is set; a command of type credit takes none"},
		{"hold that has ended", of(WalletHold, func(c *WalletCommand) { c.ExpiresAt = at }), "invalid: expires_at: had passed when the command was issued"},
		{"credit that expires", of(WalletCredit, func(c *WalletCommand) { c.ExpiresAt = at.Add(time.Hour) }), "invalid: expires_at: is set; only a command of type hold"},
		{"backdated close", of(WalletClose, func(c *WalletCommand) { c.EffectiveAt = at }), "invalid: effective_at: is set"},
		{"NUL", of(WalletCredit, func(c *WalletCommand) { c.Description = "a\x00b" }), "invalid: description: holds control characters"},

		{"card number", of(WalletCredit, func(c *WalletCommand) { c.Description = "4111 1111 1111 1111" }), "card_number: description: holds a card number"},
		{"card number as a round", of(WalletRollbackRound, func(c *WalletCommand) { c.RoundID = "4111111111111111" }), "card_number: round_id: holds a card number"},
		{"masked card number", of(WalletClose, func(c *WalletCommand) { c.Description = "**** **** **** 1111" }), "card_number: description: holds a card number"},
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

func BenchmarkValidateWalletCommand(b *testing.B) {
	c := &WalletCommand{CommandID: "0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b", Type: WalletDebit, Tenant: "acme", CustomerID: "cust_42",
		Amount: 500, Currency: "EUR", Reason: ReasonGame, RoundID: "round_7"}
	b.ReportAllocs()
	for b.Loop() {
		if r := c.Validate(); r != nil {
			b.Fatal(r)
		}
	}
}
