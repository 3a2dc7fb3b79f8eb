package stream

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/topics"
)

// tally is a TableProgram that adds up numbers by key: k=key, v="add 5" is replied to with "position key total", in the
// partition after its own. "drop" deletes the key; "bad" is no record, "panic" panics.
type tally struct{ partitions int32 }

type tallyState struct {
	tally
	partition int32
	totals    map[string]int64
	changed   map[string]bool
	restored  bool
}

func (p tally) Open(partition int32) TableState {
	return &tallyState{tally: p, partition: partition, totals: map[string]int64{}, changed: map[string]bool{}}
}

func (s *tallyState) Restore(key, value []byte) error {
	if value == nil {
		delete(s.totals, string(key))
		return nil
	}
	total, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || s.restored {
		return fmt.Errorf("restore %s=%s (restored: %t): %w", key, value, s.restored, err)
	}
	s.totals[string(key)] = total
	return nil
}

func (s *tallyState) Restored() error { s.restored = true; return nil }

func (s *tallyState) Apply(r Record) ([]Reply, *DeadLetter, error) {
	if !s.restored {
		panic("tally: Apply before Restored")
	}
	reply, dead := tallyApply(s.totals, r)
	if dead != nil {
		return nil, dead, nil
	}
	s.changed[string(r.Key)] = true
	return []Reply{{Partition: (s.partition + 1) % s.partitions, Value: []byte(reply)}}, nil, nil
}

func tallyApply(totals map[string]int64, r Record) (reply string, dead *DeadLetter) {
	key := string(r.Key)
	switch digits, add := strings.CutPrefix(string(r.Value), "add "); {
	case add:
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			return "", &DeadLetter{Reason: topics.RefusedUndecodable, Detail: err.Error()}
		}
		totals[key] += n
	case digits == "drop":
		delete(totals, key)
	case digits == "panic":
		totals[key] = -1 // must not survive
		panic("tally: panic")
	default:
		return "", &DeadLetter{Reason: topics.RefusedUndecodable, Detail: "no such operation"}
	}
	return fmt.Sprintf("%d %s %d", r.Position, key, totals[key]), nil
}

func (s *tallyState) Changes(change func(key, value []byte)) {
	for key := range s.changed {
		var value []byte
		if total, ok := s.totals[key]; ok {
			value = strconv.AppendInt(nil, total, 10)
		}
		change([]byte(key), value)
	}
	clear(s.changed)
}

// tableBench is a broker and the tally.
type tableBench struct {
	*bench
	sent int
}

func newTableBench(t testing.TB, partitions int32) *tableBench {
	b := &tableBench{bench: &bench{t: t, broker: brokertest.New(t, partitions), partitions: partitions}}
	b.client = b.broker.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
	return b
}

func (b *tableBench) config(change ...func(*TableConfig)) TableConfig {
	limits := testLimits()
	limits.FlushInterval = 20 * time.Millisecond
	config := TableConfig{
		Role: "tally", Input: topics.Signals, Changelog: topics.Velocity, Replies: topics.Features, DeadLetters: topics.SignalsDeadLetters,
		Format: 1, Program: tally{b.partitions}, Kafka: b.broker.Config.Options(discard()), Limits: limits, Log: testLog(b.t),
	}
	for _, f := range change {
		f(&config)
	}
	return config
}

// start runs a Table until the test ends or stop is called.
func (b *tableBench) start(change ...func(*TableConfig)) (table *Table, stop func()) {
	b.t.Helper()
	table, err := NewTable(b.config(change...))
	if err != nil {
		b.t.Fatal(err)
	}
	return table, runUntil(b.t, table.Run)
}

// send produces n operations spread over partitions and a few keys.
func (b *tableBench) send(n int, special ...string) {
	b.t.Helper()
	var records []*kgo.Record
	for range n {
		value := fmt.Sprintf("add %d", b.sent%5+1)
		if b.sent%97 == 0 {
			value = "drop"
		}
		if len(special) > 0 && b.sent%10 == 9 {
			value = special[b.sent/10%len(special)]
		}
		records = append(records, &kgo.Record{Topic: topics.Signals, Partition: int32(b.sent) % b.partitions,
			Key: fmt.Appendf(nil, "k%d", b.sent%7), Value: []byte(value)})
		b.sent++
	}
	if err := b.client.ProduceSync(b.t.Context(), records...).FirstErr(); err != nil {
		b.t.Fatal(err)
	}
}

// replies are those to each partition's records, by position, and how many of them were sent more than once. A record
// that was replied to twice in different words is told.
func (b *tableBench) replies() (all []map[int64]string, repeated, torn int) {
	b.t.Helper()
	all = make([]map[int64]string, b.partitions)
	for p := range b.partitions {
		all[p] = map[int64]string{}
		for _, r := range b.readCommitted(topics.Features, (p+1)%b.partitions) {
			digits, _, _ := strings.Cut(string(r.Value), " ")
			position, err := strconv.ParseInt(digits, 10, 64)
			if err != nil {
				b.t.Fatal(err)
			}
			before, ok := all[p][position]
			if ok {
				repeated++
			}
			if ok && before != string(r.Value) {
				torn++
			}
			all[p][position] = string(r.Value)
		}
	}
	return all, repeated, torn
}

// want is what the dumb model replies.
func (b *tableBench) want(partition int32) map[int64]string {
	want, totals := map[int64]string{}, map[string]int64{}
	for _, r := range b.readCommitted(topics.Signals, partition) {
		record := recordOf(r, r.Offset)
		if string(r.Value) == "panic" {
			continue
		}
		if reply, dead := tallyApply(totals, record); dead == nil {
			want[r.Offset] = reply
		}
	}
	return want
}

// flushed is the committed position of a partition.
func (b *tableBench) flushed(partition int32) (position int64) {
	for _, r := range b.readCommitted(topics.Velocity, partition) {
		if string(r.Key) == tablePositionKey {
			var p tablePosition
			if err := topics.Unmarshal(r.Value, &p); err != nil {
				b.t.Fatal(err)
			}
			position = p.Next
		}
	}
	return position
}

// settle waits until everything is flushed.
func (b *tableBench) settle() {
	b.t.Helper()
	for p := range b.partitions {
		end := b.end(topics.Signals, p)
		waitFor(b.t, fmt.Sprintf("partition %d is flushed up to %d", p, end), func() bool { return b.flushed(p) >= end })
	}
}

// mistakes compares every reply with the model.
func (b *tableBench) mistakes() (mistakes, repeated int) {
	b.t.Helper()
	all, repeated, torn := b.replies()
	mistakes = torn
	for p := range b.partitions {
		want := b.want(p)
		for position := range want {
			if all[p][position] != want[position] {
				mistakes++
			}
		}
		if len(all[p]) > len(want) {
			mistakes += len(all[p]) - len(want)
		}
	}
	return mistakes, repeated
}

func (b *tableBench) check() (repeated int) {
	b.t.Helper()
	b.settle()
	mistakes, repeated := b.mistakes()
	if mistakes > 0 {
		b.t.Errorf("%d replies are not those of the model", mistakes)
	}
	return repeated
}

func TestTableRepliesToEachRecordOnce(t *testing.T) {
	b := newTableBench(t, 3)
	for range 3 {
		b.send(500)
		table, stop := b.start()
		b.check()
		b.send(1000)
		if repeated := b.check(); repeated > 0 {
			t.Errorf("%d replies were repeated though nothing failed", repeated)
		}
		if err := table.Ready(); err != nil {
			t.Error(err)
		}
		stop()
	}
}

func TestTablePutsAsideWhatItCannotApply(t *testing.T) {
	b := newTableBench(t, 2)
	b.start()
	b.send(200, "bad", "panic", "add x")
	b.check()
	var reasons []string
	for p := range b.partitions {
		for _, r := range b.readCommitted(topics.SignalsDeadLetters, p) {
			var letter topics.DeadLetter
			if err := topics.Unmarshal(r.Value, &letter); err != nil {
				t.Fatal(err)
			}
			reasons = append(reasons, fmt.Sprintf("%d/%d %s", letter.Partition, letter.Offset, letter.Reason))
		}
	}
	slices.Sort(reasons)
	if reasons = slices.Compact(reasons); len(reasons) != 20 { // one may be written again after a panic
		t.Errorf("%d records were put aside, want 20: %v", len(reasons), reasons)
	}
}

func TestTableStopsWhereItsInputIsAnother(t *testing.T) {
	b := newTableBench(t, 1)
	_, stop := b.start()
	b.send(50)
	b.check()
	stop()
	if _, err := adminOf(b.bench).DeleteTopics(t.Context(), topics.Signals); err != nil {
		t.Fatal(err)
	}
	if _, err := adminOf(b.bench).CreateTopic(t.Context(), 1, 1, nil, topics.Signals); err != nil {
		t.Fatal(err)
	}
	table, _ := b.start()
	waitFor(t, "the partition stops", func() bool { s := table.Status(); return len(s) == 1 && s[0].Phase == PhaseStopped })
	if err := table.Ready(); err == nil || !strings.Contains(err.Error(), string(StopTopicChanged)) {
		t.Errorf("ready: %v, want %s", err, StopTopicChanged)
	}
	b.client = b.broker.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner())) // the former one knows the former topic
	b.send(30)
	if _, err := table.Adopt(t.Context(), 0, "31"); err == nil {
		t.Error("an offset after the end is adopted")
	}
	if next, err := table.Adopt(t.Context(), 0, OffsetStart); err != nil || next != 0 {
		t.Fatalf("adopt: next %d, %v", next, err)
	}
	waitFor(t, "the partition goes on", func() bool { return table.Ready() == nil && b.flushed(0) == 30 })
	total := int64(0) // what was kept goes on from where it was
	for _, r := range b.readCommitted(topics.Features, 0) {
		var position, sum int64
		var key string
		if _, err := fmt.Sscanf(string(r.Value), "%d %s %d", &position, &key, &sum); err == nil && key == "k1" {
			total = sum
		}
	}
	if total < 20 {
		t.Errorf("the total of k1 is %d, want that of both topics", total)
	}
}
