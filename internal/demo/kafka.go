package demo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// inFlight is how many payments the Kafka side has under way at a time.
const inFlight = 200

// producers is the Kafka side: a plain client that writes commands and follows the public events, as a merchant's
// service would.
type producers struct {
	client     *kgo.Client
	partitions int32
	ledger     *scoreboard

	mu       sync.Mutex
	payments map[string]*following // by payment id
	room     chan struct{}

	seen *observed // touched by follow alone until it returns
}

// following is a payment under way.
type following struct {
	*payment
	id       string
	began    time.Time
	answered bool
	next     int // step
	seen     condition
}

func newProducers(options []kgo.Opt, partitions int32, board *scoreboard) (*producers, error) {
	client, err := kgo.NewClient(append(append([]kgo.Opt(nil), options...),
		kgo.ConsumeTopics(topics.Events, topics.Decisions), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ProducerLinger(0))...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	return &producers{client: client, partitions: partitions, ledger: board,
		payments: make(map[string]*following), room: make(chan struct{}, inFlight), seen: newObserved()}, nil
}

// run starts every payment and follows each to its end. It returns when as many decisions as are expected of both sides
// have been read, too.
func (p *producers) run(ctx context.Context, plan []*payment, decisions int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var following sync.WaitGroup
	following.Go(func() {
		if err := p.follow(ctx, len(plan), decisions); err != nil {
			cancel(err)
		}
	})
	for _, one := range plan {
		select {
		case p.room <- struct{}{}:
		case <-ctx.Done():
			following.Wait()
			return context.Cause(ctx)
		}
		if err := p.start(ctx, one); err != nil {
			cancel(err)
		}
	}
	following.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return nil
}

func (p *producers) start(ctx context.Context, one *payment) error {
	id, err := uuid.FromString(one.create.CommandID)
	if err != nil {
		return err
	}
	partition := topics.PartitionOf(one.create.Tenant, one.create.CustomerID, p.partitions)
	f := &following{payment: one, id: topics.PaymentID{Partition: partition, UUID: id}.String(), began: time.Now()}
	p.mu.Lock()
	p.payments[f.id] = f
	p.mu.Unlock()
	return p.send(ctx, one, one.create)
}

func (p *producers) send(ctx context.Context, one *payment, command topics.Command) error {
	command.IssuedAt = time.Now().UTC()
	command.TraceID = fmt.Sprintf("demo-%d", one.number)
	value, err := topics.Marshal(command)
	if err != nil {
		return fmt.Errorf("encode the command: %w", err)
	}
	times := 1
	if one.twice {
		times = 2
	}
	for range times {
		record := &kgo.Record{Topic: topics.Commands, Key: []byte(command.CustomerID), Value: value}
		p.client.Produce(ctx, record, func(_ *kgo.Record, err error) {
			if err != nil && !errors.Is(err, context.Canceled) {
				p.ledger.problem("payment %d: produce: %v", one.number, err)
			}
		})
	}
	return nil
}

// follow reads the public topics until count payments have ended and all decisions are there.
func (p *producers) follow(ctx context.Context, count, decisions int) error {
	for ended := 0; ended < count || len(p.seen.decisions) < decisions; {
		fetches := p.client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("read the public topics: %w", err)
		}
		for record := range fetches.RecordsAll() {
			done, err := p.read(ctx, record)
			if err != nil {
				return fmt.Errorf("%s %d/%d: %w", record.Topic, record.Partition, record.Offset, err)
			}
			if done {
				ended++
			}
		}
	}
	return nil
}

func (p *producers) read(ctx context.Context, record *kgo.Record) (done bool, err error) {
	if record.Topic == topics.Decisions {
		return false, p.seen.decision(record.Value)
	}
	var event topics.PaymentEvent
	if err := topics.Unmarshal(record.Value, &event); err != nil {
		return false, err
	}
	if !p.seen.event(&event) {
		p.ledger.problem("event %s came twice to a read_committed reader", event.EventID)
	}
	return p.take(ctx, &event)
}

// take moves a payment on, and reports whether it has come to its end.
func (p *producers) take(ctx context.Context, event *topics.PaymentEvent) (done bool, err error) {
	p.mu.Lock()
	f := p.payments[event.PaymentID]
	p.mu.Unlock()
	if f == nil {
		return false, nil
	}
	if event.Type == topics.EventCommandRefused {
		p.ledger.problem("payment %d (%s): %s refused: %s %s", f.number, f.story, event.PaymentID, event.Refusal, event.Detail)
	}
	if event.Status != "" {
		f.seen.status = event.Status
	}
	if event.Totals != nil {
		f.seen.captured, f.seen.refunded = event.Totals.Captured, event.Totals.Refunded
	}
	if !f.answered && answers(event.Status) {
		f.answered = true
		p.ledger.kafkaLatency(time.Since(f.began))
	}
	if f.next < len(f.steps) && f.seen == f.steps[f.next].when {
		command := f.steps[f.next].command
		command.PaymentID = f.id
		f.next++
		return false, p.send(ctx, f.payment, command)
	}
	if f.next < len(f.steps) || f.seen != f.end {
		return false, nil
	}
	p.mu.Lock()
	delete(p.payments, f.id)
	p.mu.Unlock()
	<-p.room
	p.ledger.ended(f.payment, f.id)
	return true, nil
}

// answers reports whether a status tells the customer something.
func answers(status topics.PaymentStatus) bool {
	switch status {
	case topics.StatusCreated, topics.StatusAuthorizing, topics.StatusUnknown, "":
		return false
	}
	return true
}

// open lists what has not ended.
func (p *producers) open() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var lines []string
	for id, f := range p.payments {
		lines = append(lines, fmt.Sprintf("%s (%s): is %s, step %d of %d, should end %s", id, f.story, f.seen, f.next, len(f.steps), f.end))
	}
	return lines
}
