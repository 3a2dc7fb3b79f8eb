package topics

import "time"

// GamingKind is what a responsible-gaming limit bounds.
type GamingKind string

const (
	GamingDeposit GamingKind = "deposit" // what is paid in; refunds and payouts give nothing back
	GamingLoss    GamingKind = "loss"    // stakes less wins
	GamingSession GamingKind = "session" // playing time, in seconds
)

// GamingPeriod is a period of the calendar in the brand's time zone.
type GamingPeriod string

const (
	GamingDay   GamingPeriod = "day"
	GamingWeek  GamingPeriod = "week" // from Monday
	GamingMonth GamingPeriod = "month"
)

// GamingSetter is who set a limit. The strictest of theirs binds.
type GamingSetter string

const (
	SetByBrand    GamingSetter = "brand" // in the rule files
	SetByCustomer GamingSetter = "customer"
	SetByOperator GamingSetter = "operator" // for one customer
)

// GamingTerms is what the rule set in force says of responsible-gaming limits for a command's tenant and region. It is
// there where the set has limits of a kind that the command counts for.
type GamingTerms struct {
	// Day is the date in the brand's time zone when the command was written ("2026-11-22"). It is the day that the command
	// counts in, unless it is more than a day off the inbox record's time.
	Day      string       `json:"day"`
	TimeZone string       `json:"time_zone,omitempty"` // IANA name; absent: UTC
	Limits   []GamingTerm `json:"limits,omitempty"`
}

// GamingTerm is one limit of the brand.
type GamingTerm struct {
	Kind   GamingKind   `json:"kind"`
	Period GamingPeriod `json:"period"`
	// Amounts, in minor units by currency, or Seconds of a session, bind every customer; a currency without an amount has
	// the limit zero. Neither is there where only customers have limits of their own.
	Amounts map[string]int64 `json:"amounts,omitempty"`
	Seconds int64            `json:"seconds,omitempty"`
	// RaiseAfter is how many seconds a customer waits for a limit of their own to be raised or removed.
	RaiseAfter int64   `json:"raise_after,omitempty"`
	Outcome    Outcome `json:"outcome,omitempty"` // of what is above Amounts or Seconds: block or hold
}

// GamingLimit is the limit of which least is left to a command. Limit, Used, Asked and Left are minor units of Currency, or
// seconds of a session.
type GamingLimit struct {
	Kind     GamingKind   `json:"kind"`
	Period   GamingPeriod `json:"period"`
	SetBy    GamingSetter `json:"set_by"`
	Currency string       `json:"currency,omitempty"`
	Limit    int64        `json:"limit"`
	Used     int64        `json:"used"` // in the period, without the command; below zero where more was won than lost
	Asked    int64        `json:"asked,omitempty"`
	Left     int64        `json:"left"` // without the command; never below zero
	// Outcome is block or hold where the command is above the limit, absent where it is not.
	Outcome Outcome `json:"outcome,omitempty"`
}

// Reason is the reason code of a command above the limit, such as deposit_limit_day.
func (l *GamingLimit) Reason() string { return string(l.Kind) + "_limit_" + string(l.Period) }

// GamingCount is what an event adds to what a customer's limits count of a day, or takes from it.
type GamingCount struct {
	Day     string `json:"day"`               // in the brand's time zone
	Amount  int64  `json:"amount,omitempty"`  // of a payment: deposited; of a wallet: lost. Minor units of the event's currency
	Seconds int64  `json:"seconds,omitempty"` // of playing time
	From    string `json:"from,omitempty"`    // the day that the amount was counted in before this event
}

// GamingSetting is a limit of one customer, as it stands after an event.
type GamingSetting struct {
	Kind     GamingKind   `json:"kind"`
	Period   GamingPeriod `json:"period"`
	SetBy    GamingSetter `json:"set_by"`
	Currency string       `json:"currency,omitempty"`
	Limit    int64        `json:"limit,omitempty"` // minor units, or seconds of a session; absent: there is none
	// Next is a raise or a removal that was asked for and waits; nil where none does.
	Next *GamingChange `json:"next,omitempty"`
}

// GamingChange is a change of a limit that is to come.
type GamingChange struct {
	Limit int64     `json:"limit,omitempty"` // absent: the limit is removed
	From  time.Time `json:"from"`
}
