package lifecycle

import (
	"cmp"
	"fmt"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/topics"
)

// An increment raises what is authorised, before anything is captured. It is an operation of its own at the PSP, whose amounts
// are those of the whole authorisation: to set it to an amount twice does no more than once. One at a time, and neither a
// capture nor a void beside it: each would have to be of an amount that is not known yet. What was authorised before is not
// kept waiting for ever: once polls have not told what became of an increment, as many as open a case, it is asked of without.

func (d *decision) increment() {
	for _, kind := range [...]topics.PSPOperation{topics.OperationIncrement, topics.OperationCapture, topics.OperationVoid} {
		if d.p.open(kind) != nil {
			d.refuse(topics.RefusedInProgress, isOpen(kind))
			return
		}
	}
	amount, left := d.in.Command.Command.Amount, d.p.Uncaptured()
	if d.p.Disputing > 0 { // perhaps of an amount that nobody knows: of what is raised, a refund would be let
		d.refuse(topics.RefusedDisputed, fmt.Sprintf("%s are in dispute: the authorisation is not raised before that is decided", d.p.money(d.p.Disputing)))
		return
	}
	if refusal := d.agreed(left + amount); refusal != nil {
		d.refuse(refusal.Code, refusal.Detail)
		return
	}
	if b := &d.in.Balance; amount > topics.MaxAmount-left || b.Available > topics.MaxBalance-left-amount || b.Held > topics.MaxBalance-left-amount-b.Available {
		d.refuse(topics.RefusedLimitExceeded, fmt.Sprintf("more than %d minor units would be authorised, or the customer would have more than %d", topics.MaxAmount, topics.MaxBalance))
		return
	}
	decision := &d.in.Command.Decision
	if refusal := decision.Refusal(""); refusal != nil { // no reviewer is asked: the customer is there, and may pay anew
		d.refuse(topics.RefusedBlocked, "a risk rule does not let the authorisation be raised", decision.Reasons...)
		return
	}
	if v := d.in.verdict(); v.limit != nil {
		d.refuse(topics.RefusedBlocked, v.detail, v.reasons...)
		return
	}
	counted := d.counting()
	if counted != nil {
		counted.Amount += amount
	}
	d.emit(topics.PaymentEvent{
		Type: topics.EventIncrementRequested, Amount: amount, Outcome: decision.Outcome, Reasons: decision.Reasons, Counted: counted,
		Request: &topics.RequestData{PSP: d.p.PSP, NotAfter: d.now.Add(d.limits.AuthorizeWithin), Total: left + amount},
	})
}

// agreed refuses a sum that is more than the payer has agreed to: by a payment link exactly its amount, by a mandate what that is
// for, as long as it stands.
func (d *decision) agreed(sum int64) *topics.Refusal {
	if d.p.Link != uuid.Nil {
		return &topics.Refusal{Code: topics.RefusedWrongState, Detail: fmt.Sprintf("the payment is by a payment link, which is for %s", d.p.money(d.p.Amount))}
	}
	if d.p.Recurring == nil {
		return nil
	}
	return d.allows(sum)
}

// incremented takes what the PSP has raised. Where that had failed, or comes once something was captured or released, or is to
// be, a person is told, and what nobody waits for any more is released.
func (d *decision) incremented() {
	failed := !d.op.State.Open()
	late := d.step.Late || d.p.open(topics.OperationCapture) != nil || d.p.open(topics.OperationVoid) != nil
	d.fact(topics.EventIncremented, d.op.Amount)
	switch {
	case late:
		d.openCase(topics.RefusedUnmatchedReport, d.op.Amount, "the PSP raised an authorisation of which something was captured or released, or is to be")
	case failed:
		d.openCase(topics.RefusedUnmatchedReport, d.op.Amount, "the PSP raised the authorisation, which had failed")
	}
	if d.p.over() {
		d.releaseRest(false)
	}
}

// over says that the authorisation was given up: what is left of it all the same is released.
func (p *Payment) over() bool {
	status := p.Status()
	return status == topics.StatusVoided || status == topics.StatusExpired
}

// releaseRest asks the PSP to release what is still authorised, unless what is open may be it.
func (d *decision) releaseRest(expiry bool) {
	if left := d.p.Uncaptured(); left > 0 && d.p.open(topics.OperationCapture) == nil && d.p.open(topics.OperationVoid) == nil {
		d.follow(topics.EventVoidRequested, left, topics.RequestData{Expiry: expiry})
	}
}

func (d *decision) incrementFailed() { d.fact(topics.EventIncrementFailed, d.op.Amount) }

// isOpen is what is told of a command that must wait for an operation.
func isOpen(kind topics.PSPOperation) string {
	article := "a"
	if kind == topics.OperationIncrement {
		article = "an"
	}
	return fmt.Sprintf("%s %s is open", article, kind)
}

func (p *Payment) increment(e *topics.PaymentEvent) error {
	p.Authorized += e.Amount
	op, err := p.named(e)
	if err != nil {
		return err
	}
	op.close(OperationSucceeded, e)
	return nil
}

// superseded says that another increment was asked for since this one had failed: the PSP means less than it says.
func (d *decision) superseded() bool {
	if d.op.Kind != topics.OperationIncrement {
		return false
	}
	for i := len(d.p.Operations) - 1; i >= 0; i-- {
		if op := &d.p.Operations[i]; op.Kind == topics.OperationIncrement {
			return op.Request != d.op.Request
		}
	}
	return false
}

// said is the amount by which the PSP speaks of an operation.
func (op *Operation) said() int64 { return cmp.Or(op.Total, op.Amount) }

// raising says that what is authorised is about to be raised, and is waited for.
func (p *Payment) raising(limits *Limits) bool {
	op := p.open(topics.OperationIncrement)
	return op != nil && op.Polls < limits.PollLimit
}

// busy is the operation beside which a capture or a void cannot be asked for, "" where there is none.
func (d *decision) busy(kinds ...topics.PSPOperation) topics.PSPOperation {
	for _, kind := range kinds {
		if d.p.open(kind) != nil {
			return kind
		}
	}
	if d.p.raising(d.limits) {
		return topics.OperationIncrement
	}
	return ""
}

// incrementing is by how much the authorisation may be about to be raised.
func (p *Payment) incrementing() int64 {
	if op := p.open(topics.OperationIncrement); op != nil {
		return op.Amount
	}
	return 0
}
