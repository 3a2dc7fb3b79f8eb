package risk_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	velocityrules "github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

// refuse makes partitions of a topic, all where none is named, take no writes until the fault is removed.
func (s *stage) refuse(topic string, refusing ...int32) *kfake.FaultHandle {
	s.t.Helper()
	if s.broker.Cluster == nil {
		s.t.Skip("a real broker cannot be told to fail")
	}
	return s.broker.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topic,
		Partitions: refusing, Err: kerr.NotEnoughReplicas, Count: 1 << 30})
}

func (s *stage) wantMissing(assessed map[string]topics.AssessedCommand) {
	s.t.Helper()
	for _, in := range assessed {
		if !in.Features["card_attempts_1h"].Missing || in.Decision.Outcome != topics.OutcomeBlock {
			s.t.Errorf("features %+v, outcome %s; want a missing answer, and what on_missing says", in.Features, in.Decision.Outcome)
		}
	}
}

// assess sends commands and returns their assessments.
func (s *stage) assess(commands ...topics.Command) map[string]topics.AssessedCommand {
	s.t.Helper()
	s.send(commands...)
	s.sent += len(commands)
	all, _ := s.assessed(s.sent)
	these := map[string]topics.AssessedCommand{}
	for _, c := range commands {
		these[c.CommandID] = all[c.CommandID]
	}
	return these
}

// wantCounted makes attempts on a card until one before is counted.
func (s *stage) wantCounted(card string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	for {
		c := attempt(card)
		feature := s.assess(c)[c.CommandID].Features["card_attempts_1h"]
		if !feature.Missing && feature.Value > 0 {
			return
		}
		if ctx.Err() != nil {
			s.t.Fatalf("feature %+v, want attempts that were counted", feature)
		}
	}
}

// What finds no room is missing at once, however long an answer may take.
func TestSignalsThatFindNoRoomAreMissing(t *testing.T) {
	s := newStage(t, fivePerHour)
	s.refuse(topics.Signals)
	s.within = time.Hour
	s.kafka = append(s.kafka, kgo.MaxBufferedRecords(1))
	s.risk()
	var commands []topics.Command
	for i := range 50 {
		commands = append(commands, attempt(fmt.Sprint("fp_", i)))
	}
	s.send(commands...)
	assessed, _ := s.assessed(len(commands))
	s.wantMissing(assessed)
}

// While no signal can be written, what velocity has to keep is not told either: it is told again, or nothing would ever be
// counted.
func TestSignalsAreCountedAfterAnOutage(t *testing.T) {
	s := newStage(t, fivePerHour)
	outage := s.refuse(topics.Signals)
	s.within = 50 * time.Millisecond
	s.velocity(nil)
	s.risk()
	// Longer than the client takes to give up what velocity has to keep.
	for began := time.Now(); time.Since(began) < 3*time.Second; {
		s.wantMissing(s.assess(attempt("fp_1")))
	}
	outage.Remove()
	s.wantCounted("fp_1")
}

// A partition that takes no signals does not keep the room of the others.
func TestSignalsOfAPartitionAreGivenUp(t *testing.T) {
	s := newStage(t, fivePerHour)
	owner := func(card string) int32 {
		return velocityrules.KeyOf("acme", "card.fingerprint", card).Partition(partitions)
	}
	const card = "fp_1"
	other := "fp_2"
	for n := 3; owner(other) == owner(card); n++ {
		other = fmt.Sprint("fp_", n)
	}
	s.refuse(topics.Signals, owner(card))
	s.within = 50 * time.Millisecond
	s.kafka = append(s.kafka, kgo.MaxBufferedRecords(2*partitions))
	s.velocity(nil)
	s.risk()
	for range 3 { // at first, there are also records of other partitions in the way
		var commands []topics.Command
		for range 50 {
			commands = append(commands, attempt(card))
		}
		s.wantMissing(s.assess(commands...))
	}
	s.wantCounted(other)
}

// What becomes of an attempt can only be counted where it is kept what the attempt was counted under. Where that cannot be
// written, the answers that counts of outcomes rest on are missing.
func TestAnAttemptThatCannotBeKeptHasNoAnswers(t *testing.T) {
	s := newStage(t, fiveApproved)
	outage := s.refuse(topics.Outcomes)
	s.within = 2 * time.Second // answers come long before
	s.velocity(nil)
	s.risk()
	answer := func() topics.Feature {
		c := attempt(fmt.Sprint("fp_", number.Load()))
		in := s.assess(c)[c.CommandID]
		if feature := in.Features["card_approved_1h"]; feature.Missing != (in.Decision.Outcome == topics.OutcomeBlock) {
			t.Errorf("feature %+v, outcome %s; want what on_missing says where it is missing", feature, in.Decision.Outcome)
		}
		return in.Features["card_approved_1h"]
	}
	for range 2 {
		if feature := answer(); !feature.Missing {
			t.Errorf("feature %+v, want a missing answer", feature)
		}
	}
	outage.Remove()
	s.await("attempts are kept again", func() bool { return !answer().Missing })
}

// cardAndAddress asks two questions, of two partitions as a rule.
const cardAndAddress = `
version: 1
velocity:
  - { name: card_attempts_1h, aggregate: count, events: [attempt], by: card.fingerprint, window: 1h }
  - { name: ip_attempts_1h, aggregate: count, events: [attempt], by: context.ip, window: 1h }
rules:
  - { name: card_testing, when: velocity.card_attempts_1h >= 5 || velocity.ip_attempts_1h >= 5, outcome: block, on_missing: block }
`

// Answers that velocity has no more are missing at once; those of another partition are still waited for.
func TestLostAnswersAreMissing(t *testing.T) {
	s := newStage(t, cardAndAddress)
	s.within = time.Hour
	s.risk()
	const n = 16
	var commands []topics.Command
	for i := range n {
		c := attempt(fmt.Sprint("fp_", i))
		c.Context = &topics.Context{IP: fmt.Sprintf("198.51.100.%d", i)}
		commands = append(commands, c)
	}
	s.send(commands...)
	asked := 0
	client := s.broker.Client(t, kgo.ConsumeTopics(topics.Signals), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	var answers []*kgo.Record
	for asked < 2*n {
		fetches := client.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			_ = velocityrules.EachFrame(r.Value, func(frame []byte) error {
				var signal velocityrules.Signal
				if err := signal.Decode(frame); err != nil {
					return nil // what velocity has to keep
				}
				asked += len(signal.Dimensions)
				reply := velocityrules.Reply{Origin: signal.Origin, Command: signal.Command, Lost: true}
				for _, d := range signal.Dimensions {
					reply.Lost = reply.Lost && d.Field != "card.fingerprint"
				}
				for _, d := range signal.Dimensions {
					for _, q := range d.Queries {
						if !reply.Lost {
							reply.Answers = append(reply.Answers, velocityrules.Answer{ID: q.ID, Value: 3})
						}
					}
				}
				out := &kgo.Record{Topic: topics.Features, Partition: signal.Origin.Partition, Value: reply.Append(nil)}
				if reply.Lost { // before what is not
					answers = append([]*kgo.Record{out}, answers...)
				} else {
					answers = append(answers, out)
				}
				return nil
			})
		})
	}
	if err := s.client.ProduceSync(t.Context(), answers...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	missing := 0
	assessed, _ := s.assessed(n)
	for _, in := range assessed {
		if card := in.Features["card_attempts_1h"]; card.Missing || card.Value != 3 {
			t.Errorf("feature of the card %+v, want 3", card)
		}
		if in.Features["ip_attempts_1h"].Missing {
			missing++
		}
	}
	if missing == 0 {
		t.Error("no feature of an address is missing")
	}
}
