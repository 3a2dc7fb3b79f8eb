package deadletters

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// fixture is a broker with some dead letters in two partitions.
type fixture struct {
	kafka  []kgo.Opt
	client *kgo.Client
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	b := brokertest.New(t, 2)
	return &fixture{b.Config.Options(slog.New(slog.DiscardHandler)), b.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))}
}

// add puts the letter of a record into its dead-letter topic.
func (f *fixture) add(t *testing.T, topic string, partition int32, value string, reason topics.RefusalCode, headers ...kgo.RecordHeader) ID {
	t.Helper()
	return f.produce(t, f.client, letterRecord(t, topic, partition, value, reason, headers...))
}

func letterRecord(t *testing.T, topic string, partition int32, value string, reason topics.RefusalCode, headers ...kgo.RecordHeader) *kgo.Record {
	t.Helper()
	origin, _ := topics.Lookup(topic)
	r := &kgo.Record{Topic: topic, Partition: partition, Timestamp: time.Now(), Key: []byte("ana"), Value: []byte(value), Headers: headers}
	record, err := stream.Letter("role", r, stream.DeadLetter{Reason: reason, Detail: "why"}, origin.DeadLetters)
	if err != nil {
		t.Fatal(err)
	}
	return record
}

func (f *fixture) produce(t *testing.T, client *kgo.Client, r *kgo.Record) ID {
	t.Helper()
	written, err := client.ProduceSync(t.Context(), r).First()
	if err != nil {
		t.Fatal(err)
	}
	return ID{written.Topic, written.Partition, written.Offset}
}

// transaction writes letters as a fold does, and commits or aborts them. It returns once readers see which.
func (f *fixture) transaction(t *testing.T, end kgo.TransactionEndTry, records ...*kgo.Record) {
	t.Helper()
	client, err := kgo.NewClient(append(f.kafka, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID("fold"))...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		f.produce(t, client, r)
	}
	if err := client.EndTransaction(t.Context(), end); err != nil {
		t.Fatal(err)
	}
	if _, err := broker.CommittedEnds(t.Context(), kadm.NewClient(client), records[0].Topic); err != nil {
		t.Fatal(err)
	}
}

// list is what Read hands out: of each letter its id and the value of the record.
func (f *fixture) list(t *testing.T, filter Filter) string {
	t.Helper()
	var all []string
	err := Read(t.Context(), f.kafka, filter, func(l *Letter) error {
		value := string(l.Record.Value)
		if l.Err != nil {
			value = "unreadable"
		}
		all = append(all, fmt.Sprintf("%s %s", l.ID, value))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, "\n")
}

func TestRead(t *testing.T) {
	f := newFixture(t)
	if got := f.list(t, Filter{}); got != "" {
		t.Errorf("of nothing: %s", got)
	}
	f.add(t, topics.PSPWebhooks, 1, "w", topics.RefusedUndecodable)
	f.add(t, topics.Commands, 1, "c1", topics.RefusedUndecodable)
	f.add(t, topics.Commands, 0, "c0", topics.RefusedInvalid)
	f.produce(t, f.client, &kgo.Record{Topic: topics.CommandsDeadLetters, Partition: 0, Value: []byte("garbage")})
	f.transaction(t, kgo.TryCommit, letterRecord(t, topics.Inbox, 0, "committed", topics.RefusedPoison))
	f.transaction(t, kgo.TryAbort, letterRecord(t, topics.Inbox, 0, "aborted", topics.RefusedPoison), letterRecord(t, topics.Inbox, 1, "aborted", topics.RefusedPoison))
	then := time.Now().Truncate(time.Millisecond).Add(time.Millisecond)
	for time.Now().Before(then) { // a cluster gives records its own time, in whole milliseconds
		runtime.Gosched()
	}
	f.produce(t, f.client, letterRecord(t, topics.Commands, 1, "later", topics.RefusedPoison))

	const (
		c0      = "payments.commands.dlq.v1:0:0 c0"
		garbage = "payments.commands.dlq.v1:0:1 unreadable"
		c1      = "payments.commands.dlq.v1:1:0 c1"
		later   = "payments.commands.dlq.v1:1:1 later"
		inbox   = "payments.inbox.dlq.v1:0:0 committed"
		webhook = "psp.webhooks.dlq.v1:1:0 w"
	)
	for name, test := range map[string]struct {
		filter Filter
		want   []string
	}{
		"all":                       {Filter{}, []string{c0, garbage, c1, later, inbox, webhook}},
		"of a topic":                {Filter{Topics: []string{topics.PSPWebhooksDeadLetters}}, []string{webhook}},
		"of the topic they are of":  {Filter{Topics: []string{topics.PSPWebhooks, topics.Inbox}}, []string{inbox, webhook}},
		"for a reason":              {Filter{Reason: topics.RefusedUndecodable}, []string{c1, webhook}},
		"since then":                {Filter{Since: then}, []string{later}},
		"one by one":                {Filter{Letters: []ID{{topics.CommandsDeadLetters, 1, 1}, {topics.CommandsDeadLetters, 0, 0}}}, []string{c0, later}},
		"one, for a reason of none": {Filter{Letters: []ID{{topics.CommandsDeadLetters, 1, 1}}, Reason: topics.RefusedInvalid}, nil},
	} {
		if got, want := f.list(t, test.filter), strings.Join(test.want, "\n"); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
}

// TestReadEnds: what is put aside while it is read is for the next time.
func TestReadEnds(t *testing.T) {
	f := newFixture(t)
	f.add(t, topics.Commands, 0, "first", topics.RefusedPoison)
	seen := 0
	err := Read(t.Context(), f.kafka, Filter{}, func(*Letter) error {
		seen++
		f.add(t, topics.Commands, 0, "more", topics.RefusedPoison)
		return nil
	})
	if err != nil || seen != 1 {
		t.Errorf("%d letters, %v; want the one that was there", seen, err)
	}
	enough := errors.New("enough")
	if err := Read(t.Context(), f.kafka, Filter{}, func(*Letter) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("%v, want the error of the caller", err)
	}
}

func TestWrongFilters(t *testing.T) {
	f := newFixture(t)
	for _, test := range []struct {
		filter Filter
		says   string
	}{
		{Filter{Topics: []string{"ledger.entries.v1"}}, `topic "ledger.entries.v1": want one of payments.commands.dlq.v1, wallet.commands.dlq.v1`},
		{Filter{Reason: "bad"}, `reason "bad": want one of [undecodable invalid poison too_old unknown_payment unknown_event]`},
		{Filter{Letters: []ID{{topics.Commands, 0, 0}}}, "letter payments.commands.v1:0:0: its topic is not among"},
		{Filter{Topics: []string{topics.Inbox}, Letters: []ID{{topics.CommandsDeadLetters, 0, 0}}}, "its topic is not among"},
		{Filter{Letters: []ID{{topics.CommandsDeadLetters, 0, 5}}}, "letter payments.commands.dlq.v1:0:5: there is none"},
	} {
		if _, err := Choose(t.Context(), f.kafka, test.filter, 0); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%+v: %v, want %q", test.filter, err, test.says)
		}
	}
}

func TestWhatIsHeldIsBounded(t *testing.T) {
	c := choice{limit: 3, room: 25, successors: map[string]ID{}}
	for n, want := range []int{1, 2, 2} {
		l := &Letter{ID: ID{"dead", 0, int64(n)}, Record: topics.DeadLetter{Key: []byte("ana"), Value: []byte("1234567")}}
		if err := c.see(l); (err != nil) != (n == 2) || len(c.letters) != want {
			t.Errorf("letter %d of 10 bytes: %d held, %v; there is room for 25", n, len(c.letters), err)
		}
	}
}

// TestAReplayIsSeen: the record stands where it stood before, and when it is put aside again both letters know it.
func TestAReplayIsSeen(t *testing.T) {
	f := newFixture(t)
	first := f.add(t, topics.Commands, 1, goodCommand, topics.RefusedPoison, header("mine", "kept"))
	letters, err := Choose(t.Context(), f.kafka, Filter{Letters: []ID{first}}, 0)
	if err != nil || len(letters) != 1 || letters[0].Refusal(time.Now(), false) != "" {
		t.Fatalf("%v %v, want one letter that may be written again", letters, err)
	}
	writer, err := NewWriter(f.kafka)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	written, err := writer.Write(t.Context(), letters[0])
	if err != nil || written != (ID{topics.Commands, 1, 0}) {
		t.Fatalf("written as %s, %v", written, err)
	}
	record := f.readOne(t, written)
	if string(record.Value) != goodCommand || string(record.Key) != "ana" || string(record.Headers[0].Value) != "kept" {
		t.Errorf("written: %+v", record)
	}
	letter, err := stream.Letter("role", record, stream.DeadLetter{Reason: topics.RefusedPoison}, topics.CommandsDeadLetters)
	if err != nil {
		t.Fatal(err)
	}
	second := f.produce(t, f.client, letter)
	if letters, err = Choose(t.Context(), f.kafka, Filter{Topics: []string{topics.Commands}}, 0); err != nil || len(letters) != 2 {
		t.Fatalf("%v %v, want two letters", letters, err)
	}
	if letters[0].Successor != second || !strings.Contains(letters[0].Refusal(time.Now(), false), second.String()) {
		t.Errorf("the first: %+v, want it refused in favour of %s", letters[0], second)
	}
	if letters[1].ReplayOf != first.String() || letters[1].Refusal(time.Now(), false) != "" {
		t.Errorf("the second: %+v, want a replay of %s", letters[1], first)
	}
	if letters, err = Choose(t.Context(), f.kafka, Filter{Topics: []string{topics.Commands}}, 1); err != nil || len(letters) != 1 || letters[0].Successor != second {
		t.Errorf("the first of them: %+v %v, want its successor known", letters, err)
	}
}

func (f *fixture) readOne(t *testing.T, at ID) *kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	client, err := kgo.NewClient(append(f.kafka, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		at.Topic: {at.Partition: kgo.NewOffset().At(at.Offset)},
	}))...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	records := client.PollFetches(ctx).Records()
	if len(records) == 0 {
		t.Fatalf("there is no record %s", at)
	}
	return records[0]
}
