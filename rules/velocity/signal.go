package velocity

import "github.com/weirhq/weir/ledger"

// Key names one value of one dimension of one tenant: the first 128 bits of SHA-256 over the three, each after its
// length. Velocity never sees the values themselves.
type Key [16]byte

// Role says which input an Origin's position belongs to.
type Role uint8

const (
	RoleAttempts Role = 1 // payments.commands.v1, by way of risk: answered
	RoleOutcomes Role = 2 // payments.events.v1, by way of risk: not answered
	RoleCustom   Role = 3 // customer.events.v1, by way of risk: answered where they ask
	RoleCases    Role = 4 // what customer events say of payments, and payouts that were paid, by way of risk.outcomes.v1: not answered
	RoleWallets  Role = 5 // wallet.commands.v1, by way of risk: answered where they ask
	RolePayouts  Role = 6 // payouts.commands.v1, by way of risk: answered where they ask
)

// Origin is the record that a signal was made from. Signals of one role and partition come in the order of their
// offsets; one whose offset is not above the last is a repeat.
type Origin struct {
	Role      Role
	Partition int32
	Offset    int64
}

// Signal is one record of risk.signals.v1: what happened, for the dimension values that the target partition owns, and
// what is asked about them. It carries its questions, so that velocity needs no rule set and a reload of rules takes
// effect with the next signal.
type Signal struct {
	Origin  Origin
	Command uint64 // hash of tenant and command id; a command never counts itself
	Tenant  string
	Time    int64 // event time in milliseconds since 1970, as given; velocity clamps it
	// Kind of event to record; "" where there is nothing to record but a reservation to release.
	Kind string
	// Settles releases the reservation of the same command, because its outcome is known.
	Settles    bool
	Dimensions []Dimension
}

// Dimension is one value that a signal is counted under.
type Dimension struct {
	Field string // Definition.By
	Key   Key
	// Record adds the event to what is held; without it the dimension is only asked.
	Record bool
	// Reserve adds the event as approved until a signal of the same command settles it.
	Reserve  bool
	Amounts  []Amount // one for each currency in which definitions of the dimension add up
	Distinct []Value  // of the fields that definitions of the dimension tell apart
	Queries  []Query
}

// Amount is the event's amount in one of the currencies in which it is added up.
type Amount struct {
	Currency ledger.Currency
	Minor    int64 // not negative
	// Unknown says that there is no rate for the day, or that the amount is not said: sums over the event have no answer.
	Unknown bool
}

// Value is a field's value, as far as velocity sees it.
type Value struct {
	Field string // Definition.Of
	Hash  ValueHash
}

// ValueHash is the first 128 bits of SHA-256 over a value, after its length.
type ValueHash [16]byte

// Query is one question about one dimension value.
type Query struct {
	ID        uint64 // hash of the definition without its name; the answer carries it
	Kinds     []string
	Aggregate Aggregate
	Of        string
	Currency  ledger.Currency
	Window    int64 // milliseconds
	Reserve   bool
}

// Retain is what a tenant's rules record from now on: what else was recorded of the tenant is ended, so that it counts
// as new when it is asked for again. It is written to every partition of risk.signals.v1 when a rule set comes into
// force, and at the start of a process; a repeated one changes nothing.
type Retain struct {
	Tenant string
	// Version orders rule sets: when the process took its own into force, in milliseconds since 1970. One below the last is
	// ignored, as it comes from a process that is behind; one above the record's time is taken as that.
	Version    int64
	Dimensions []Retained
}

// Retained is one dimension of Retain.
type Retained struct {
	Field      string
	Kinds      []string
	Reserve    bool // attempts count as approved until their outcome is known
	Of         []string
	Currencies []ledger.Currency
	Window     int64 // the longest, in milliseconds
}

// Reply is one record of risk.features.v1: the answers to one signal.
type Reply struct {
	Origin  Origin
	Command uint64
	// Lost says that the signal is a repeat from before what the reply cache holds: there are no answers.
	Lost    bool
	Answers []Answer
}

// Answer is the answer to one Query.
type Answer struct {
	ID    uint64
	Value int64
	// Approximate: on a key with very many events the value may be too high by those of one sub-bucket at the far end of
	// the window. It is never too low.
	Approximate bool
	// Unknown: there is no value. An amount in the window has no rate or is not said, or what is asked is not recorded: its dimension, a
	// kind, the currency, the distinct field, or as long a window.
	Unknown bool
	// WarmingUntil is the time from which the answer is complete, in milliseconds since 1970; 0 where it is.
	WarmingUntil int64
}
