package payouts

import (
	"fmt"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// Evolve folds one event into the payout (nil before its first event) and returns it. It changes p in place; Clone keeps the
// state before. Status of the event is not read: Check compares it. An error means that the event is not one that Decide gives
// for this state, and p must not be used any more.
func Evolve(p *Payout, e *topics.PayoutEvent) (*Payout, error) {
	switch e.Type {
	case topics.PayoutCommandRefused, topics.PayoutDeadLettered:
		return p, nil
	case topics.PayoutCaseOpened:
		if p == nil {
			return nil, nil
		}
	case topics.PayoutCreated, topics.PayoutBlocked:
		if p != nil {
			return nil, fmt.Errorf("event %s: payout %s is created a second time", e.EventID, e.PayoutID)
		}
		return open(e)
	default:
		if p == nil {
			return nil, fmt.Errorf("event %s: %s of payout %s, which is not created", e.EventID, e.Type, e.PayoutID)
		}
	}
	if err := p.apply(e); err != nil {
		return nil, fmt.Errorf("event %s: %s of payout %s: %w", e.EventID, e.Type, e.PayoutID, err)
	}
	p.stamp(e)
	return p, nil
}

func open(e *topics.PayoutEvent) (*Payout, error) {
	id, err := topics.ParsePayoutID(e.PayoutID)
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", e.EventID, err)
	}
	if e.Created == nil || e.Amount <= 0 {
		return nil, fmt.Errorf("event %s: %s without its data and amount", e.EventID, e.Type)
	}
	p := &Payout{
		ID: id, Tenant: e.Tenant, Customer: e.CustomerID, Region: e.Region, Currency: ledger.Currency(e.Currency), Amount: e.Amount,
		Place: PlaceHold, Data: *e.Created, Outcome: e.Outcome, Reasons: e.Reasons, RequestedBy: e.RequestedBy, CreatedAt: e.At,
	}
	if e.Type == topics.PayoutBlocked {
		p.Mark, p.Place = blocked, PlaceCustomer
	}
	p.stamp(e)
	return p, nil
}

// stamp takes what any event may carry.
func (p *Payout) stamp(e *topics.PayoutEvent) {
	p.UpdatedAt = e.At
	if e.TraceID != "" {
		p.TraceID = e.TraceID
	}
	if e.Timer != nil {
		p.Timer = *e.Timer
	}
	if e.Detail != "" && e.Type != topics.PayoutCaseOpened {
		p.Detail = e.Detail
	}
}

func (p *Payout) apply(e *topics.PayoutEvent) error {
	switch e.Type {
	case topics.PayoutHeld:
		p.Mark, p.Outcome, p.Reasons, p.ExpiresAt = held, e.Outcome, e.Reasons, e.ExpiresAt
	case topics.PayoutReleased:
		p.Mark, p.ApprovedBy, p.Detail = "", e.ApprovedBy, ""
		if p.RequestedBy == "" {
			p.RequestedBy = e.RequestedBy
		}
	case topics.PayoutRejected:
		p.end(rejected)
	case topics.PayoutCancelled:
		p.end(cancelled)
	case topics.PayoutExpired:
		p.end(expired)
	case topics.PayoutSendRequested:
		return p.ask(e)
	case topics.PayoutCaseOpened:
		return p.opened(e)
	default:
		a := p.find(e.RequestID)
		if a == nil {
			return fmt.Errorf("there is no request %q", e.RequestID)
		}
		return p.answer(a, e)
	}
	return nil
}

func (p *Payout) end(mark topics.PayoutStatus) { p.Mark, p.Place = mark, PlaceCustomer }

func (p *Payout) ask(e *topics.PayoutEvent) error {
	if e.Request == nil {
		return fmt.Errorf("it says nothing of what is asked")
	}
	if a := p.open(); a != nil || p.Place != PlaceHold && p.Place != PlaceFlight {
		return fmt.Errorf("U3: its money is at %q, request open: %t", p.Place, a != nil)
	}
	p.Place = PlaceFlight
	if p.QueueUntil.IsZero() {
		p.QueueUntil = e.ExpiresAt
	}
	p.Attempts = append(p.Attempts, Attempt{Request: e.EventID, State: AttemptRequested, NotAfter: e.Request.NotAfter, AskedAt: e.At})
	return nil
}

func (p *Payout) opened(e *topics.PayoutEvent) error {
	p.Cases++
	if e.RequestID == "" {
		return nil
	}
	a := p.find(e.RequestID)
	if a == nil {
		return fmt.Errorf("there is no request %q", e.RequestID)
	}
	a.Cases = append(a.Cases, string(e.Refusal))
	if e.PSP != nil && a.Reference == "" && a.State == AttemptPaid {
		p.refer(a, e.PSP.PSPReference) // of what it was guessed to have, another took it
	}
	return nil
}

// refer takes the PSP's reference of an attempt. It is of one attempt: what another was guessed to have, that one loses. That of
// the deposit, which a gateway without an answer repeats, is of none.
func (p *Payout) refer(a *Attempt, reference string) {
	if to := p.Data.Destination; reference == "" || to != nil && reference == to.PSPReference {
		return
	}
	for i := range p.Attempts {
		if b := &p.Attempts[i]; b.Guessed && b.Reference == reference {
			b.Reference, b.Guessed = "", false
		}
	}
	a.Reference = reference
}

// answer takes what is known of an attempt.
func (p *Payout) answer(a *Attempt, e *topics.PayoutEvent) error {
	if e.Type == topics.PayoutPollRequested {
		a.Polls++
		a.AskedAt = e.At
		return nil
	}
	if e.PSP != nil {
		p.refer(a, e.PSP.PSPReference)
	}
	var state AttemptState
	switch e.Type {
	case topics.PayoutSubmitted:
		state = AttemptPending
	case topics.PayoutOutcomeUnknown:
		state = AttemptUnknown
	case topics.PayoutPaid:
		if a.State == AttemptPaid || a.State == AttemptReturned {
			return fmt.Errorf("U2: the request is %s", a.State)
		}
		state, a.Guessed = AttemptPaid, e.Guessed
		if p.Place == PlacePaid {
			p.Excess += p.Amount
		}
		p.Place, p.Detail = PlacePaid, ""
	case topics.PayoutReturned:
		if a.State != AttemptPaid {
			return fmt.Errorf("U2: the request is %s", a.State)
		}
		state, a.Reversed = AttemptReturned, false
		if p.Excess > 0 {
			p.Excess -= p.Amount
		} else {
			p.end(returned)
		}
	case topics.PayoutFailed, topics.PayoutQueued:
		if !a.State.Open() || p.Place != PlaceFlight {
			return fmt.Errorf("the request is %s, its money at %q", a.State, p.Place)
		}
		state = AttemptFailed
		p.RetryAt = e.RetryAt
		if e.Type == topics.PayoutFailed {
			p.end(failed)
		}
	case topics.PayoutRequestFailed:
		switch reversed := e.PSP != nil && e.PSP.Reversed; {
		case reversed && a.State == AttemptPaid:
			if p.open() == nil {
				return fmt.Errorf("it came back, and nothing else is open")
			}
			state, a.Reversed = AttemptPaid, true
		case reversed:
			state = AttemptReturned
		default:
			state = AttemptFailed
		}
	default:
		return fmt.Errorf("unknown event type %q", e.Type)
	}
	if e.PSP != nil && (e.Type == topics.PayoutFailed || e.Type == topics.PayoutQueued) {
		p.DeclineCode = e.PSP.DeclineCode
	}
	a.State, a.AskedAt = state, e.At
	return nil
}
