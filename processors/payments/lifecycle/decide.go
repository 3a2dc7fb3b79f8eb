package lifecycle

import (
	"fmt"
	"time"

	"github.com/weirhq/weir/topics"
)

// Input is one record of the inbox: exactly one of Command, Report, Timer and Review is set. Position names the record; the
// events take their ids from it.
type Input struct {
	Partition int32
	Position  int64
	Command   *topics.AssessedCommand
	Report    *topics.PSPReport
	Timer     *topics.TimerDue
	Review    *topics.AssessedAuthorization
	// Declined is the event by which a payment by this one's mandate was declined for good. Index is that of the first event: those
	// before it, which the same record has caused, are the other payment's.
	Declined *topics.PaymentEvent
	Index    int
	// Mandate is the payment that set up the mandate which a create command names, or which the payment is by.
	Mandate *Payment
	// Balance is what the customer has in the payment's currency. Only create, increment and refund commands read it.
	Balance topics.WalletBalance
	// Waits is what may still go back to the payment's card of all that the customer deposited with it: refunds and payouts took
	// the rest. Nil where that is not known. Only refund commands read it.
	Waits *int64
	// CountedDay is the day in which a create, authorize, approve or increment command, or the next attempt of a payment that
	// waited, counts for the customer's deposit limits, "" where none counts it, and Limit the limit of which least is left, nil where
	// none binds.
	CountedDay string
	Limit      *topics.GamingLimit
	// Link is why the payment link that a create command names takes no payment now; nil where it does, or none is named.
	Link *topics.Refusal
}

// decision is one call of Decide. p is a working copy that each emitted event is folded into at once, so that a later
// step of the same decision sees what the earlier ones did.
type decision struct {
	in      *Input
	now     time.Time
	limits  *Limits
	p       *Payment
	step    *Step
	op      *Operation // that the report speaks of, as it was before; nil where there is none
	unclear bool       // the report may be of the payment or of an attempt that was given up
	applies bool       // what came in parts is applied
	told    string     // what a case is of that is remembered by it, "" where its operation and code tell
	failed  string     // the decline code of an operation that a poll proved not performed
	id      string     // of the payment, as events spell it
	events  []topics.PaymentEvent
}

// Decide says what an input means for a payment (nil where there is none of that id). It returns no event where the
// input tells nothing new. now is the record's time; p is not changed.
//
// The caller has dropped repeated command ids and report ids. Everything else that repeats or comes late is told apart
// here.
func Decide(p *Payment, in Input, now time.Time, limits *Limits) []topics.PaymentEvent {
	d := decision{in: &in, now: now.UTC().Truncate(time.Millisecond), limits: limits, p: p.Clone()}
	switch {
	case in.Command != nil:
		d.command(&in.Command.Command)
	case in.Report != nil:
		d.report(in.Report)
	case in.Timer != nil:
		d.timer(in.Timer)
	case in.Review != nil:
		d.reviewed(in.Review)
	case in.Declined != nil:
		d.declinedLater(in.Declined)
	}
	d.settleMandate()
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
func (d *decision) emit(e topics.PaymentEvent) {
	e.EventID = topics.EventID{Partition: d.in.Partition, Position: d.in.Position, Index: int16(d.in.Index + len(d.events))}.String()
	e.At = d.now
	before := topics.Totals{}
	if d.p != nil {
		before = d.p.Totals()
		d.address(&e)
	}
	switch {
	case d.in.Command != nil:
		e.CommandID, e.TraceID = d.in.Command.Command.CommandID, d.in.Command.Command.TraceID
	case d.in.Report != nil:
		e.TraceID = d.in.Report.TraceID
	}
	if e.TraceID == "" && d.p != nil {
		e.TraceID = d.p.TraceID
	}
	p, err := Evolve(d.p, &e)
	if err != nil {
		panic(fmt.Sprintf("lifecycle: Decide gave an event that Evolve refuses: %v", err))
	}
	d.p = p
	if p != nil {
		e.Status = p.Status()
		if totals := p.Totals(); totals != before {
			e.Totals = &totals
		}
		if c := p.recount(); c != nil {
			e.Counted = c
			p.count(c)
		}
	}
	d.events = append(d.events, e)
}

// address fills in whose event it is.
func (d *decision) address(e *topics.PaymentEvent) {
	if d.id == "" {
		d.id = d.p.ID.String()
	}
	e.Tenant, e.Region, e.CustomerID, e.PaymentID = d.p.Tenant, d.p.Region, d.p.Customer, d.id
	e.Currency = string(d.p.Currency)
}

// openCase tells of a fact that needs a person. A case of the same kind on the same operation is opened once.
func (d *decision) openCase(code topics.RefusalCode, amount int64, format string, args ...any) {
	e := topics.PaymentEvent{Type: topics.EventCaseOpened, Refusal: code, Amount: amount, Detail: fmt.Sprintf(format, args...)}
	if d.p != nil && d.p.Cases >= d.limits.Cases {
		return
	}
	if d.op != nil {
		if f := flagOf(code); f != 0 && d.p.Operation(d.op.Request).Cases&f != 0 {
			return
		}
		e.RequestID = d.op.Request.String()
	}
	if r := d.in.Report; r != nil {
		e.PSP = d.said()
		e.PSP.Object = d.told
		if d.p == nil {
			e.Tenant, e.Region, e.CustomerID, e.PaymentID, e.Currency = r.Tenant, r.Region, r.CustomerID, r.PaymentID, r.Currency
		}
	}
	d.emit(e)
}

// arm gives the payment the timer that it needs now, if that is another than it holds, with the last event.
func (d *decision) arm() {
	if len(d.events) == 0 || d.p == nil {
		return
	}
	last := &d.events[len(d.events)-1]
	if last.Type == topics.EventCommandRefused {
		return
	}
	kind, due := d.p.nextTimer(d.limits)
	if kind == d.p.Timer.Kind && due.Equal(d.p.Timer.Due) {
		return
	}
	last.Timer = &topics.TimerChange{Kind: kind, Due: due, Generation: d.p.Timer.Generation + 1}
}
