package crashtest

import (
	"context"
	"fmt"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/processors/risk"
	"github.com/weirhq/weir/topics"
)

// loginsOfDevice counts what no rule for events looks at.
const loginsOfDevice = `
version: 1
velocity:
  - { name: device_logins_1h, aggregate: count, events: [event.login], by: context.device_id, window: 1h }
rules:
  - { name: busy_device, when: velocity.device_logins_1h >= 100, outcome: block, on_missing: block }
`

// tell writes customer events, each twice, one after the other. The error comes on the channel.
func (w *world) tell(events []topics.CustomerEvent) <-chan error {
	w.t.Helper()
	client := w.producer()
	done := make(chan error, 1)
	go func() {
		for i := range events {
			value, err := topics.Marshal(&events[i])
			if err != nil {
				done <- err
				return
			}
			for range 2 {
				record := &kgo.Record{Topic: topics.CustomerEvents, Key: []byte(events[i].CustomerID), Value: value,
					Partition: topics.PartitionOf(tenant, events[i].CustomerID, partitions)}
				if err := client.ProduceSync(w.t.Context(), record).FirstErr(); err != nil {
					done <- err
					return
				}
			}
		}
		done <- nil
	}()
	return done
}

// told waits until n different events are assessed.
func (w *world) told(n int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), countedLimit)
	defer cancel()
	client, err := kgo.NewClient(append(w.kafka(), kgo.ConsumeTopics(topics.Inbox), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		w.t.Fatal(err)
	}
	defer client.Close()
	assessed := map[string]bool{}
	for len(assessed) < n {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			w.t.Fatalf("%d of %d events are assessed within %s\n%s", len(assessed), n, countedLimit, w.engines[0].tail())
		}
		fetches.EachRecord(func(r *kgo.Record) {
			var in topics.AssessedCustomerEvent
			if err := topics.Unmarshal(r.Value, &in); err != nil {
				w.t.Fatal(err)
			}
			if in.Event.EventID != "" {
				assessed[in.Event.EventID] = true
			}
		})
	}
}

// A payment sees every login before it once, though the processes that assess and count them are killed in between, and
// each login was sent twice.
func TestLoginsAreCountedOnceThroughKills(t *testing.T) {
	const logins, device, rounds = 240, "dev_1", 3 // in the last round nobody is killed
	w := counting(t, loginsOfDevice, "two")
	for _, e := range w.engines {
		e.start("")
	}
	w.awaitOwners("weir-"+risk.RoleNameEvents, "both processes assess events", func(owners map[int32]string, _ []string) bool {
		held := map[string]bool{}
		for _, name := range owners {
			held[name] = true
		}
		return len(owners) == partitions && len(held) == len(w.engines)
	})
	var events []topics.CustomerEvent
	for n := range logins {
		events = append(events, topics.CustomerEvent{EventID: uuid.Must(uuid.NewV7()).String(), Type: "login", Tenant: tenant,
			CustomerID: fmt.Sprintf("cus_%d", n), Context: &topics.Context{DeviceID: device}})
	}
	const each = logins / rounds
	for i := range rounds {
		written := w.tell(events[i*each : (i+1)*each])
		w.told(i*each + each/2)
		if i < len(w.engines) {
			w.engines[i].kill()
			w.engines[i].start("")
		}
		if err := <-written; err != nil {
			t.Fatal(err)
		}
	}
	w.told(logins)
	c := attempt(0, "fp_1")
	c.Context = &topics.Context{DeviceID: device}
	if err := <-w.write([]topics.Command{c}); err != nil {
		t.Fatal(err)
	}
	for read := w.assessments(); ; read.await(len(read.first) + 1) {
		in, ok := read.first[c.CommandID]
		if !ok {
			continue
		}
		if f := in.Features["device_logins_1h"]; f.Missing || f.Value != logins || in.Decision.Outcome != topics.OutcomeBlock {
			t.Errorf("the payment was answered %+v and is %s, want %d logins and a block", f, in.Decision.Outcome, logins)
		}
		return
	}
}
