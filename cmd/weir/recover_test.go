package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/topics"
)

// recover runs weir recover with the world's broker and database.
func (w *deadLetterWorld) recover(t *testing.T, want int, args string) string {
	t.Helper()
	line := append([]string{"recover"}, strings.Fields(args)...)
	line = append(line, "--database-url", w.db.URL(), "--brokers", strings.Join(w.broker.Config.Brokers, ","),
		"--set", fmt.Sprintf("kafka.partitions=%d", deadLetterPartitions))
	code, out, errOut := weir(t, nil, line...)
	if code != want {
		t.Fatalf("recover %s: exit code %d, want %d\n%s%s", args, code, want, out, errOut)
	}
	return out
}

// lose deletes a topic and creates it anew, empty.
func (w *deadLetterWorld) lose(t *testing.T, topic string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	adm := w.broker.Admin(t)
	if _, err := adm.DeleteTopic(ctx, topic); err != nil {
		t.Fatal(err)
	}
	until(t, func() string { // brokers learn of it a moment after the controller
		have, err := adm.ListTopics(kadm.WithAuthorizedOps(ctx), topic) // which is never answered from the client's cache
		return fmt.Sprintf("there: %t, %v", have.Has(topic), err)
	}, "there: false, <nil>")
	if err := broker.ApplyTopics(ctx, adm, deadLetterPartitions, 1); err != nil {
		t.Fatal(err)
	}
}

// customers has one customer of each partition.
func customers() []string {
	found := make([]string, deadLetterPartitions)
	for n, missing := 0, deadLetterPartitions; missing > 0; n++ {
		customer := fmt.Sprintf("cus_%d", n)
		if p := topics.PartitionOf("acme", customer, deadLetterPartitions); found[p] == "" {
			found[p] = customer
			missing--
		}
	}
	return found
}

// TestRecover: a topic is lost while the engine is away. Its partitions stop for the reason that docs/operations.md
// names, another repair leaves them alone, the one named there lets them go on, and what was done is neither lost nor
// done again.
func TestRecover(t *testing.T) {
	const republish, adopt = "republish --from end --all", "adopt --offset start --all"
	for _, test := range []struct {
		lost, reason  string
		wrong, repair string
		says          string
	}{
		{topics.Positions, "position_missing", adopt, republish, "partition %d: published from position "},
		{topics.Inbox, "topic_changed", republish, adopt, "partition %d: adopted, base is "},
	} {
		t.Run(test.lost, func(t *testing.T) {
			w := newDeadLetterWorld(t)
			var commands [][]byte
			lives := map[string]string{} // by payment
			t.Run("before", func(t *testing.T) {
				w.start(t)
				for _, customer := range customers() {
					value, id := w.create(t, customer)
					w.produce(t, value)
					commands = append(commands, value)
					lives[id] = until(t, func() string { return w.life(t, id) }, "captured")
				}
			})
			if got := w.recover(t, exitOK, "show"); strings.Count(got, "goes on") != deadLetterPartitions {
				t.Fatalf("before anything is lost:\n%s", got)
			}
			w.lose(t, test.lost)
			if got := w.recover(t, exitProblem, "show"); strings.Count(got, "stopped ("+test.reason+")") != deadLetterPartitions ||
				!strings.Contains(got, "weir recover "+strings.Fields(test.repair)[0]) {
				t.Errorf("%s lost:\n%s", test.lost, got)
			}
			if got := w.recover(t, exitOK, test.wrong); got != "0 of 0 partitions repaired\n" {
				t.Errorf("%s:\n%s", test.wrong, got)
			}
			got := w.recover(t, exitOK, test.repair)
			for p := range deadLetterPartitions {
				if !strings.Contains(got, fmt.Sprintf(test.says, p)) {
					t.Errorf("%s says nothing of partition %d:\n%s", test.repair, p, got)
				}
			}
			if got := w.recover(t, exitOK, "show"); strings.Count(got, "goes on") != deadLetterPartitions {
				t.Errorf("repaired:\n%s", got)
			}

			w.start(t)
			for i, customer := range customers() {
				w.produce(t, commands[i]) // its producer sends it again
				w.settle(t, customer)
			}
			for id, life := range lives {
				if again := w.life(t, id); again != life {
					t.Errorf("after the repair:\n%s\nbefore:\n%s", again, life)
				}
			}
			w.fsck(t)
		})
	}
}
