package main

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/reference/schematest"
	"github.com/weirhq/weir/topics"
)

// TestRecordsFitTheirSchemas: every record in every topic is what its published schema says, after a payment, a command
// that is refused and one that nobody can read.
func TestRecordsFitTheirSchemas(t *testing.T) {
	w := newDeadLetterWorld(t)
	w.start(t)
	const unreadable = `{"command_id":`
	w.produce(t, []byte(unreadable))
	refused, _ := w.create(t, "cus 1")
	w.produce(t, refused)
	w.settle(t, "cus_1")
	until(t, func() string { return w.command(t, exitOK, "list") }, "undecodable")
	until(t, func() string { return w.written(t, topics.LedgerBalances) }, "written")

	schemas, seen := schematest.Compile(t), map[string]int{}
	for _, r := range w.everything(t) {
		kind := header(r, topics.HeaderType)
		if r.Topic == topics.Commands {
			kind = topics.TypeCommand // a producer need not say so
		}
		name, err := schemas.CheckRecord(r.Topic, kind, r.Value)
		if bad := string(r.Value) == string(refused) || string(r.Value) == unreadable; bad != (err != nil) {
			t.Errorf("%s, partition %d, offset %d: %v", r.Topic, r.Partition, r.Offset, err)
		}
		seen[name]++
	}
	delete(seen, "") // positions have no schema
	want := []string{"AssessedCommand", "Command", "DeadLetter", "Decision", "LedgerBalance", "LedgerEntry", "PSPReport", "PSPRequest", "PaymentEvent"}
	if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, want) {
		t.Errorf("records of %v, want %v", got, want)
	}
}

func header(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// written says whether a topic holds anything.
func (w *deadLetterWorld) written(t *testing.T, topic string) (state string) {
	t.Helper()
	ends, err := w.broker.Admin(t).ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	state = "empty"
	ends.Each(func(end kadm.ListedOffset) {
		if end.Offset > 0 {
			state = "written"
		}
	})
	return state
}

// everything reads the topics of the catalogue up to their present ends.
func (w *deadLetterWorld) everything(t *testing.T) (all []*kgo.Record) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var names []string
	for _, topic := range topics.Catalogue() {
		names = append(names, topic.Name)
	}
	ends, err := w.broker.Admin(t).ListEndOffsets(ctx, names...)
	if err != nil {
		t.Fatal(err)
	}
	type partition struct {
		topic  string
		number int32
	}
	missing := map[partition]int64{} // the end of each partition that is not read so far
	ends.Each(func(end kadm.ListedOffset) {
		if end.Offset > 0 {
			missing[partition{end.Topic, end.Partition}] = end.Offset
		}
	})
	reader := w.broker.Client(t, kgo.ConsumeTopics(names...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.KeepControlRecords())
	for len(missing) > 0 {
		fetches := reader.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if at := (partition{r.Topic, r.Partition}); r.Offset+1 >= missing[at] {
				delete(missing, at)
			}
			if !r.Attrs.IsControl() {
				all = append(all, r)
			}
		})
	}
	return all
}
