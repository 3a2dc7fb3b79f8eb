package rules

import (
	"time"

	"github.com/weirhq/weir/topics"
)

// Input is what a decision reads: a payment's command, a payout command, a wallet command, a customer event, or what an issuer answered. It
// says by that of which stage the rules are.
type Input struct {
	// Command of a payment. Beside Authorization it is what is kept of the one that created the payment.
	Command       *topics.Command
	Authorization *topics.Authorization
	Wallet        *topics.WalletCommand
	Payout        *topics.PayoutCommand
	Event         *topics.CustomerEvent
	// Enrichment is what data files said of the command; nil: nothing, and the fields that it fills are missing.
	Enrichment *topics.Enrichment
	// Features are the velocity answers by name; a name that is not there is missing.
	Features map[string]topics.Feature
	// Answers, where it is not nil, are the same in the order of Set.Velocity, in the place of Features: for a caller that
	// replays history, to whom a map for each event is dear.
	Answers []topics.Feature
	// Edits are how editable lists were edited; nil: they are as in their files.
	Edits *Edits
	// Score is what rules made of the input, for conditions that are no rules.
	Score Score
	// Now is the time of the command's record. The zero time is before every expiry of a list's entry.
	Now time.Time
	// Tripped are the rules that a Breaker has put in the shadow, as in Decision.Tripped.
	Tripped []string

	everyone bool // inline tests: rules are rolled out to all customers
}

// Score is what rules made of an input. Known is false where none were evaluated.
type Score struct {
	Known   bool
	Value   int64
	Outcome topics.Outcome
}

// InputOfReview is what is read of a request to look at an authorisation.
func InputOfReview(r *topics.ReviewRequest, now time.Time) Input {
	return Input{Command: &r.Command, Authorization: &r.Authorization, Enrichment: r.Before.Enrichment, Features: r.Before.Features, Now: now}
}

// id is that of the command or of the event.
func (in *Input) id() string {
	switch {
	case in.Wallet != nil:
		return in.Wallet.CommandID
	case in.Payout != nil:
		return in.Payout.CommandID
	case in.Event != nil:
		return in.Event.EventID
	}
	return in.Command.CommandID
}

func (in *Input) tenant() string {
	switch {
	case in.Wallet != nil:
		return in.Wallet.Tenant
	case in.Payout != nil:
		return in.Payout.Tenant
	case in.Event != nil:
		return in.Event.Tenant
	}
	return in.Command.Tenant
}

func (in *Input) region() string {
	switch {
	case in.Wallet != nil:
		return in.Wallet.Region
	case in.Payout != nil:
		return in.Payout.Region
	case in.Event != nil:
		return in.Event.Region
	}
	return in.Command.Region
}

func (in *Input) customer() string {
	switch {
	case in.Wallet != nil:
		return in.Wallet.CustomerID
	case in.Payout != nil:
		return in.Payout.CustomerID
	case in.Event != nil:
		return in.Event.CustomerID
	}
	return in.Command.CustomerID
}

// card is what is known of a card; nil where nothing is.
func (in *Input) card() *topics.Card {
	switch {
	case in.Command != nil:
		return in.Command.Card
	case in.Payout != nil:
		return in.Payout.Card
	case in.Event != nil:
		return in.Event.Card
	}
	return nil
}

// context is what is known of the circumstances; nil where nothing is.
func (in *Input) context() *topics.Context {
	switch {
	case in.Command != nil:
		return in.Command.Context
	case in.Payout != nil:
		return in.Payout.Context
	case in.Event != nil:
		return in.Event.Context
	}
	return nil
}
