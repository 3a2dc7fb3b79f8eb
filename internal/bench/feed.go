package bench

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// outstanding is how many payments the load keeps under way: enough to keep every batch full, few enough that what is
// measured is the engine and not a queue.
const outstanding = 8000

// customers that the load spreads over.
const customers = 50_000

// load writes commands as fast as what they ask for is done, and counts what is done as a read_committed consumer sees it.
type load struct {
	kafka      []kgo.Opt
	tenant     string
	partitions int32

	commands string                           // topic
	command  func(n int) (*kgo.Record, error) // the n-th
	results  string                           // topic
	done     []byte                           // what the JSON of a result holds that is counted, and no other

	sent, completed atomic.Int64
	room            *semaphore.Weighted
}

// newLoad creates payments, which are done when they are captured.
func newLoad(kafka []kgo.Opt, tenant string, partitions int32) *load {
	l := &load{kafka: kafka, tenant: tenant, partitions: partitions, room: semaphore.NewWeighted(outstanding),
		commands: topics.Commands, results: topics.Events, done: []byte(`"type":"captured"`)}
	l.command = l.payment
	return l
}

// newStrangersLoad is a load of customers, cards, devices and addresses that come once: no rule on what they did before holds
// them.
func newStrangersLoad(kafka []kgo.Opt) *load {
	l := newLoad(kafka, tenant, partitions)
	l.command = func(n int) (*kgo.Record, error) {
		customer := fmt.Sprintf("one_%08d", n)
		address := fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255)
		return l.paymentOf(customer, fmt.Sprint(411111+n%500), address, n)
	}
	return l
}

// newWalletLoad credits wallets and debits them again, each of which is done when it is booked. With rounds they are wins and
// bets of game rounds, two of them each.
func newWalletLoad(kafka []kgo.Opt, rounds bool) *load {
	prefix := "buyer_" // each load has customers of its own: what an earlier one has left under way is not counted
	if rounds {
		prefix = "player_"
	}
	return &load{kafka: kafka, tenant: tenant, partitions: partitions, room: semaphore.NewWeighted(outstanding),
		commands: topics.WalletCommands, results: topics.Entries, done: []byte(`"customer_id":"` + prefix),
		command: func(n int) (*kgo.Record, error) { return walletCommand(n, prefix, rounds) }}
}

// run offers load until ctx is done. With answer the PSP's results are fed at the topic; without, somebody else gives
// them.
func (l *load) run(ctx context.Context, answer bool) error {
	group, ctx := errgroup.WithContext(ctx)
	ready := make(chan struct{})
	group.Go(func() error { return l.count(ctx, ready) })
	if answer {
		group.Go(func() error { return l.answer(ctx) })
	}
	group.Go(func() error {
		select {
		case <-ready:
			return l.send(ctx)
		case <-ctx.Done():
			return nil
		}
	})
	return group.Wait()
}

func (l *load) send(ctx context.Context) error {
	client, err := kgo.NewClient(with(l.kafka, kgo.DefaultProduceTopic(l.commands), kgo.ProducerLinger(2*time.Millisecond),
		kgo.MaxBufferedRecords(2*outstanding))...)
	if err != nil {
		return err
	}
	defer client.Close()
	failed := make(chan error, 1)
	for n := 0; ; n++ {
		if l.room.Acquire(ctx, 1) != nil {
			return nil
		}
		record, err := l.command(n)
		if err != nil {
			return err
		}
		client.Produce(ctx, record, func(_ *kgo.Record, err error) {
			if err != nil && ctx.Err() == nil {
				select {
				case failed <- err:
				default:
				}
			}
		})
		l.sent.Add(1)
		select {
		case err := <-failed:
			return fmt.Errorf("produce a command: %w", err)
		default:
		}
	}
}

func (l *load) payment(n int) (*kgo.Record, error) {
	return l.paymentOf(fmt.Sprintf("cus_%06d", n%customers), "411111", "203.0.113.7", n)
}

func (l *load) paymentOf(customer, bin, address string, n int) (*kgo.Record, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	value, err := topics.Marshal(topics.Command{
		CommandID: id.String(), Type: topics.CommandCreate, Tenant: l.tenant, CustomerID: customer, Amount: 1050 + int64(n%900),
		Currency: "EUR", Authorize: true, CaptureMethod: topics.CaptureAutomatic, IssuedAt: time.Now().UTC(),
		Card: &topics.Card{Token: "tok_approved", Fingerprint: "fp_" + customer, BIN: bin, Last4: "1111", Scheme: "visa",
			Type: "credit", Country: "DE"},
		Context: &topics.Context{IP: address, DeviceID: "dev_" + customer, Country: "DE"},
	})
	if err != nil {
		return nil, err
	}
	return &kgo.Record{Key: []byte(customer), Value: value}, nil
}

func walletCommand(n int, prefix string, rounds bool) (*kgo.Record, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	turn := n / customers
	c := topics.WalletCommand{
		CommandID: id.String(), Type: topics.WalletCredit, Tenant: tenant, CustomerID: fmt.Sprintf("%s%06d", prefix, n%customers),
		Amount: 1050, Currency: "EUR", Reason: topics.ReasonPurchase, IssuedAt: time.Now().UTC(),
	}
	if turn%2 == 1 {
		c.Type = topics.WalletDebit
	}
	if rounds {
		c.Reason, c.RoundID = topics.ReasonGame, fmt.Sprintf("round_%d", turn/2)
	}
	value, err := topics.Marshal(c)
	if err != nil {
		return nil, err
	}
	return &kgo.Record{Key: []byte(c.CustomerID), Value: value}, nil
}

func (l *load) count(ctx context.Context, ready chan<- struct{}) error {
	client, err := kgo.NewClient(with(l.kafka, kgo.ConsumeTopics(l.results), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()))...)
	if err != nil {
		return err
	}
	defer client.Close()
	first := true
	for {
		if first {
			// The end offsets are asked for with the first poll; what completes before it is a handful of payments.
			first = false
			close(ready)
		}
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("count: %w", err)
		}
		done := int64(0)
		for record := range fetches.RecordsAll() {
			if bytes.Contains(record.Value, l.done) {
				done++
			}
		}
		if done = min(done, outstanding); done > 0 {
			l.completed.Add(done)
			l.room.Release(done)
		}
	}
}

// answer plays the PSP at the topic: every request is approved and captured.
func (l *load) answer(ctx context.Context) error {
	client, err := kgo.NewClient(with(l.kafka, kgo.ConsumeTopics(topics.PSPRequests), kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0), kgo.MaxBufferedRecords(2*outstanding))...)
	if err != nil {
		return err
	}
	defer client.Close()
	var seen stream.HighWater
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("answer: %w", err)
		}
		for record := range fetches.RecordsAll() {
			reply, err := approve(&seen, record)
			if err != nil {
				return fmt.Errorf("answer: %w", err)
			}
			if reply != nil {
				client.Produce(ctx, reply, nil)
			}
		}
	}
}

func approve(seen *stream.HighWater, record *kgo.Record) (*kgo.Record, error) {
	if fresh, err := seen.Accept(record.Partition, header(record, topics.HeaderID)); err != nil || !fresh {
		return nil, err
	}
	var q topics.PSPRequest
	if err := topics.Unmarshal(record.Value, &q); err != nil {
		return nil, err
	}
	id := uuid.NewV5(uuid.NamespaceOID, q.RequestID)
	value, err := topics.Marshal(topics.PSPReport{
		ReportID: id.String(), Source: topics.SourceResponse, PSP: q.PSP, Tenant: q.Tenant, Region: q.Region,
		CustomerID: q.CustomerID, PaymentID: q.PaymentID, RequestID: q.RequestID, TraceID: q.TraceID, Operation: q.Operation,
		Outcome: topics.PSPApproved, Amount: q.Amount, Currency: q.Currency, Captured: q.Capture, Fee: 39,
		PSPReference: "auth_" + id.String()[24:], NetworkReference: "net_" + id.String()[24:],
	})
	if err != nil {
		return nil, err
	}
	envelope := topics.Envelope{ID: id.String(), Source: "weir/bench", Type: topics.TypePSPReport, Subject: q.PaymentID, Tenant: q.Tenant}
	reply := &kgo.Record{Topic: topics.Inbox, Partition: record.Partition, Key: record.Key, Value: value}
	for _, h := range envelope.Headers() {
		reply.Headers = append(reply.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	return reply, nil
}

func header(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

func with(options []kgo.Opt, more ...kgo.Opt) []kgo.Opt {
	return append(append([]kgo.Opt(nil), options...), more...)
}
