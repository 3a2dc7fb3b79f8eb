package crashtest

import (
	"context"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/processors/payments"
	"github.com/weirhq/weir/topics"
)

const monthOfTwoHundred = `
version: 1
gaming_limits:
  - { kind: deposit, period: month, amounts: ["200.00 EUR"] }
`

// Of a thousand deposits at once of one customer, with a limit of five of them in a month, exactly five pass, though the
// process that decides on them is killed in the middle.
func TestAThousandDepositsAtOnce(t *testing.T) {
	const attempts, limit = 1000, 5
	for _, names := range [][]string{nil, {"two", "three"}} {
		t.Run(fmt.Sprintf("%d processes", 1+len(names)), func(t *testing.T) {
			w := counting(t, monthOfTwoHundred, names...)
			w.roles = "risk, velocity, payments"
			for _, e := range w.engines {
				w.configure(e)
				e.start("")
			}
			decides := topics.PartitionOf(tenant, "cus_0", partitions)
			var victim *engine
			w.awaitOwners("weir-"+payments.Role, "every partition is folded", func(owners map[int32]string, _ []string) bool {
				for _, e := range w.engines {
					if e.name == owners[decides] {
						victim = e
					}
				}
				return len(owners) == partitions && victim != nil
			})
			for _, e := range w.engines {
				e.ready()
			}
			var commands []topics.Command
			for range attempts {
				commands = append(commands, attempt(0, "fp_1"))
			}
			read := w.outcomes()
			w.killMidway(victim, commands, 10*limit, read.await)
			if read.passed != limit || read.blocked != attempts-limit {
				t.Errorf("%d deposits pass and %d are blocked, want %d and %d", read.passed, read.blocked, limit, attempts-limit)
			}
		})
	}
}

// outcomes follows what became of create commands, as BI reads it.
type outcomes struct {
	w               *world
	client          *kgo.Client
	passed, blocked int
}

func (w *world) outcomes() *outcomes {
	w.t.Helper()
	client, err := kgo.NewClient(append(w.kafka(), kgo.ConsumeTopics(topics.Events), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()))...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(client.Close)
	return &outcomes{w: w, client: client}
}

// await reads until n commands are decided on.
func (o *outcomes) await(n int) {
	o.w.t.Helper()
	ctx, cancel := context.WithTimeout(o.w.t.Context(), countedLimit)
	defer cancel()
	for o.passed+o.blocked < n {
		fetches := o.client.PollFetches(ctx)
		if ctx.Err() != nil {
			o.w.t.Fatalf("%d of %d deposits are decided on within %s\n%s", o.passed+o.blocked, n, countedLimit, o.w.engines[0].tail())
		}
		fetches.EachRecord(func(r *kgo.Record) {
			var e topics.PaymentEvent
			if err := topics.Unmarshal(r.Value, &e); err != nil {
				o.w.t.Fatal(err)
			}
			switch e.Type {
			case topics.EventAuthorizationRequested:
				o.passed++
			case topics.EventBlocked:
				o.blocked++
			}
		})
	}
}
