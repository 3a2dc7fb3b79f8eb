package velocity

import (
	"time"

	"github.com/weirhq/weir/ledger"
)

// Aggregate is what a definition computes over the events in its window.
type Aggregate string

const (
	Count      Aggregate = "count"       // number of events
	Sum        Aggregate = "sum"         // of the events' amounts, in minor units of Definition.Currency
	Max        Aggregate = "max"         // largest amount, in minor units of Definition.Currency
	Distinct   Aggregate = "distinct"    // number of different values of Definition.Of
	SinceFirst Aggregate = "since_first" // seconds since the oldest event in the window
	SinceLast  Aggregate = "since_last"  // seconds since the latest event before this one
)

// Kinds of events. A custom event, such as a login, has the kind "event." and its name.
const (
	KindAttempt  = "attempt"
	KindApproved = "approved"
	KindDeclined = "declined" // of any category; "declined." and a category for one of them
	KindRefunded = "refunded"
	KindDisputed = "disputed"
	KindPayout   = "payout"
	KindCustom   = "event."

	// As they are asked for, whatever becomes of them.
	KindRefundAttempt = "refund_attempt" // a refund command
	KindPayoutAttempt = "payout_attempt" // a command that asks for a payout
	KindStake         = "stake"          // a wallet command that takes money into a game
	KindWin           = "win"            // one that gives money out of a game
)

// Bounds of a window.
const (
	MinWindow = time.Minute
	MaxWindow = 90 * 24 * time.Hour
)

// Definition is one velocity counter, as a rule file declares it. Rules read its answer as velocity.NAME.
type Definition struct {
	Name      string
	By        string   // the field whose values are counted apart, such as card.fingerprint; always within a tenant
	Kinds     []string // of events that count
	Aggregate Aggregate
	Of        string          // the field whose values Distinct tells apart; "" otherwise
	Currency  ledger.Currency // of Sum and Max: amounts in others are converted by the rate table; "" otherwise
	Window    time.Duration
	// Reserve counts an attempt as approved until its outcome is known, so that attempts at the same time cannot pass a
	// limit together.
	Reserve bool
}
