package crashtest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// observer is a consumer with read_committed of the public topics, alive through all faults. It believes what it reads:
// it drops no duplicate.
type observer struct {
	t      testing.TB
	client *kgo.Client
	done   sync.WaitGroup
	cancel context.CancelFunc

	mu       sync.Mutex
	changed  chan struct{}                 // closed at every change
	ids      map[string]map[int32][]string // by topic and partition, in the order of reading
	payments map[string]*history
	commands map[string]map[topics.EventType]int // by command id
	balances map[account]balance
	lines    map[account]int // how many entries move it
	refused  []string
	wallet
}

// wallet is what the events say of wallets, and of closed months.
type wallet struct {
	became  map[string][]string       // by command id: its outcomes
	told    map[string]map[string]int // by customer: how often each outcome
	expired map[string]int            // by hold id
	closed  map[int32]int             // by partition: months closed
}

// history is what the events say of one payment.
type history struct {
	now    condition
	events map[topics.EventType]int
}

// account is a balance row: the partition and the hex id.
type account struct {
	partition int32
	id        string
}

// balance is a sum of postings and what the entries say of the account.
type balance struct {
	tenant, code, owner, currency string
	amount                        int64 // minor units, debits positive
}

// observed are the topics that an observer reads and the log is compared with.
var observed = []string{topics.Events, topics.Entries, topics.WalletEvents, topics.LedgerPeriods}

// idsByTopic has a map for each observed topic.
func idsByTopic() map[string]map[int32][]string {
	ids := map[string]map[int32][]string{}
	for _, topic := range observed {
		ids[topic] = map[int32][]string{}
	}
	return ids
}

func observe(t testing.TB, kafka []kgo.Opt) *observer {
	t.Helper()
	client, err := kgo.NewClient(append(kafka, kgo.ConsumeTopics(observed...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	o := &observer{t: t, client: client, cancel: cancel, changed: make(chan struct{}),
		ids: idsByTopic(), payments: map[string]*history{}, commands: map[string]map[topics.EventType]int{},
		balances: map[account]balance{}, lines: map[account]int{},
		wallet: wallet{map[string][]string{}, map[string]map[string]int{}, map[string]int{}, map[int32]int{}}}
	o.done.Go(func() { o.run(ctx) })
	t.Cleanup(func() {
		cancel()
		o.done.Wait()
		client.CloseAllowingRebalance()
	})
	return o
}

func (o *observer) run(ctx context.Context) {
	for {
		fetches := o.client.PollFetches(ctx)
		if ctx.Err() != nil {
			return
		}
		fetches.EachError(func(topic string, partition int32, err error) {
			o.t.Logf("observer: %s %d: %v", topic, partition, err)
		})
		o.mu.Lock()
		fetches.EachRecord(o.take)
		close(o.changed)
		o.changed = make(chan struct{})
		o.mu.Unlock()
	}
}

func (o *observer) take(r *kgo.Record) {
	switch r.Topic {
	case topics.Events:
		take(o, r, func(e *topics.PaymentEvent) string { o.event(e); return e.EventID })
	case topics.Entries:
		take(o, r, func(e *topics.LedgerEntry) string { o.entry(r.Partition, e); return e.EntryID })
	case topics.WalletEvents:
		take(o, r, func(e *topics.WalletEvent) string { o.walletEvent(e); return e.EventID })
	case topics.LedgerPeriods:
		take(o, r, func(c *topics.PeriodClosed) string {
			if c.Refusal == "" {
				o.closed[r.Partition]++
			}
			return c.EventID
		})
	}
}

// take decodes a record and notes the id of it.
func take[T any](o *observer, r *kgo.Record, read func(*T) (id string)) {
	var v T
	if err := topics.Unmarshal(r.Value, &v); err != nil {
		o.t.Errorf("%s %d offset %d: %v", r.Topic, r.Partition, r.Offset, err)
		return
	}
	o.ids[r.Topic][r.Partition] = append(o.ids[r.Topic][r.Partition], read(&v))
}

func (o *observer) walletEvent(e *topics.WalletEvent) {
	what := outcome(e.Type, e.Refusal)
	if e.CommandID != "" {
		o.became[e.CommandID] = append(o.became[e.CommandID], what)
	}
	if e.Type == topics.WalletHoldExpired {
		o.expired[e.Hold.HoldID]++
	}
	if o.told[e.CustomerID] == nil {
		o.told[e.CustomerID] = map[string]int{}
	}
	o.told[e.CustomerID][what]++
}

// placed is the hold that a command has placed, "" where it was refused.
func (o *observer) placed(command string) (hold string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if slices.Contains(o.became[command], string(topics.WalletHeld)) {
		return command
	}
	return ""
}

// wait waits until something is so, of what is guarded by mu.
func (o *observer) wait(ctx context.Context, so func() bool) error {
	for {
		o.mu.Lock()
		done, changed := so(), o.changed
		o.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (o *observer) event(e *topics.PaymentEvent) {
	if e.Type == topics.EventCommandRefused || e.Type == topics.EventCaseOpened || e.Type == topics.EventDeadLettered {
		o.refused = append(o.refused, fmt.Sprintf("%s %s: payment %s, command %s: %s: %s", e.EventID, e.Type, e.PaymentID, e.CommandID, e.Refusal, e.Detail))
	}
	if e.CommandID != "" {
		if o.commands[e.CommandID] == nil {
			o.commands[e.CommandID] = map[topics.EventType]int{}
		}
		o.commands[e.CommandID][e.Type]++
	}
	h := o.payments[e.PaymentID]
	if h == nil {
		h = &history{events: map[topics.EventType]int{}}
		o.payments[e.PaymentID] = h
	}
	h.events[e.Type]++
	if e.Status != "" {
		h.now.status = e.Status
	}
	if e.Totals != nil {
		h.now.captured, h.now.refunded = e.Totals.Captured, e.Totals.Refunded
	}
}

func (o *observer) entry(partition int32, e *topics.LedgerEntry) {
	moved := map[account]bool{}
	for _, p := range e.Postings {
		at := account{partition, p.AccountID}
		if !moved[at] {
			moved[at] = true
			o.lines[at]++
		}
		sum := o.balances[at]
		next, err := ledger.AddMinor(sum.amount, p.Amount)
		if err != nil {
			o.t.Errorf("entry %s: %v", e.EntryID, err)
		}
		o.balances[at] = balance{e.Tenant, p.Code, p.Owner, p.Currency, next}
	}
}

// condition is what the events say of a payment so far, and a channel that closes when more is known.
func (o *observer) condition(id string) (condition, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if h := o.payments[id]; h != nil {
		return h.now, o.changed
	}
	return condition{}, o.changed
}

// await waits until a payment is in a condition.
func (o *observer) await(ctx context.Context, id string, want condition) error {
	for {
		now, changed := o.condition(id)
		if now == want {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("is %s, should be %s", now, want)
		}
	}
}
