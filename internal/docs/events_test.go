package docs

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// awaitDecision waits until a decision on an event of a customer is published.
func (w *world) awaitDecision(t *testing.T, customer string) {
	t.Helper()
	client, err := kgo.NewClient(append(w.engine.Kafka, kgo.ConsumeTopics(topics.Decisions), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), settleWithin)
	defer cancel()
	for decided := false; !decided; {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("nothing is decided on an event of %s within %s", customer, settleWithin)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			var d topics.Decision
			if err := topics.Unmarshal(r.Value, &d); err != nil {
				t.Fatal(err)
			}
			decided = decided || d.CustomerID == customer && d.EventID != "" && d.Stage == topics.StageEvent
		})
	}
}
