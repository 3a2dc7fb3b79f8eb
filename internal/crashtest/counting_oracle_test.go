package crashtest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

// What velocity does by default, which the oracle has to know.
const (
	standardSkew       = time.Minute
	standardReplyBytes = 16 << 20
)

// sixDimensions counts by six fields in four ways.
func sixDimensions() string {
	var b strings.Builder
	var reads []string
	b.WriteString("version: 1\nvelocity:\n")
	for i, by := range []string{"card.fingerprint", "context.device_id", "context.ip", "customer.id", "card.bin", "context.email"} {
		for _, d := range []struct{ name, how, limit string }{
			{"count", "count, window: 1h", "1000000"}, {"sum", "sum, currency: EUR, window: 24h", `money("1000000000.00 EUR")`},
			{"cards", "distinct, of: card.last4, window: 7d", "1000000"}, {"last", "since_last, window: 10m", `duration("9m")`},
		} {
			fmt.Fprintf(&b, "  - { name: d%d_%s, events: [attempt], by: %s, aggregate: %s }\n", i, d.name, by, d.how)
			reads = append(reads, fmt.Sprintf("velocity.d%d_%s >= %s", i, d.name, d.limit))
		}
	}
	fmt.Fprintf(&b, "rules:\n  - { name: any, when: '%s', outcome: block, on_missing: hold }\n", strings.Join(reads, " || "))
	return b.String()
}

// population makes attempts of a few customers, cards and devices that come again and again.
func population(r *rand.Rand, n int) []topics.Command {
	some := func(what string, of int) string { return fmt.Sprint(what, r.IntN(of)) }
	commands := make([]topics.Command, n)
	for i := range commands {
		c := attempt(r.IntN(300), some("fp_", 400))
		c.Amount, c.IssuedAt = 1+r.Int64N(10_000), time.Now().Add(-time.Duration(r.IntN(90))*time.Second)
		c.Card.BIN, c.Card.Last4 = fmt.Sprint(411111+r.IntN(20)), fmt.Sprintf("%04d", r.IntN(30))
		c.Context = &topics.Context{DeviceID: some("dev_", 200), IP: fmt.Sprint("203.0.113.", r.IntN(100)), Email: some("a", 300) + "@example.com"}
		commands[i] = c
	}
	return commands
}

// records reads a topic from its start to its end of now, by partition.
func (w *world) records(topic string) (all [partitions][]*kgo.Record) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), countedLimit)
	defer cancel()
	client, err := kgo.NewClient(append(w.kafka(), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		w.t.Fatal(err)
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil {
		w.t.Fatal(err)
	}
	left := int64(0)
	ends.Each(func(o kadm.ListedOffset) { left += o.Offset })
	for left > 0 {
		client.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			all[r.Partition] = append(all[r.Partition], r)
			left--
		})
		if err := ctx.Err(); err != nil {
			w.t.Fatalf("%s: %d records are missing: %v", topic, left, err)
		}
	}
	return all
}

// repeat writes the latest signals again, as they were, until so many are.
func (w *world) repeat(least int) (repeated int) {
	w.t.Helper()
	client := w.producer()
	for repeated < least {
		for p, records := range w.records(topics.Signals) {
			for _, r := range records[max(len(records)-120, 0):] {
				err := velocity.EachFrame(r.Value, func([]byte) error { repeated++; return nil })
				if err != nil {
					w.t.Fatal(err)
				}
				client.Produce(w.t.Context(), &kgo.Record{Topic: topics.Signals, Partition: int32(p), Value: r.Value}, nil)
			}
		}
		if err := client.Flush(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
	return repeated
}

// awaitCounted waits until velocity has counted every signal there is now.
func (w *world) awaitCounted() {
	w.t.Helper()
	admin := kadm.NewClient(w.producer())
	var lag map[int32]int64
	err := until(w.t.Context(), countedLimit, func() (bool, error) {
		ends, err := admin.ListEndOffsets(w.t.Context(), topics.Signals)
		if err != nil {
			return false, err
		}
		offsets, err := admin.FetchOffsets(w.t.Context(), velocityGroup)
		if err != nil {
			return false, err
		}
		lag = map[int32]int64{}
		for p := range int32(partitions) {
			end, _ := ends.Lookup(topics.Signals, p)
			if at, _ := offsets.Lookup(topics.Signals, p); at.At < end.Offset {
				lag[p] = end.Offset - at.At
			}
		}
		return len(lag) == 0, nil
	})
	if err != nil {
		w.t.Fatalf("signals that are not counted, by partition: %v: %v", lag, err)
	}
}

// answer names an answer: whose it is, and by its first query from which partition of the signals it comes.
type answer struct {
	origin velocity.Origin
	query  uint64
}

func (w *world) nameOf(frame []byte) answer {
	w.t.Helper()
	var reply velocity.Reply
	if err := reply.Decode(frame); err != nil {
		w.t.Fatal(err)
	}
	if len(reply.Answers) == 0 {
		return answer{origin: reply.Origin}
	}
	return answer{reply.Origin, reply.Answers[0].ID}
}

// oracle is what one fold of each partition's signals, in the order in which they stand, answers byte for byte.
func (w *world) oracle() map[answer]string {
	w.t.Helper()
	want := map[answer]string{}
	for _, records := range w.records(topics.Signals) {
		state := velocity.NewState(velocity.Limits{Skew: standardSkew, ReplyBytes: standardReplyBytes})
		for _, r := range records {
			err := velocity.EachFrame(r.Value, func(frame []byte) error {
				reply, ok, err := state.Apply(r.Timestamp.UnixMilli(), frame)
				if ok {
					want[w.nameOf(reply.Value)] = string(reply.Value)
				}
				return err
			})
			if err != nil {
				w.t.Fatal(err)
			}
		}
	}
	return want
}

// Answers of processes that are killed again and again are those of one fold over the same order of signals, byte for byte.
func TestVelocityAnswersAsNobodyHadDied(t *testing.T) {
	const commands, kills = 6000, 6
	w := counting(t, sixDimensions(), "two")
	r := rand.New(rand.NewPCG(seed(t), 5))
	for _, e := range w.engines {
		e.start("")
	}
	for _, e := range w.engines {
		e.ready()
	}
	read, repeated := w.assessments(), 0
	for i := range kills {
		written := w.write(population(r, commands/kills))
		read.await(commands/kills*i + r.IntN(commands/kills))
		victim := w.engines[i%2]
		victim.kill()
		repeated += w.repeat(40_000 / kills)
		victim.start("")
		read.await(commands / kills * (i + 1))
		if err := <-written; err != nil {
			t.Fatal(err)
		}
		victim.ready()
	}
	w.awaitCounted()
	want, answers, seen := w.oracle(), 0, map[answer]bool{}
	for _, records := range w.records(topics.Features) {
		for _, r := range records {
			err := velocity.EachFrame(r.Value, func(frame []byte) error {
				name := w.nameOf(frame)
				answers++
				if seen[name] = true; want[name] != string(frame) {
					t.Errorf("answer to %+v: %x, want %x", name.origin, frame, want[name])
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(seen) != len(want) {
		t.Errorf("%d signals are answered, want %d", len(seen), len(want))
	}
	missing := 0
	for in := range maps.Values(read.first) {
		for _, f := range in.Features {
			if f.Missing {
				missing++
			}
		}
	}
	if missing > 0 {
		t.Errorf("%d features are missing", missing)
	}
	if repeated < 40_000 || read.again == 0 {
		t.Errorf("%d signals were written again, %d commands assessed again: shows nothing", repeated, read.again)
	}
	t.Logf("%d answers to %d signals; %d were written again", answers, len(want), repeated)
}
