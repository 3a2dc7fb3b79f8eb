package stream

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/internal/until"
	"github.com/weirhq/weir/topics"
)

// toy is a Program that adds up numbers by key: the record k=key, v="add 5" yields an event "key 5 total" and, where the
// total is even, an entry "even". Other values are ways to fail:
//
//	bad       does not decode
//	poison    the database refuses what it writes (a CHECK)
//	taken     the database refuses what it writes, and Refuse says so itself
//	nul       the database refuses what Load asks
//	panic     Apply panics
//	big       its output is too large
//	hopeless  panics in Apply and in Refuse
//	future    was written by a newer version
type toy struct {
	db     *database.DB
	opened func(partition int32, next int64) error // may be nil
}

const toySchema = `CREATE TABLE toy (partition int4 NOT NULL, key text NOT NULL, total int8 NOT NULL CONSTRAINT toy_total CHECK (total < 1000000),
	PRIMARY KEY (partition, key))`

type toyState struct {
	*toy
	partition int32
	totals    map[string]int64
	dirty     map[string]bool
	next      int64
	closed    bool
}

func (p *toy) Open(ctx context.Context, partition int32, next int64) (State, error) {
	if p.opened != nil {
		if err := p.opened(partition, next); err != nil {
			return nil, err
		}
	}
	return &toyState{toy: p, partition: partition, totals: map[string]int64{}, dirty: map[string]bool{}, next: next}, nil
}

func (s *toyState) Load(ctx context.Context, records []Record) error {
	for _, r := range records {
		key := string(r.Key)
		if string(r.Value) == "nul" {
			key = "nul\x00"
		}
		if string(r.Value) == "future" {
			return fmt.Errorf("record %d: %w", r.Position, ErrFutureFormat)
		}
		if _, ok := s.totals[key]; ok {
			continue
		}
		var total int64
		err := s.db.Pool.QueryRow(ctx, `SELECT total FROM toy WHERE partition = $1 AND key = $2`, s.partition, key).Scan(&total)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		s.totals[key] = total
	}
	return nil
}

func (s *toyState) Apply(r Record) ([]Output, *DeadLetter) {
	if s.closed || r.Position < s.next { // one that is only dead-lettered is not seen
		panic(fmt.Sprintf("position %d where %d must follow (closed: %t)", r.Position, s.next, s.closed))
	}
	s.next = r.Position + 1
	key := string(r.Key)
	switch value := string(r.Value); {
	case value == "panic", value == "hopeless":
		s.totals[key] = -1 // must not survive
		panic("toy: " + value)
	case value == "poison", value == "taken":
		s.totals[key] = 2_000_000
	case value == "big":
		return []Output{{Topic: topics.Events, Key: r.Key, Value: make([]byte, 2<<20)}}, nil
	case strings.HasPrefix(value, "add "):
		n, err := strconv.ParseInt(value[4:], 10, 64)
		if err != nil {
			return nil, &DeadLetter{Reason: topics.RefusedUndecodable, Detail: err.Error()}
		}
		s.totals[key] += n
	default:
		return nil, &DeadLetter{Reason: topics.RefusedUndecodable, Detail: "no such operation"}
	}
	s.dirty[key] = true
	return toyOutputs(r, s.totals[key]), nil
}

func toyOutputs(r Record, total int64) []Output {
	outputs := []Output{{Topic: topics.Events, Key: r.Key, Value: fmt.Appendf(nil, "%s %s %d", r.Key, r.Value, total),
		Envelope: topics.Envelope{Type: "toy.added", Tenant: "t1", TraceID: "trace-" + string(r.Key)}}}
	if total%2 == 0 {
		outputs = append(outputs, Output{Topic: topics.Entries, Key: r.Key, Value: []byte("even"),
			Envelope: topics.Envelope{Type: "toy.even", Tenant: "t1"}})
	}
	return outputs
}

func (s *toyState) Refuse(r Record, reason DeadLetter) ([]Output, *DeadLetter) {
	s.next = r.Position + 1
	if string(r.Value) == "hopeless" {
		panic("toy: cannot even refuse")
	}
	if string(r.Value) == "taken" && reason.Constraint == "toy_total" {
		return toyRefused(r, topics.RefusedCustomerMismatch), nil
	}
	return toyRefused(r, reason.Reason), &reason
}

func toyRefused(r Record, reason topics.RefusalCode) []Output {
	return []Output{{Topic: topics.Events, Key: r.Key, Value: fmt.Appendf(nil, "refused %s %s", r.Value, reason),
		Envelope: topics.Envelope{Type: "toy.refused"}}}
}

func (s *toyState) Write(b *pgx.Batch) {
	var keys []string
	var totals []int64
	for key := range s.dirty {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		totals = append(totals, s.totals[key])
	}
	if len(keys) > 0 {
		b.Queue(`INSERT INTO toy (partition, key, total) SELECT $1, u.key, u.total FROM unnest($2::text[], $3::int8[]) AS u (key, total)
			ON CONFLICT (partition, key) DO UPDATE SET total = excluded.total`, s.partition, keys, totals)
	}
}

func (s *toyState) Written() { clear(s.dirty) }
func (s *toyState) Close()   { s.closed = true }

// published is a record as a reader of the outputs sees it.
type published struct{ topic, id, value string }

// model is the dumb one: what must be published of a partition's input, and the totals.
func model(partition int32, base int64, input []*kgo.Record) (out []published, totals map[string]int64) {
	totals = map[string]int64{}
	for _, r := range input {
		record := recordOf(r, base+r.Offset)
		key, value := string(r.Key), string(r.Value)
		var outputs []Output
		digits, numbered := strings.CutPrefix(value, "add ")
		n, err := strconv.ParseInt(digits, 10, 64)
		numbered = numbered && err == nil
		switch {
		case value == "poison", value == "nul", value == "panic", value == "big":
			outputs = toyRefused(record, topics.RefusedPoison)
		case value == "taken":
			outputs = toyRefused(record, topics.RefusedCustomerMismatch)
		case value == "hopeless":
		case numbered:
			totals[key] += n
			outputs = toyOutputs(record, totals[key])
		default:
			outputs = toyRefused(record, topics.RefusedUndecodable)
		}
		if !numbered && value != "taken" {
			outputs = append(outputs, Output{Topic: topics.InboxDeadLetters, Value: fmt.Appendf(nil, "dead %d", r.Offset)})
		}
		identify("", partition, base+r.Offset, record.Time, outputs)
		for _, o := range outputs {
			out = append(out, published{o.Topic, o.Envelope.ID, string(o.Value)})
		}
	}
	return out, totals
}

// bench is a broker, a database and the toy.
type bench struct {
	t          testing.TB
	broker     *brokertest.Broker
	db         *database.DB
	partitions int32
	program    *toy
	client     *kgo.Client // produces the input
}

func newBench(t testing.TB, partitions int32) *bench {
	t.Helper()
	b := &bench{t: t, broker: brokertest.New(t, partitions), db: databasetest.New(t), partitions: partitions}
	if _, err := b.db.Pool.Exec(t.Context(), toySchema); err != nil {
		t.Fatal(err)
	}
	b.program = &toy{db: b.db}
	b.client = b.broker.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
	return b
}

func testLimits() Limits {
	return Limits{CommitInterval: 20 * time.Millisecond, Heartbeat: 100 * time.Millisecond, BackoffFirst: 10 * time.Millisecond,
		BackoffLast: 100 * time.Millisecond, BackoffStale: 200 * time.Millisecond, StoppedInterval: 200 * time.Millisecond,
		OffsetInterval: 100 * time.Millisecond, PublishTimeout: 5 * time.Second, DatabaseTimeout: 10 * time.Second}
}

func (b *bench) config(change ...func(*FoldConfig)) FoldConfig {
	config := FoldConfig{
		Role: "toy", Input: topics.Inbox, DeadLetters: topics.InboxDeadLetters, Format: 1, Program: b.program, DB: b.db,
		Kafka: b.broker.Config.Options(discard()), Limits: testLimits(), Log: testLog(b.t),
	}
	for _, f := range change {
		f(&config)
	}
	return config
}

// start runs a Fold until the test ends or stop is called.
func (b *bench) start(change ...func(*FoldConfig)) (fold *Fold, stop func()) {
	b.t.Helper()
	fold, err := NewFold(b.config(change...))
	if err != nil {
		b.t.Fatal(err)
	}
	return fold, runUntil(b.t, fold.Run)
}

// send produces values "key value" to a partition of the input.
func (b *bench) send(partition int32, lines ...string) {
	b.t.Helper()
	var records []*kgo.Record
	for _, line := range lines {
		key, value, _ := strings.Cut(line, " ")
		records = append(records, &kgo.Record{Topic: topics.Inbox, Partition: partition, Key: []byte(key), Value: []byte(value)})
	}
	if err := b.client.ProduceSync(b.t.Context(), records...).FirstErr(); err != nil {
		b.t.Fatal(err)
	}
}

// sendAdds produces n additions spread over the partitions and a few keys.
func (b *bench) sendAdds(n int) {
	b.t.Helper()
	for p := range b.partitions {
		var lines []string
		for i := int(p); i < n; i += int(b.partitions) {
			lines = append(lines, fmt.Sprintf("k%d add %d", i%7, i%5+1))
		}
		b.send(p, lines...)
	}
}

// end is the end offset of the input's partition.
func (b *bench) end(topic string, partition int32) int64 {
	b.t.Helper()
	offsets, err := b.broker.Admin(b.t).ListEndOffsets(b.t.Context(), topic)
	if err != nil {
		b.t.Fatal(err)
	}
	listed, _ := offsets.Lookup(topic, partition)
	return listed.Offset
}

// waitFor waits until a condition holds.
func waitFor(t testing.TB, what string, condition func() bool) {
	t.Helper()
	until.True(t, 3*time.Minute, what, condition) // of liveness: a busy machine is no failure
}

// waitPublished waits until everything in the input is published, from a base, and readers see it.
func (b *bench) waitPublished(base int64) {
	b.t.Helper()
	for p := range b.partitions {
		want := base + b.end(topics.Inbox, p)
		waitFor(b.t, fmt.Sprintf("partition %d is published up to %d; now %v", p, want, b.declared(p)), func() bool {
			return b.declared(p) >= want
		})
	}
	// The markers of one transaction reach its partitions one after the other.
	if _, err := broker.CommittedEnds(b.t.Context(), b.broker.Admin(b.t), topics.Events, topics.Entries, topics.InboxDeadLetters); err != nil {
		b.t.Fatal(err)
	}
}

// declared is the last committed position of a partition, read as a consumer does; -1 where there is none.
func (b *bench) declared(partition int32) int64 {
	position := int64(-1)
	for _, r := range b.readCommitted(topics.Positions, partition) {
		if string(r.Key) == "toy" {
			p, err := decodePosition(r.Value)
			if err != nil {
				b.t.Fatal(err)
			}
			position = p.Next
		}
	}
	return position
}

// readCommitted reads a partition as BI does, up to its committed end: the last thing before that is a marker, or a record that
// is committed.
func (b *bench) readCommitted(topic string, partition int32) []*kgo.Record {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 2*time.Minute)
	defer cancel()
	end := b.end(topic, partition)
	if end == 0 {
		return nil
	}
	committed, err := b.broker.Admin(b.t).ListCommittedOffsets(ctx, topic)
	if err != nil {
		b.t.Fatal(err)
	}
	listed, _ := committed.Lookup(topic, partition)
	starts, err := b.broker.Admin(b.t).ListStartOffsets(ctx, topic)
	if err != nil {
		b.t.Fatal(err)
	}
	start, _ := starts.Lookup(topic, partition)
	if listed.Offset <= start.Offset {
		return nil
	}
	client, err := kgo.NewClient(append(b.broker.Config.Options(discard()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(start.Offset)}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.FetchMaxWait(50*time.Millisecond))...)
	if err != nil {
		b.t.Fatal(err)
	}
	defer client.Close()
	var records []*kgo.Record
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			b.t.Fatalf("reading %s/%d: %v", topic, partition, ctx.Err())
		}
		reached := false
		fetches.EachRecord(func(r *kgo.Record) {
			reached = reached || r.Offset >= listed.Offset-1
			if !r.Attrs.IsControl() {
				records = append(records, r)
			}
		})
		if reached {
			return records
		}
	}
}

// check compares everything published and stored with the model: each output exactly once and in order.
func (b *bench) check(base int64) {
	b.t.Helper()
	for p := range b.partitions {
		want, totals := model(p, base, b.readCommitted(topics.Inbox, p))
		for _, topic := range []string{topics.Events, topics.Entries, topics.InboxDeadLetters} {
			b.checkTopic(p, topic, want)
		}
		rows, err := b.db.Pool.Query(b.t.Context(), `SELECT key, total FROM toy WHERE partition = $1`, p)
		if err != nil {
			b.t.Fatal(err)
		}
		stored := map[string]int64{}
		for rows.Next() {
			var key string
			var total int64
			if err := rows.Scan(&key, &total); err != nil {
				b.t.Fatal(err)
			}
			stored[key] = total
		}
		if fmt.Sprint(stored) != fmt.Sprint(totals) {
			b.t.Errorf("partition %d: totals\n got %v\nwant %v", p, stored, totals)
		}
	}
}

func (b *bench) checkTopic(p int32, topic string, all []published) {
	b.t.Helper()
	var want, got []published
	for _, o := range all {
		if o.topic == topic {
			want = append(want, o)
		}
	}
	for _, r := range b.readCommitted(topic, p) {
		var headers []topics.Header
		for _, h := range r.Headers {
			headers = append(headers, topics.Header{Key: h.Key, Value: h.Value})
		}
		envelope, err := topics.ParseEnvelope(headers)
		if err != nil {
			b.t.Fatal(err)
		}
		value := string(r.Value)
		if topic == topics.InboxDeadLetters {
			var letter topics.DeadLetter
			if err := topics.Unmarshal(r.Value, &letter); err != nil {
				b.t.Fatal(err)
			}
			value = fmt.Sprintf("dead %d", letter.Offset)
		}
		got = append(got, published{topic, envelope.ID, value})
	}
	if len(got) != len(want) {
		b.t.Errorf("partition %d: %s has %d records, want %d", p, topic, len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			b.t.Fatalf("partition %d: %s record %d\n got %v\nwant %v", p, topic, i, got[i], want[i])
		}
	}
}

// settle waits until everything is published and checks it.
func (b *bench) settle() {
	b.t.Helper()
	b.waitPublished(0)
	b.check(0)
}

func adminOf(b *bench) *kadm.Client { return b.broker.Admin(b.t) }

func (s *toyState) LoadRestored(context.Context, []Restored) error { return nil }

// Restore takes the totals from the events.
func (s *toyState) Restore(r Restored) error {
	for _, o := range r.Outputs {
		var key string
		var n, total int64
		if o.Topic != topics.Events || o.Envelope.Type != "toy.added" {
			continue
		}
		if _, err := fmt.Sscanf(string(o.Value), "%s add %d %d", &key, &n, &total); err != nil {
			return err
		}
		s.totals[key], s.dirty[key] = total, true
	}
	return nil
}
