package payouts

import (
	"fmt"
	"time"

	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/topics"
)

// Input is one record of the inbox: exactly one of Command, Report and Timer is set.
type Input struct {
	Partition int32
	Position  int64
	Command   *topics.AssessedPayoutCommand
	Report    *topics.PSPReport
	Timer     *topics.TimerDue
}

// State is what an input may read of the customer beside the payout. Only a create command reads it.
type State struct {
	Wallet  *wallets.Wallet
	Sources *Sources
	Balance topics.WalletBalance // in the command's currency
}

// decision is one call of Decide. p is a working copy that each emitted event is folded into at once.
type decision struct {
	State
	in     *Input
	now    time.Time
	limits *Limits
	id     topics.PayoutID // that a create command opens
	p      *Payout
	step   *Step
	a      *Attempt // that the report speaks of, as it was before; nil where there is none
	guess  bool     // the report does not say that it is of a
	failed string   // the decline code of an attempt that a poll proved not performed
	events []topics.PayoutEvent
}

// Decide says what an input means for a payout (nil where there is none of that id). It returns no event where the input tells
// nothing new. id is that of the payout that a create command opens; now is the record's time; p is not changed.
//
// The caller has dropped repeated command ids and report ids, and sets the balance after each event that it books.
func Decide(id topics.PayoutID, p *Payout, s State, in *Input, now time.Time, limits *Limits) []topics.PayoutEvent {
	d := decision{State: s, in: in, now: now.UTC().Truncate(time.Millisecond), limits: limits, id: id, p: p.Clone()}
	switch {
	case in.Command != nil:
		d.command(&in.Command.Command)
	case in.Report != nil:
		d.report(in.Report)
	case in.Timer != nil:
		d.timer(in.Timer)
	}
	d.arm()
	for i := range len(d.events) - 1 {
		d.events[i].More = true
	}
	return d.events
}

// find looks the table up.
func (d *decision) find(source TriggerSource, what string, outcome topics.PSPOutcome) bool {
	status := none
	if d.p != nil {
		status = d.p.Status()
	}
	d.step = steps[lookup{Trigger{source, what, outcome}, status}]
	return d.step != nil
}

// emit adds an event, folds it and completes it with what the fold gives.
func (d *decision) emit(e topics.PayoutEvent) {
	e.EventID = topics.EventID{Partition: d.in.Partition, Position: d.in.Position, Index: int16(len(d.events))}.String()
	e.At = d.now
	if d.p != nil {
		e.Tenant, e.Region, e.CustomerID, e.PayoutID, e.Currency = d.p.Tenant, d.p.Region, d.p.Customer, d.p.ID.String(), string(d.p.Currency)
		if e.Amount == 0 {
			e.Amount = d.p.Amount
		}
	}
	switch {
	case d.in.Command != nil:
		c := &d.in.Command.Command
		e.CommandID, e.TraceID, e.RequestedBy, e.ApprovedBy = c.CommandID, c.TraceID, c.RequestedBy, c.ApprovedBy
	case d.in.Report != nil:
		e.TraceID = d.in.Report.TraceID
	}
	if e.TraceID == "" && d.p != nil {
		e.TraceID = d.p.TraceID
	}
	p, err := Evolve(d.p, &e)
	if err != nil {
		panic(fmt.Sprintf("payouts: Decide gave an event that Evolve refuses: %v", err))
	}
	d.p = p
	if p != nil {
		e.Status = p.Status()
	}
	d.events = append(d.events, e)
}

// openCase tells of a fact that needs a person. A case of the same kind on the same attempt is opened once.
func (d *decision) openCase(code topics.RefusalCode, amount int64, format string, args ...any) {
	e := topics.PayoutEvent{Type: topics.PayoutCaseOpened, Refusal: code, Amount: amount, Detail: fmt.Sprintf(format, args...)}
	if d.p != nil && d.p.Cases >= d.limits.Cases {
		return
	}
	if d.a != nil {
		if d.p.find(d.a.Request).had(code) {
			return
		}
		e.RequestID = d.a.Request
	}
	if r := d.in.Report; r != nil {
		e.PSP = d.said()
		if d.p == nil {
			e.Tenant, e.Region, e.CustomerID, e.PayoutID, e.Currency = r.Tenant, r.Region, r.CustomerID, r.PaymentID, r.Currency
		}
	}
	d.emit(e)
}

// arm gives the payout the timer that it needs now, if that is another than it holds, with the last event.
func (d *decision) arm() {
	if len(d.events) == 0 || d.p == nil {
		return
	}
	last := &d.events[len(d.events)-1]
	if last.Type == topics.PayoutCommandRefused {
		return
	}
	kind, due := d.p.nextTimer(d.limits)
	if kind == d.p.Timer.Kind && due.Equal(d.p.Timer.Due) {
		return
	}
	last.Timer = &topics.TimerChange{Kind: kind, Due: due, Generation: d.p.Timer.Generation + 1}
}

// nextTimer is the timer that the payout needs; kind is "" where it needs none.
func (p *Payout) nextTimer(limits *Limits) (kind topics.TimerKind, due time.Time) {
	switch p.Status() {
	case held:
		return topics.TimerPayoutExpire, p.ExpiresAt
	case queued:
		return topics.TimerPayoutRetry, p.RetryAt
	}
	if a := p.open(); a != nil {
		if due = limits.pollDue(a); !due.IsZero() {
			return topics.TimerPayoutPoll, due
		}
	}
	return "", time.Time{}
}

// timer decides on a timer that has run out. One that the payout no longer holds is ignored: the generation tells.
func (d *decision) timer(t *topics.TimerDue) {
	if d.p == nil || t.Tenant != d.p.Tenant || t.Generation != d.p.Timer.Generation || t.Kind != d.p.Timer.Kind {
		return
	}
	// The record's clock may be a little behind the one that found the timer due.
	if d.now.Before(d.p.Timer.Due) {
		d.now = d.p.Timer.Due
	}
	if d.find(FromTimer, string(t.Kind), "") {
		d.step.do(d)
	}
}

func (d *decision) expire() {
	d.emit(topics.PayoutEvent{Type: topics.PayoutExpired, Detail: "nobody approved it in time"})
}

func (d *decision) retry() { d.send() }

// poll asks what became of the open attempt.
func (d *decision) poll() {
	a := d.p.open()
	if a == nil {
		return
	}
	was := *a
	d.a = &was
	d.emit(topics.PayoutEvent{Type: topics.PayoutPollRequested, RequestID: was.Request})
	if was.Polls+1 == d.limits.PollLimit {
		d.openCase(topics.RefusedOutcomeUnknown, d.p.Amount, "the outcome of the payout is not known after %d polls", d.limits.PollLimit)
	}
}

// send asks the PSP. The one request that was made before, if any, was provably not performed.
func (d *decision) send() {
	e := topics.PayoutEvent{
		Type: topics.PayoutSendRequested, Request: &topics.PayoutAsked{PSP: d.p.psp(), NotAfter: d.now.Add(d.limits.FollowWithin)},
	}
	if d.p.QueueUntil.IsZero() {
		e.ExpiresAt = d.now.Add(d.limits.QueueFor)
	}
	d.emit(e)
}
