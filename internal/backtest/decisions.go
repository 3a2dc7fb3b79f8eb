package backtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/internal/listtopic"
	"github.com/weirhq/weir/internal/replay"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/rules/backtest"
	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

// Decisions is the decision log as a history: the commands that created payments, what data files said of them and what
// was decided, what became of them by payments.events.v1, and customer events. A dispute or payout counts here under what it
// names itself, not under its payment's card. The partitions are merged by time; each has three clients.
type Decisions struct {
	ctx   context.Context
	parts []*part
	edits *rules.Edits // of lists, at every version
	// Gone is how many decisions were left out because the inbox does not hold their commands any more.
	Gone int64
}

// part is one partition: its next decision and its next outcome, nil at their ends.
type part struct {
	log      *replay.Log
	events   *broker.PartitionReader
	decision *replay.Entry
	outcome  *became
}

// became is what became of an attempt.
type became struct {
	kind    string
	payment string // the id of the command that created it
	event   topics.PaymentEvent
}

// OpenDecisions reads the log as it is now, since a time; the zero time: all of it.
func OpenDecisions(ctx context.Context, kafka []kgo.Opt, since time.Time) (_ *Decisions, err error) {
	ends, err := replay.FindEnds(ctx, kafka)
	if err != nil {
		return nil, err
	}
	d := &Decisions{ctx: ctx}
	if d.edits, err = listtopic.All(ctx, kafka); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			d.Close()
		}
	}()
	for partition := range ends.Partitions() {
		p := &part{}
		if p.log, err = ends.Open(partition, since); err != nil {
			return nil, err
		}
		d.parts = append(d.parts, p)
		if p.events, err = ends.Read(topics.Events, partition); err != nil {
			return nil, err
		}
		if err = errors.Join(d.nextDecision(p), p.nextOutcome(ctx)); err != nil {
			return nil, fmt.Errorf("partition %d: %w", partition, err)
		}
	}
	return d, nil
}

// Close ends its clients.
func (d *Decisions) Close() {
	for _, p := range d.parts {
		p.log.Close()
		if p.events != nil {
			p.events.Close()
		}
	}
}

// Next is the next event by time; of one time decisions come first.
func (d *Decisions) Next() (*backtest.Event, error) {
	var first *part
	var at time.Time
	outcome := false
	for _, p := range d.parts {
		if e := p.decision; e != nil && (first == nil || e.Input.Now.Before(at) || outcome && !e.Input.Now.After(at)) {
			first, at, outcome = p, e.Input.Now, false
		}
		if o := p.outcome; o != nil && (first == nil || o.event.At.Before(at)) {
			first, at, outcome = p, o.event.At, true
		}
	}
	switch {
	case first == nil:
		return nil, io.EOF
	case outcome:
		o := first.outcome
		e := &backtest.Event{ID: o.event.PaymentID, Time: o.event.At, Input: rules.Input{Now: o.event.At,
			Command: &topics.Command{CommandID: o.payment, Tenant: o.event.Tenant, Amount: o.event.Amount}}}
		e.Became(o.kind)
		return e, first.nextOutcome(d.ctx)
	}
	e := first.decision
	if e.Input.Event != nil {
		return customEvent(e), d.nextDecision(first)
	}
	attempt := &backtest.Event{ID: e.Decision.PaymentID, Kind: velocity.KindAttempt, Time: e.Command.Command.IssuedAt, Recorded: &e.Decision,
		Input: rules.Input{Command: &e.Command.Command, Enrichment: e.Command.Enrichment, Now: e.Command.AssessedAt,
			Edits: d.edits.At(e.Decision.ListEdits)}} // lists as they were edited then, for both sets
	if attempt.Time.IsZero() {
		attempt.Time = e.Command.AssessedAt
	}
	return attempt, d.nextDecision(first)
}

// customEvent is a customer event as velocity counts it.
func customEvent(e *replay.Entry) *backtest.Event {
	said := e.Input.Event
	in := *e.Input
	in.Command = &topics.Command{CommandID: "event:" + said.EventID, Tenant: said.Tenant, Region: said.Region, CustomerID: said.CustomerID,
		Amount: said.Amount, Currency: said.Currency, Card: said.Card, Context: said.Context}
	return &backtest.Event{ID: said.EventID, Kind: velocity.CustomKind(said.Type), Time: said.OccurredAt, Input: in}
}

// nextDecision goes on to the next decision on a command that creates a payment, or on a customer event.
func (d *Decisions) nextDecision(p *part) (err error) {
	for {
		if p.decision, err = p.log.Next(d.ctx); err != nil || p.decision == nil {
			return err
		}
		c := p.decision.Command
		switch stage := p.decision.Decision.Stage; {
		case stage == topics.StageEvent && p.decision.Input != nil:
			return nil
		case stage != "":
		case c == nil:
			d.Gone++
		case c.Command.Type == topics.CommandCreate:
			id, err := uuid.FromString(c.Command.CommandID)
			c.Command.CommandID = id.String() // as payments name it
			return err
		}
	}
}

// nextOutcome goes on to the next event that is one of an attempt.
func (p *part) nextOutcome(ctx context.Context) error {
	p.outcome = nil
	for {
		record, err := p.events.Next(ctx)
		if err != nil || record == nil {
			return err
		}
		o := &became{}
		if err := topics.Unmarshal(record.Value, &o.event); err != nil {
			return fmt.Errorf("%s offset %d: %w", record.Topic, record.Offset, err)
		}
		var said velocity.Declined
		if psp := o.event.PSP; psp != nil {
			said = velocity.Declined{Code: psp.DeclineCode, Hard: psp.HardDecline}
		}
		kind, ok := velocity.OutcomeOf(o.event.Type, o.event.Status, said)
		if !ok {
			continue
		}
		id, err := topics.ParsePaymentID(o.event.PaymentID)
		if err != nil {
			return fmt.Errorf("%s offset %d: %w", record.Topic, record.Offset, err)
		}
		o.kind, o.payment = kind, id.UUID.String()
		p.outcome = o
		return nil
	}
}
