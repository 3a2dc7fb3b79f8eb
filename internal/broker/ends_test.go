package broker_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/topics"
)

// Each test has a topic of its own: a cluster takes long to create them.
func TestTransactionsThatAreOpen(t *testing.T) {
	b := brokertest.New(t, partitions)
	t.Run("the first read misses nothing, committed", func(t *testing.T) {
		firstReadMissesNothing(t, b, topics.Rules, kgo.TryCommit, []string{"held", "after"})
	})
	t.Run("the first read misses nothing, aborted", func(t *testing.T) {
		firstReadMissesNothing(t, b, topics.Lists, kgo.TryAbort, []string{"after"})
	})
	t.Run("later reads wait for nobody", func(t *testing.T) { laterReadsWaitForNobody(t, b, topics.PSPControls) })
	t.Run("one that does not end", func(t *testing.T) { oneThatDoesNotEnd(t, b, topics.Decisions) })
}

// holder writes to partition 0 of a topic, in transactions that end when a test says so.
type holder struct {
	*testing.T
	client *kgo.Client
	topic  string
}

func newHolder(t *testing.T, b *brokertest.Broker, topic string) *holder {
	return &holder{t, b.Client(t, kgo.TransactionalID("weir-test-"+topic), kgo.RecordPartitioner(kgo.ManualPartitioner())), topic}
}

func record(topic, value string) *kgo.Record {
	return &kgo.Record{Topic: topic, Key: []byte(value), Value: []byte(value)}
}

func (h *holder) open(value string) {
	h.Helper()
	if err := h.client.BeginTransaction(); err != nil {
		h.Fatal(err)
	}
	if err := h.client.ProduceSync(h.Context(), record(h.topic, value)).FirstErr(); err != nil {
		h.Fatal(err)
	}
}

func (h *holder) end(how kgo.TransactionEndTry) {
	h.Helper()
	if err := h.client.EndTransaction(h.Context(), how); err != nil {
		h.Fatal(err)
	}
}

// looks counts the answers that tell where topics end.
type looks chan struct{}

var _ kgo.HookBrokerRead = looks(nil)

func (l looks) OnBrokerRead(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, err error) {
	if key == int16(kmsg.ListOffsets) && err == nil {
		select {
		case l <- struct{}{}:
		default: // nobody counts any more
		}
	}
}

// reader follows a topic.
type reader struct {
	*testing.T
	follower *broker.Follower
	values   []string
}

func newReader(t *testing.T, b *brokertest.Broker, topic string, options ...kgo.Opt) *reader {
	t.Helper()
	follower, err := broker.NewFollower(append(b.Config.Options(slog.New(slog.DiscardHandler)), options...), topic)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(follower.Close)
	return &reader{T: t, follower: follower}
}

func (r *reader) read() error {
	_, err := r.follower.Read(r.Context(), func() { r.values = nil }, func(record *kgo.Record) error {
		r.values = append(r.values, string(record.Value))
		return nil
	})
	return err
}

// firstReadMissesNothing: what was committed after a transaction that is still open is seen by who begins to read then, and
// so is what was acknowledged while its markers are on their way. The reader has looked twice when the transaction ends.
func firstReadMissesNothing(t *testing.T, b *brokertest.Broker, topic string, how kgo.TransactionEndTry, want []string) {
	h := newHolder(t, b, topic)
	h.open("held")
	if err := b.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner())).ProduceSync(t.Context(), record(topic, "after")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	looked := make(looks, 2)
	r := newReader(t, b, topic, kgo.WithHooks(looked))
	read := make(chan error, 1)
	go func() { read <- r.read() }()
	for range 2 { // where the topic ends, and that a transaction is open below
		select {
		case err := <-read:
			t.Fatalf("read %v and %v, without waiting for the transaction that is open", r.values, err)
		case <-looked:
		}
	}
	h.end(how)
	if err := <-read; err != nil || !slices.Equal(r.values, want) {
		t.Errorf("read %v and %v, want %v", r.values, err, want)
	}
}

// laterReadsWaitForNobody: a transaction that hangs keeps nobody from following what was committed before it.
func laterReadsWaitForNobody(t *testing.T, b *brokertest.Broker, topic string) {
	r := newReader(t, b, topic)
	if err := r.read(); err != nil || len(r.values) > 0 {
		t.Fatalf("read %v and %v of an empty topic", r.values, err)
	}
	h := newHolder(t, b, topic)
	h.open("first")
	h.end(kgo.TryCommit)
	h.open("second")
	for len(r.values) == 0 { // the marker may be on its way
		if err := r.read(); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.read(); err != nil || !slices.Equal(r.values, []string{"first"}) {
		t.Errorf("read %v and %v, want what was committed", r.values, err)
	}
	h.end(kgo.TryCommit)
	for len(r.values) == 1 {
		if err := r.read(); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"first", "second"}; !slices.Equal(r.values, want) {
		t.Errorf("read %v, want %v", r.values, want)
	}
}

// oneThatDoesNotEnd is told of by where it is open.
func oneThatDoesNotEnd(t *testing.T, b *brokertest.Broker, topic string) {
	h := newHolder(t, b, topic)
	h.open("held")
	want := topic + " partition 0: a transaction is open from offset 0 on, below the end 1"
	_, err := broker.CommittedEndsWithin(t.Context(), b.Admin(t), time.Millisecond, topic, topics.Inbox)
	if err == nil || !strings.HasPrefix(err.Error(), want+": it has not ended within 1ms") {
		t.Errorf("%v, want %s", err, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	looked := make(looks, 2)
	admin, ended := kadm.NewClient(b.Client(t, kgo.WithHooks(looked))), make(chan error, 1)
	go func() {
		_, err := broker.CommittedEnds(ctx, admin, topic)
		ended <- err
	}()
	<-looked
	<-looked
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that the caller gave up", err)
	}
	h.end(kgo.TryAbort)
	ends, err := broker.CommittedEnds(t.Context(), b.Admin(t), topic, topics.Inbox)
	if end, _ := ends.Lookup(topic, 0); err != nil || end.Offset < 1 {
		t.Errorf("the end is %d and %v, want that of the topic", end.Offset, err)
	}
}
