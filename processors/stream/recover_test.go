package stream

import (
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

func (b *bench) recovery() *Recovery {
	b.t.Helper()
	r, err := NewRecovery(b.config())
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// verdicts are the reasons by which Show expects partitions to stop, "" for none.
func (b *bench) verdicts() (reasons []StopReason) {
	b.t.Helper()
	conditions, err := b.recovery().Show(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range conditions {
		reason := StopReason("")
		if stopped, ok := c.Verdict.(*StopError); ok {
			reason = stopped.Reason
		}
		reasons = append(reasons, reason)
	}
	return reasons
}

func (b *bench) wantVerdicts(want StopReason) {
	b.t.Helper()
	for p, reason := range b.verdicts() {
		if reason != want {
			b.t.Errorf("partition %d: verdict %q, want %q", p, reason, want)
		}
	}
}

// fold runs a Fold over what is in the input and n more records, and stops it.
func (b *bench) fold(n int) {
	b.t.Helper()
	_, stop := b.start()
	b.sendAdds(n)
	b.waitPublished(0)
	stop()
}

func TestShowOfAHealthyFold(t *testing.T) {
	b := newBench(t, 2)
	b.wantVerdicts("")
	b.fold(50)
	b.wantVerdicts("")
	conditions, err := b.recovery().Show(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range conditions {
		if c.Applied != 25 || c.Published != 25 || c.End != 25 || !c.Known || !c.Declared {
			t.Errorf("%+v", c)
		}
	}
}

func TestAdoptARecreatedInput(t *testing.T) {
	b := newBench(t, 2)
	b.fold(60)
	b.recreate(topics.Inbox)
	b.wantVerdicts(StopTopicChanged)
	fold, _ := b.start() // runs meanwhile
	for p := range b.partitions {
		waitStopped(t, fold, p)
	}
	for p := range b.partitions {
		position, err := b.recovery().Adopt(t.Context(), p, OffsetStart)
		if err != nil {
			t.Fatal(err)
		}
		if position.Base != 30 || position.Next != 30 {
			t.Errorf("partition %d: %+v", p, position)
		}
	}
	before := len(b.readCommitted(topics.Events, 0))
	b.sendAdds(40)
	b.waitPublished(30)
	events := b.readCommitted(topics.Events, 0)
	if got := len(events) - before; got != 20 {
		t.Errorf("%d events for 20 records of the new topic", got)
	}
	envelope, _ := topics.ParseEnvelope(recordOf(events[before], 0).Headers)
	if envelope.ID != "0-30-0" {
		t.Errorf("the first id is %s, want 0-30-0: positions go on", envelope.ID)
	}
	b.wantVerdicts("")
}

func TestAdoptAnOffset(t *testing.T) {
	b := newBench(t, 1)
	b.fold(20)
	b.exec(`UPDATE stream_positions SET last_hash = '\x00'`)
	b.wantVerdicts(StopHashMismatch)
	for _, wrong := range []string{"", "-1", "21", "x"} {
		if _, err := b.recovery().Adopt(t.Context(), 0, wrong); err == nil {
			t.Errorf("offset %q is taken", wrong)
		}
	}
	if _, err := b.recovery().Adopt(t.Context(), 0, "20"); err != nil {
		t.Fatal(err)
	}
	b.wantVerdicts("")
	b.fold(10)
	b.check(0)
}

func TestRepublishAfterALostPositionsTopic(t *testing.T) {
	b := newBench(t, 1)
	b.fold(50)
	b.recreate(topics.Positions)
	b.wantVerdicts(StopPositionMissing)
	if _, err := b.recovery().Adopt(t.Context(), 0, OffsetEnd); err == nil {
		t.Error("adopted while the published position is missing")
	}
	if _, err := b.recovery().Republish(t.Context(), 0, "51"); err == nil {
		t.Error("declares what is not applied")
	}
	if _, err := b.recovery().Republish(t.Context(), 0, FromEnd); err != nil {
		t.Fatal(err)
	}
	b.fold(10)
	b.check(0)
	if _, err := b.recovery().Republish(t.Context(), 0, "57"); err != nil {
		t.Fatal(err)
	}
	before := len(b.readCommitted(topics.Events, 0))
	_, stop := b.start()
	b.waitPublished(0)
	stop()
	if got := len(b.readCommitted(topics.Events, 0)) - before; got != 3 {
		t.Errorf("%d events published again, want 3", got)
	}
	if _, err := b.recovery().Republish(t.Context(), 0, "60"); err != nil {
		t.Error(err)
	}
}

func TestImportIntoARestoredDatabase(t *testing.T) {
	outputs := []string{topics.Events, topics.Entries, topics.InboxDeadLetters}
	for name, lost := range map[string]int64{"the last": 7, "more than a window": 600, "everything": -1} {
		t.Run(name, func(t *testing.T) {
			parallel(t)
			b := newBench(t, 1)
			b.send(0, "k bad", "k add 2")
			b.fold(700)
			b.send(0, "k2 bad", "k1 panic", "k6 add 2", "k5 bad")
			b.fold(1)
			total := b.end(topics.Inbox, 0)
			b.rewind(lost)
			b.wantVerdicts(StopDatabaseBehind)
			from, to, err := b.recovery().Import(t.Context(), 0, outputs)
			if err != nil {
				t.Fatal(err)
			}
			if to != total || lost > 0 && from != total-lost {
				t.Errorf("imported [%d, %d)", from, to)
			}
			b.wantVerdicts("")
			b.check(0)
			if _, _, err := b.recovery().Import(t.Context(), 0, outputs); err == nil {
				t.Error("imported twice")
			}
			b.fold(30)
			b.check(0)
			// The log is as good as the original: publish all of it again and compare.
			if _, err := b.recovery().Republish(t.Context(), 0, "0"); err != nil {
				t.Fatal(err)
			}
			before := b.readCommitted(topics.Events, 0)
			_, stop := b.start()
			b.waitPublished(0)
			stop()
			again := b.readCommitted(topics.Events, 0)[len(before):]
			if len(again) != len(before) {
				t.Fatalf("%d events in the log, want %d", len(again), len(before))
			}
			for i := range before {
				if string(before[i].Value) != string(again[i].Value) || !sameHeaders(before[i].Headers, again[i].Headers) ||
					string(before[i].Key) != string(again[i].Key) {
					t.Fatalf("event %d\n got %v\nwant %v", i, again[i], before[i])
				}
			}
		})
	}
}

func sameHeaders(a, b []kgo.RecordHeader) bool {
	return slices.EqualFunc(a, b, func(x, y kgo.RecordHeader) bool { return x.Key == y.Key && string(x.Value) == string(y.Value) })
}

// rewind makes the database what it was n records ago; -1: before the first.
func (b *bench) rewind(n int64) {
	b.t.Helper()
	if n < 0 {
		b.exec(`DELETE FROM stream_positions`)
		b.exec(`DELETE FROM stream_log`)
		b.exec(`DELETE FROM toy`)
		return
	}
	b.exec(`UPDATE stream_positions SET next = next - $1, last_hash = ''`, n)
	b.exec(`DELETE FROM stream_log WHERE position >= (SELECT next FROM stream_positions)`)
	_, totals := model(0, 0, b.readCommitted(topics.Inbox, 0)[:b.end(topics.Inbox, 0)-n])
	b.exec(`DELETE FROM toy`)
	for key, total := range totals {
		b.exec(`INSERT INTO toy VALUES (0, $1, $2)`, key, total)
	}
}
