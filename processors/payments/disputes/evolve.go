package disputes

import (
	"fmt"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// Evolve folds one event into the dispute (nil before its first event) and returns it. It changes p in place; Clone keeps the
// state before. Status, stage and totals of the event are not read: Check compares them. An error means that the event is not
// one that Decide gives for this state, and p must not be used any more.
func Evolve(p *Dispute, e *topics.DisputeEvent) (*Dispute, error) {
	switch e.Type {
	case topics.DisputeCommandRefused, topics.DisputeDeadLettered:
		return p, nil
	case topics.DisputeCaseOpened:
		if p == nil {
			return nil, nil
		}
	case topics.DisputeOpened:
		if p != nil {
			return nil, fmt.Errorf("event %s: dispute %s is opened a second time", e.EventID, e.DisputeID)
		}
		return open(e)
	default:
		if p == nil {
			return nil, fmt.Errorf("event %s: %s of dispute %s, which is not opened", e.EventID, e.Type, e.DisputeID)
		}
	}
	if err := p.apply(e); err != nil {
		return nil, fmt.Errorf("event %s: %s of dispute %s: %w", e.EventID, e.Type, e.DisputeID, err)
	}
	p.stamp(e)
	return p, nil
}

func open(e *topics.DisputeEvent) (*Dispute, error) {
	id, err := topics.ParseDisputeID(e.DisputeID)
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", e.EventID, err)
	}
	if e.Opened == nil || e.Stage == "" {
		return nil, fmt.Errorf("event %s: opened without its data and stage", e.EventID)
	}
	p := &Dispute{
		ID: id, Tenant: e.Tenant, Customer: e.CustomerID, Region: e.Region, Payment: e.PaymentID, Currency: ledger.Currency(e.Currency),
		PSP: e.Opened.PSP, Reference: e.Opened.Reference, Stage: e.Stage, OpenedAt: e.At,
	}
	p.describe(e)
	p.stamp(e)
	return p, nil
}

// describe takes what a notice tells.
func (p *Dispute) describe(e *topics.DisputeEvent) {
	p.Amount = e.Amount
	if e.Reason != "" {
		p.Reason = e.Reason
	}
	if e.Category != "" {
		p.Category = e.Category
	}
	p.due(e)
	p.occurred(e)
}

// due takes until when evidence is wanted. Where that was over and is not, an answer is wanted again.
func (p *Dispute) due(e *topics.DisputeEvent) {
	if e.EvidenceDue.IsZero() || e.EvidenceDue.Equal(p.EvidenceDue) {
		return
	}
	p.EvidenceDue, p.DueToldAt, p.Reminded = e.EvidenceDue, e.At, false
	if p.Mark == markOverdue && e.EvidenceDue.After(e.At) {
		p.Mark = markNone
	}
}

func (p *Dispute) occurred(e *topics.DisputeEvent) {
	if e.OccurredAt.After(p.FactAt) {
		p.FactAt = e.OccurredAt
	}
}

// stamp takes what any event may carry.
func (p *Dispute) stamp(e *topics.DisputeEvent) {
	p.UpdatedAt = e.At
	if e.TraceID != "" {
		p.TraceID = e.TraceID
	}
	if e.Timer != nil {
		p.Timer = *e.Timer
	}
	if p.Amount > 0 {
		p.Exposed = 0
	} else if e.Exposed > 0 {
		p.Exposed = e.Exposed
	}
	if e.Detail != "" && e.Type != topics.DisputeCaseOpened {
		p.Detail = e.Detail
	}
}

func (p *Dispute) apply(e *topics.DisputeEvent) error {
	switch e.Type {
	case topics.DisputeUpdated:
		p.describe(e)
	case topics.DisputeChargedBack:
		p.Stage = topics.StageChargeback
		p.again(e)
		p.describe(e)
	case topics.DisputePreArbitration:
		p.Stage = topics.StagePreArbitration
		p.again(e)
	case topics.DisputeArbitration:
		p.Stage = topics.StageArbitration
		if !p.late(e.OccurredAt) {
			p.ClosedAt = time.Time{}
			p.become(markUnderReview, e)
		}
	case topics.DisputeWon:
		p.become(markWon, e)
	case topics.DisputeLost:
		p.become(markLost, e)
	case topics.DisputeClosed:
		p.close(e)
	case topics.DisputeEvidenceReminder:
		p.Reminded = true
	case topics.DisputeEvidenceOverdue:
		p.Mark = markOverdue
	case topics.DisputeFundsWithdrawn:
		p.Totals.Withdrawn += e.Amount
		if p.Amount == 0 { // at least
			p.Amount = e.Amount
		}
		p.moved(topics.FactFundsWithdrawn, e)
	case topics.DisputeFundsReinstated:
		p.Totals.Reinstated += e.Amount
		p.moved(topics.FactFundsReinstated, e)
	case topics.DisputeFeeCharged:
		p.Totals.Fees += e.Amount
		p.moved(topics.FactFee, e)
	case topics.DisputeFeeReturned:
		p.Totals.FeesReturned += e.Amount
		p.moved(topics.FactFeeReturned, e)
	case topics.DisputeCaseOpened:
		p.Cases = append(p.Cases, string(e.Refusal))
	default:
		return p.ask(e)
	}
	return nil
}

func (p *Dispute) moved(fact topics.DisputeFact, e *topics.DisputeEvent) {
	p.Movements = append(p.Movements, Movement{fact, e.Movement})
}

// become takes what the PSP made of the dispute. A request that is open matters no more.
func (p *Dispute) become(mark Mark, e *topics.DisputeEvent) {
	p.Mark, p.Detail = mark, ""
	if p.Asked.Open() {
		p.Asked.State = AskedOvertaken
	}
	p.occurred(e)
}

// late says that what occurred then occurred before what made the status what it is.
func (p *Dispute) late(occurred time.Time) bool {
	return !occurred.IsZero() && occurred.Before(p.FactAt)
}

// again wants an answer anew, by the time that the event says, if any; not where it came late.
func (p *Dispute) again(e *topics.DisputeEvent) {
	if p.late(e.OccurredAt) {
		return
	}
	p.become(markNone, e)
	p.ClosedAt = time.Time{}
	p.EvidenceDue, p.DueToldAt, p.Reminded = e.EvidenceDue, e.At, false
}

// close ends the dispute. One that was given up stays so: the PSP is yet to take the money, if it did not. It is no result, and
// makes none that is told after it late.
func (p *Dispute) close(e *topics.DisputeEvent) {
	p.ClosedAt = e.At
	if p.Mark != markWon && p.Mark != markLost && p.Mark != markAccepted {
		p.Mark, p.Detail = markClosed, ""
	}
	if p.Asked.Open() {
		p.Asked.State = AskedOvertaken
	}
}

func (p *Dispute) ask(e *topics.DisputeEvent) error {
	kind := topics.OperationDisputeEvidence
	switch e.Type {
	case topics.DisputeAcceptanceRequested:
		kind = topics.OperationDisputeAccept
	case topics.DisputeEvidenceRequested:
		p.Evidence = e.Evidence
	default:
		return p.answer(e)
	}
	if e.Request == nil || p.Asked.Open() {
		return fmt.Errorf("D3: it says nothing of what is asked, or a request is open: %t", p.Asked.Open())
	}
	p.Asked = &Asked{Request: e.EventID, Kind: kind, State: AskedRequested, NotAfter: e.Request.NotAfter, AskedAt: e.At}
	p.Requests++
	p.RequestedBy, p.Detail = e.RequestedBy, ""
	return nil
}

// answer takes what is known of the latest request.
func (p *Dispute) answer(e *topics.DisputeEvent) error {
	a := p.Asked
	if e.Type == topics.DisputeEvidenceSubmitted && e.RequestID == "" { // sent by others
		p.become(markUnderReview, e)
		return nil
	}
	if a == nil || a.Request != e.RequestID {
		return fmt.Errorf("there is no request %q", e.RequestID)
	}
	a.AskedAt = e.At
	switch e.Type {
	case topics.DisputePollRequested:
		a.Polls++
	case topics.DisputeOutcomeUnknown:
		a.State = AskedUnknown
	case topics.DisputeRequestFailed:
		a.State = AskedFailed
		if p.Mark == markNone && !p.EvidenceDue.IsZero() && !p.EvidenceDue.After(e.At) {
			p.Mark = markOverdue
		}
	case topics.DisputeEvidenceSubmitted:
		a.State = AskedDone
		p.become(markUnderReview, e)
	case topics.DisputeAccepted:
		a.State = AskedDone
		p.become(markAccepted, e)
	default:
		return fmt.Errorf("unknown event type %q", e.Type)
	}
	return nil
}
