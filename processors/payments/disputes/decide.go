package disputes

import (
	"fmt"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// Input is one record of the inbox: exactly one of Command, Report and Timer is set.
type Input struct {
	Partition int32
	Position  int64
	Command   *topics.AssessedDisputeCommand
	Report    *topics.PSPReport
	Timer     *topics.TimerDue
}

// decision is one call of Decide. p is a working copy that each emitted event is folded into at once.
type decision struct {
	in      *Input
	now     time.Time
	limits  *Limits
	id      topics.DisputeID // that a report opens
	payment *lifecycle.Payment
	p       *Dispute
	step    *Step
	failed  string // the decline code of a request that a poll proved not performed
	events  []topics.DisputeEvent
}

// Decide says what an input means for a dispute (nil where there is none of that id). It returns no event where the input tells
// nothing new. id is that of the dispute that a report names, payment the payment that the report is about, nil where there is
// none; now is the record's time; neither p nor payment is changed.
//
// The caller has dropped repeated command ids and report ids, and sets the balance after each event that it books.
func Decide(id topics.DisputeID, p *Dispute, payment *lifecycle.Payment, in *Input, now time.Time, limits *Limits) []topics.DisputeEvent {
	d := decision{in: in, now: now.UTC().Truncate(time.Millisecond), limits: limits, id: id, payment: payment, p: p.Clone()}
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
func (d *decision) emit(e topics.DisputeEvent) {
	e.EventID = topics.EventID{Partition: d.in.Partition, Position: d.in.Position, Index: int16(len(d.events))}.String()
	e.At = d.now
	if d.p != nil {
		e.Tenant, e.Region, e.CustomerID, e.DisputeID, e.PaymentID = d.p.Tenant, d.p.Region, d.p.Customer, d.p.ID.String(), d.p.Payment
		e.Currency = string(d.p.Currency)
		if e.Amount == 0 {
			e.Amount = d.p.Amount
		}
	}
	switch {
	case d.in.Command != nil:
		c := &d.in.Command.Command
		e.CommandID, e.TraceID, e.RequestedBy = c.CommandID, c.TraceID, c.RequestedBy
	case d.in.Report != nil:
		e.TraceID = d.in.Report.TraceID
	}
	if e.TraceID == "" && d.p != nil {
		e.TraceID = d.p.TraceID
	}
	e.Exposed = d.exposed(&e)
	p, err := Evolve(d.p, &e)
	if err != nil {
		panic(fmt.Sprintf("disputes: Decide gave an event that Evolve refuses: %v", err))
	}
	d.p = p
	if p != nil {
		e.Status, e.Stage = p.Status(), p.Stage
		if Moves(&e) {
			totals := p.Totals
			e.Totals = &totals
		}
	}
	d.events = append(d.events, e)
}

// exposed is what the payment has captured and may still capture, where nobody knows how much of it is disputed and the dispute does
// not have it: no later capture changes what no refund may take.
func (d *decision) exposed(e *topics.DisputeEvent) int64 {
	if d.in.Report == nil || d.payment == nil {
		return 0
	}
	most := d.payment.CapturesAtMost()
	if d.p == nil && (e.Opened == nil || e.Amount > 0) || d.p != nil && (d.p.Amount > 0 || d.p.Exposed == most) {
		return 0
	}
	return most
}

// openCase tells of a fact that needs a person.
func (d *decision) openCase(code topics.RefusalCode, amount int64, format string, args ...any) {
	if d.p != nil && len(d.p.Cases) >= d.limits.Cases {
		return
	}
	e := topics.DisputeEvent{Type: topics.DisputeCaseOpened, Refusal: code, Amount: amount, Detail: fmt.Sprintf(format, args...)}
	if r := d.in.Report; r != nil {
		e.PSP = d.said()
		if d.payment == nil {
			e.PSP.ReportID = "" // it is not remembered: the payment may come yet, and the same report again
		}
		if d.p == nil {
			e.Tenant, e.Region, e.CustomerID, e.PaymentID, e.Currency = r.Tenant, r.Region, r.CustomerID, r.PaymentID, r.Currency
			if d.payment != nil && e.CustomerID == "" && r.Tenant == d.payment.Tenant {
				e.CustomerID = d.payment.Customer
			}
		}
	}
	d.emit(e)
}

// arm gives the dispute the timer that it needs now, if that is another than it holds, with the last event.
func (d *decision) arm() {
	if len(d.events) == 0 || d.p == nil {
		return
	}
	last := &d.events[len(d.events)-1]
	if last.Type == topics.DisputeCommandRefused {
		return
	}
	kind, due := d.p.nextTimer(d.limits)
	if kind == d.p.Timer.Kind && due.Equal(d.p.Timer.Due) {
		return
	}
	last.Timer = &topics.TimerChange{Kind: kind, Due: due, Generation: d.p.Timer.Generation + 1}
}

// nextTimer is the timer that the dispute needs; kind is "" where it needs none.
func (p *Dispute) nextTimer(limits *Limits) (kind topics.TimerKind, due time.Time) {
	switch p.Status() {
	case submitting, accepting:
		if due = limits.pollDue(p.Asked); !due.IsZero() {
			return topics.TimerDisputePoll, due
		}
	case needsResponse:
		if p.EvidenceDue.IsZero() {
			break
		}
		if remind := p.EvidenceDue.Add(-limits.Remind); !p.Reminded && remind.After(p.DueToldAt) {
			return topics.TimerDisputeRemind, remind
		}
		return topics.TimerDisputeDue, p.EvidenceDue
	}
	return "", time.Time{}
}

// timer decides on a timer that has run out. One that the dispute no longer holds is ignored: the generation tells.
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

func (d *decision) remind() {
	d.emit(topics.DisputeEvent{
		Type: topics.DisputeEvidenceReminder, EvidenceDue: d.p.EvidenceDue,
		Detail: "evidence is due at " + d.p.EvidenceDue.UTC().Format(time.RFC3339) + ", and none was sent",
	})
}

func (d *decision) overdue() {
	d.emit(topics.DisputeEvent{
		Type: topics.DisputeEvidenceOverdue, EvidenceDue: d.p.EvidenceDue,
		Detail: "evidence was due at " + d.p.EvidenceDue.UTC().Format(time.RFC3339) + ": the PSP will likely say that it is lost",
	})
}

// poll asks what became of the open request.
func (d *decision) poll() {
	d.emit(topics.DisputeEvent{Type: topics.DisputePollRequested, RequestID: d.p.Asked.Request})
	if d.p.Asked.Polls == d.limits.PollLimit {
		d.openCase(topics.RefusedOutcomeUnknown, 0, "what became of %s is not known after %d polls: look at the PSP", d.p.Asked.Kind, d.limits.PollLimit)
	}
}

// Money is an amount of the dispute, for people.
func (p *Dispute) Money(minor int64) ledger.Money {
	return ledger.Money{Minor: minor, Currency: p.Currency}
}

func (d *decision) nothing() {}
