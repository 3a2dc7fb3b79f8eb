package wallets

import (
	"fmt"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// Moves says that an event books an entry.
func Moves(e *topics.WalletEvent) bool {
	switch e.Type {
	case topics.WalletCredited, topics.WalletDebited, topics.WalletHeld, topics.WalletHoldCaptured, topics.WalletHoldReleased,
		topics.WalletHoldExpired:
		return true
	case topics.WalletRoundRolled:
		return e.Amount != 0
	}
	return false
}

// Post is the entry of an event that Moves. b is the balance before it. The caller sets the entry's id.
func Post(e *topics.WalletEvent, b topics.WalletBalance) (ledger.Entry, error) {
	entry, err := post(e, ledger.Standing{Available: b.Available, Debt: b.Debt})
	if err != nil {
		return ledger.Entry{}, fmt.Errorf("event %s: %s: %w", e.EventID, e.Type, err)
	}
	entry.At, entry.Effective = e.At, e.EffectiveAt
	switch {
	case e.RoundID != "":
		entry.Reference = e.RoundID
	case e.Hold != nil:
		entry.Reference = e.Hold.HoldID
	}
	return entry, nil
}

func post(e *topics.WalletEvent, s ledger.Standing) (ledger.Entry, error) {
	c := customerOf(e)
	switch e.Type {
	case topics.WalletCredited:
		return ledger.WalletCredited(c, against(e.Reason), e.Amount, s)
	case topics.WalletDebited:
		return ledger.WalletDebited(c, against(e.Reason), e.Amount)
	case topics.WalletHeld:
		return ledger.HoldPlaced(c, e.Amount)
	case topics.WalletHoldCaptured:
		return ledger.HoldCaptured(c, against(e.Reason), e.Amount)
	case topics.WalletHoldReleased, topics.WalletHoldExpired:
		return ledger.HoldReleased(c, e.Amount, s)
	case topics.WalletRoundRolled:
		return ledger.RoundRolledBack(c, e.Amount, s)
	}
	return ledger.Entry{}, fmt.Errorf("moves nothing")
}

// against is the account on the other side of a movement; "", which no template takes, for a reason that is none.
func against(r topics.WalletReason) ledger.AccountCode {
	switch r {
	case topics.ReasonGame:
		return ledger.GameRevenue
	case topics.ReasonBonus:
		return ledger.BonusExpense
	case topics.ReasonPurchase:
		return ledger.SalesRevenue
	case topics.ReasonAdjustment:
		return ledger.Adjustments
	}
	return ""
}

// Opens says that a posting opens the wallet of its account's owner, where it is not open in its currency yet: the first
// that gives money to the wallet, whether by command or by a payment, or makes its customer owe.
func Opens(code ledger.AccountCode) bool {
	return code == ledger.CustomerWallet || code == ledger.CustomerDebt
}
