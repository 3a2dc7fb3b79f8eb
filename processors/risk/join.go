package risk

import (
	"context"
	"sync"
	"time"

	"github.com/gofrs/uuid/v5"
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

// open returns what opens the pipelines of one topic: read takes its records, role names it to velocity.
func (j *join) open(role velocity.Role, read readFunc) func(context.Context, int32) (stream.Pipeline, error) {
	return func(ctx context.Context, partition int32) (stream.Pipeline, error) {
		d, err := j.counter.open(ctx, role, partition)
		if err != nil {
			return nil, err
		}
		return &joined{join: j, desk: d, read: read}, nil
	}
}

// joined is the stream.Pipeline of one partition.
type joined struct {
	*join
	desk    *desk
	read    readFunc
	targets []velocity.Target // room that is used again, by Begin
	room    []topics.Feature  // likewise, by finish
}

func (j *joined) Close() { j.desk.close() }

// Flush sends the signals of the commands that have begun.
func (j *joined) Flush(ctx context.Context) { j.desk.flush(ctx) }

// Begin makes a command's signals.
func (j *joined) Begin(ctx context.Context, r stream.Record) stream.FinishFunc {
	d, dead := j.read(j.assessor, r)
	switch {
	case dead != nil:
		return func(context.Context) ([]stream.Message, *stream.DeadLetter, error) { return nil, dead, nil }
	case d.refusal != nil:
		return func(context.Context) ([]stream.Message, *stream.DeadLetter, error) { return j.assessor.assessment(d) }
	}
	set, p, err := j.planned(d.tenant)
	if err != nil {
		// A set whose definitions cannot be planned is refused when it is compiled; a repetition changes nothing.
		return func(context.Context) ([]stream.Message, *stream.DeadLetter, error) {
			return nil, &stream.DeadLetter{Reason: topics.RefusedPoison, Detail: err.Error()}, nil
		}
	}
	event := d.of.event()
	if event.Asks = set.Assesses(&d.Input); len(p.names) == 0 || !event.Asks && !p.counts(event.Kind) {
		return j.now(d, set)
	}
	inquiry := j.ask(ctx, set, p, d, &event, r)
	return func(ctx context.Context) ([]stream.Message, *stream.DeadLetter, error) {
		answers, err := inquiry.wait(ctx)
		if err != nil {
			return nil, nil, err
		}
		if event.Asks {
			d.Features = j.features(p, answers)
		}
		j.assessor.decide(d, set)
		return j.assessor.assessment(d)
	}
}

// now assesses what asks velocity nothing.
func (j *joined) now(d *draft, set *rules.Set) stream.FinishFunc {
	return func(context.Context) ([]stream.Message, *stream.DeadLetter, error) {
		j.assessor.decide(d, set)
		return j.assessor.assessment(d)
	}
}

// ask makes the signals of an event, which Flush sends, and what is to be kept for outcomes. What is returned waits for the
// answers; where the event asks nothing, until the signals are written: what is assessed has been counted, or was given up.
func (j *joined) ask(ctx context.Context, set *rules.Set, p *plan, d *draft, event *velocity.Event, r stream.Record) *inquiry {
	event.Origin = velocity.Origin{Role: j.desk.of.Role, Partition: r.Partition, Offset: r.Position}
	event.Field = d.Text
	if event.Time.IsZero() {
		event.Time = d.Now
	}
	unconverted := false
	event.Convert = func(m ledger.Money, to ledger.Currency) (int64, bool) {
		minor, ok := set.Convert(m, to, d.Now)
		unconverted = unconverted || !ok
		return minor, ok
	}
	var kept []byte // what is counted with a payment's outcomes
	switch {
	case p.later == nil:
	case event.Kind == velocity.KindAttempt:
		made := p.later.Case(d.id, *event, j.assessor.partitions)
		kept = made.Append(nil)
	case event.Kind == velocity.KindPayoutAttempt:
		made := p.later.Case(topics.PayoutKey(d.tenant, d.id), *event, j.assessor.partitions)
		kept = made.Append(nil)
	case d.about != uuid.Nil:
		said := p.later.CaseEvent(d.about, event)
		kept = said.Append(nil)
	}
	j.targets = p.Signals(j.targets, event, j.assessor.partitions)
	if unconverted {
		j.assessor.metrics.unconverted.Inc()
	}
	if event.Asks {
		j.assessor.metrics.asked.Inc()
	}
	inquiry := j.inquire(r.Position, velocity.CommandOf(d.tenant, event.ID), kept != nil)
	if kept != nil {
		j.desk.send(ctx, &kgo.Record{Topic: topics.Outcomes, Partition: j.assessor.partitionOf(d), Value: kept}, inquiry.kept)
	}
	for i := range j.targets {
		if p.told(j.targets[i].Partition) {
			j.desk.add(ctx, inquiry, &j.targets[i])
		} else {
			inquiry.fail()
		}
	}
	return inquiry
}

// inquire begins to wait for the answers to the signals in the room and, where keeps, for what is kept beside to be written.
func (j *joined) inquire(position int64, command uint64, keeps bool) *inquiry {
	var ids []uint64
	for i := range j.targets {
		signal := &j.targets[i].Signal
		for k := range signal.Dimensions {
			for q := range signal.Dimensions[k].Queries {
				ids = append(ids, signal.Dimensions[k].Queries[q].ID)
			}
		}
	}
	return j.desk.ask(position, command, len(j.targets), ids, keeps, j.within)
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

func newJoin(c *Config, assessor *Assessor, version func() int64) (*join, error) {
	counter, err := newCounter(c.Kafka, c.Within, c.Log.With("role", RoleName))
	if err != nil {
		return nil, err
	}
	return &join{assessor: assessor, counter: counter, within: c.Within, version: version}, nil
}
