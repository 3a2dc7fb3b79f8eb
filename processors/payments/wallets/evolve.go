package wallets

import (
	"fmt"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// Changes says which parts of the state an event changes.
type Changes struct{ Wallet, Hold, Round, Limits bool }

// Known says that a type is one of a wallet's events.
func Known(t topics.WalletEventType) bool {
	switch t {
	case topics.WalletCredited, topics.WalletDebited, topics.WalletHeld, topics.WalletHoldCaptured, topics.WalletHoldReleased,
		topics.WalletHoldExpired, topics.WalletRoundRolled, topics.WalletClosed, topics.WalletLimitSet, topics.WalletCommandRefused,
		topics.WalletDeadLettered:
		return true
	}
	return false
}

// ChangesOf reads it from the event alone. That an entry opens the wallet is told by Opens.
func ChangesOf(e *topics.WalletEvent) (c Changes) {
	switch e.Type {
	case topics.WalletCredited, topics.WalletDebited:
		c.Round = e.RoundID != ""
	case topics.WalletHeld, topics.WalletHoldReleased, topics.WalletHoldExpired:
		c.Hold = true
	case topics.WalletHoldCaptured:
		c.Hold, c.Round = true, e.RoundID != ""
	case topics.WalletRoundRolled:
		c.Round = true
	case topics.WalletClosed:
		c.Wallet = true
	}
	c.Limits = e.Type == topics.WalletLimitSet || e.Counted != nil
	return c
}

// Evolve folds an event into the state, in place. An error means that the event does not fit the state or breaks W1; the
// state is then unusable.
func Evolve(s State, e *topics.WalletEvent) error {
	if !Known(e.Type) {
		return fmt.Errorf("event %s: %.32q is none of a wallet's events", e.EventID, e.Type)
	}
	changes := ChangesOf(e)
	if changes.Wallet {
		s.Wallet.Closed = true
	}
	if changes.Hold {
		if err := s.Hold.Evolve(e); err != nil {
			return fmt.Errorf("event %s: %s: %w", e.EventID, e.Type, err)
		}
	}
	if changes.Round {
		if err := s.Round.Evolve(e); err != nil {
			return fmt.Errorf("event %s: %s: %w", e.EventID, e.Type, err)
		}
	}
	if changes.Limits {
		if err := EvolveLimits(s.Limits, e); err != nil {
			return fmt.Errorf("event %s: %s: %w", e.EventID, e.Type, err)
		}
	}
	return nil
}

// Evolve folds an event that changes the hold.
func (h *Hold) Evolve(e *topics.WalletEvent) error {
	after := e.Hold
	if after == nil {
		return fmt.Errorf("it shows no hold")
	}
	if e.Type == topics.WalletHeld {
		if h.exists() {
			return fmt.Errorf("hold %s exists", after.HoldID)
		}
		*h = Hold{ID: after.HoldID, Region: e.Region, Currency: ledger.Currency(e.Currency), Amount: after.Amount, ExpiresAt: after.ExpiresAt}
	}
	captured, released := h.Captured, h.Released
	switch e.Type {
	case topics.WalletHoldCaptured:
		captured += e.Amount
	case topics.WalletHoldReleased, topics.WalletHoldExpired:
		released += e.Amount
	}
	if after.HoldID != h.ID || after.Amount != h.Amount || after.Captured != captured || after.Released != released ||
		e.Currency != string(h.Currency) {
		return fmt.Errorf("it shows the hold %+v, the events before make of it %s of %d %s, captured %d, released %d",
			*after, h.ID, h.Amount, h.Currency, captured, released)
	}
	h.Captured, h.Released = captured, released
	if h.Amount <= 0 || h.Captured < 0 || h.Released < 0 || h.Left() < 0 {
		return fmt.Errorf("W1: hold of %d, captured %d, released %d", h.Amount, h.Captured, h.Released)
	}
	h.Movements++
	return nil
}

// Evolve folds an event that changes the round.
func (r *Round) Evolve(e *topics.WalletEvent) error {
	taken := e.Amount
	switch e.Type {
	case topics.WalletCredited:
		taken = -e.Amount
	case topics.WalletRoundRolled:
		if e.Amount != r.Net {
			return fmt.Errorf("W2: %d rolled back of a round whose net is %d", e.Amount, r.Net)
		}
		taken = 0
	}
	if r.RolledBack {
		return fmt.Errorf("round %s was rolled back", e.RoundID)
	}
	net, err := ledger.AddMinor(r.Net, taken)
	if err != nil {
		return fmt.Errorf("round %s: %w", e.RoundID, err)
	}
	if r.ID == "" {
		r.ID = e.RoundID
	}
	if e.Type == topics.WalletRoundRolled {
		r.RolledBack = true
	} else {
		r.Currency = ledger.Currency(e.Currency)
	}
	r.Net = net
	r.Movements++
	return nil
}
