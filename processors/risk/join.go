package risk

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

// join forks each command into the signals that its tenant's velocity definitions make of it, joins their answers, and
// assesses it: many commands of a partition at once, released in their order. Where the rule set in force has no
// definitions it tells velocity so, once for each tenant, and asks nothing.
type join struct {
	assessor *Assessor
	counter  *counter
	within   time.Duration // for an answer; then it is missing
	version  func() int64  // of the rule set in force: a later one has a higher one

	mu    sync.RWMutex
	set   *rules.Set // the one that the plans are of
	plans map[string]*plan
}

func (j *join) open(ctx context.Context, partition int32) (stream.Pipeline, error) {
	d, err := j.counter.open(ctx, velocity.RoleAttempts, partition)
	if err != nil {
		return nil, err
	}
	return &joined{join: j, desk: d}, nil
}

// joined is the stream.Pipeline of one partition.
type joined struct {
	*join
	desk    *desk
	targets []velocity.Target // room that is used again, by Begin
	room    []topics.Feature  // likewise, by finish
}

func (j *joined) Close() { j.desk.close() }

// Flush sends the signals of the commands that have begun.
func (j *joined) Flush(ctx context.Context) { j.desk.flush(ctx) }

// Begin makes a command's signals.
func (j *joined) Begin(ctx context.Context, r stream.Record) stream.FinishFunc {
	d, dead := j.assessor.read(r)
	switch {
	case dead != nil:
		return func(context.Context) ([]stream.Message, *stream.DeadLetter, error) { return nil, dead, nil }
	case d.in.Refusal != nil:
		return func(context.Context) ([]stream.Message, *stream.DeadLetter, error) { return j.assessor.assessment(d) }
	}
	set, p, err := j.planned(d.in.Command.Tenant)
	if err != nil {
		// A set whose definitions cannot be planned is refused when it is compiled; a repetition changes nothing.
		return func(context.Context) ([]stream.Message, *stream.DeadLetter, error) {
			return nil, &stream.DeadLetter{Reason: topics.RefusedPoison, Detail: err.Error()}, nil
		}
	}
	if in := d.input(); len(p.names) == 0 || !set.Assesses(&in) {
		return func(context.Context) ([]stream.Message, *stream.DeadLetter, error) {
			j.assessor.decide(d, set)
			return j.assessor.assessment(d)
		}
	}
	inquiry := j.ask(ctx, set, p, d, r)
	return func(ctx context.Context) ([]stream.Message, *stream.DeadLetter, error) {
		answers, err := inquiry.wait(ctx)
		if err != nil {
			return nil, nil, err
		}
		d.in.Features = j.features(p, answers)
		j.assessor.decide(d, set)
		return j.assessor.assessment(d)
	}
}

// ask makes the signals of a command, which Flush sends.
func (j *joined) ask(ctx context.Context, set *rules.Set, p *plan, d *draft, r stream.Record) *inquiry {
	event, unconverted := attemptOf(d), false
	event.Convert = func(m ledger.Money, to ledger.Currency) (int64, bool) {
		minor, ok := set.Convert(m, to, d.now)
		unconverted = unconverted || !ok
		return minor, ok
	}
	event.Origin = velocity.Origin{Role: velocity.RoleAttempts, Partition: r.Partition, Offset: r.Position}
	if p.later != nil && d.in.Command.Type == topics.CommandCreate {
		remembered := p.later.Case(d.id, event, j.assessor.partitions)
		j.desk.send(ctx, &kgo.Record{Topic: topics.Outcomes, Partition: j.assessor.partitionOf(d), Value: remembered.Append(nil)}, nil)
	}
	j.assessor.metrics.asked.Inc()
	j.targets = p.Signals(j.targets, &event, j.assessor.partitions)
	if unconverted {
		j.assessor.metrics.unconverted.Inc()
	}
	var ids []uint64
	for i := range j.targets {
		signal := &j.targets[i].Signal
		for k := range signal.Dimensions {
			for q := range signal.Dimensions[k].Queries {
				ids = append(ids, signal.Dimensions[k].Queries[q].ID)
			}
		}
	}
	inquiry := j.desk.ask(r.Position, velocity.CommandOf(d.in.Command.Tenant, event.ID), len(j.targets), ids, j.within)
	for i := range j.targets {
		if p.told(j.targets[i].Partition) {
			j.desk.add(ctx, inquiry, &j.targets[i])
		} else {
			inquiry.fail()
		}
	}
	return inquiry
}

// features are the answers by name. What was not answered in time, or not asked because the command has no value to count
// by, is missing.
func (j *joined) features(p *plan, answers []velocity.Answer) map[string]topics.Feature {
	late := 0
	for i := range answers {
		if answers[i].ID == 0 {
			late++
		}
	}
	j.assessor.metrics.late.Add(float64(late))
	j.room = p.Begin(j.room)
	p.Fill(j.room, answers)
	features := make(map[string]topics.Feature, len(p.names))
	for i, name := range p.names {
		features[name] = j.room[i]
	}
	return features
}

// attemptOf is the event that a command is. A payment is attempted when it is created; the command that authorises it later
// asks, and counts nothing again. How its amount is converted is left to whoever knows the rates.
func attemptOf(d *draft) velocity.Event {
	c := &d.in.Command
	in := d.input()
	event := velocity.Event{
		ID: d.id.String(), Asks: true, Time: c.IssuedAt, Amount: ledger.Money{Minor: c.Amount, Currency: ledger.Currency(c.Currency)},
		Field: in.Text,
	}
	if event.Time.IsZero() {
		event.Time = d.now
	}
	switch c.Type {
	case topics.CommandCreate:
		event.Kind = velocity.KindAttempt
	case topics.CommandAuthorize:
		if payment, err := topics.ParsePaymentID(c.PaymentID); err == nil {
			event.ID = payment.UUID.String() // the command that created it
		}
	}
	return event
}

func newJoin(c *Config, assessor *Assessor, version func() int64) (*join, error) {
	counter, err := newCounter(c.Kafka, c.Within, c.Log.With("role", RoleName))
	if err != nil {
		return nil, err
	}
	return &join{assessor: assessor, counter: counter, within: c.Within, version: version}, nil
}
