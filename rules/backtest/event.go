package backtest

import (
	"time"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

// Event is something that happened: an attempt, a custom event such as a login, or what became of an earlier attempt.
type Event struct {
	Line int    // 0 where the history has no lines
	ID   string // of the payment, by which people know it
	Kind string // as velocity counts it
	Time time.Time
	// Input is what rules read, with the time of the record as Now; of an outcome only the command's id, tenant and amount.
	Input rules.Input
	Later []Outcome // of an attempt, in the order of the columns
	Fraud Label
	// Recorded is what was decided on an attempt then; nil where that is not known.
	Recorded *topics.Decision

	became bool // it is what became of an attempt
}

// Outcome is what became of an attempt; Kind is "" where the attempt has ended without being approved or declined.
type Outcome struct {
	Kind string
	Time time.Time
}

// Label tells whether an attempt was fraud.
type Label uint8

const (
	Unlabelled Label = iota
	Good
	Fraud
)

// Became makes an event what became of the attempt that has its command's id.
func (e *Event) Became(kind string) { e.Kind, e.became = kind, true }

// Attempt tells whether the event is one that rules decide on.
func (e *Event) Attempt() bool { return !e.became && e.Kind == velocity.KindAttempt }

// Outcome tells whether the event is what became of an earlier attempt.
func (e *Event) Outcome() bool { return e.became }
