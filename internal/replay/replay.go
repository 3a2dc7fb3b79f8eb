// Package replay recomputes the decisions of the decision log from the commands in the inbox, under the rule sets that made
// them, and tells where another comes out.
package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// Commands are matched with decisions by id; what the clocks of brokers may differ bounds how long one is kept.
const (
	maxPending = 20_000
	keptFor    = time.Minute
)

// Config says what is replayed.
type Config struct {
	Kafka []kgo.Opt
	// Set is the rule set of a hash, nil where it is not to be had.
	Set func(hash string) *rules.Set
	// Edits are all edits of lists, of a log that keeps everything.
	Edits *rules.Edits
	// Since leaves out earlier decisions; the zero time: none.
	Since time.Time
	// Differs is called for each decision that does not come out again.
	Differs func(*Difference) error
}

// Difference is a decision and what is decided now.
type Difference struct {
	Recorded, Recomputed topics.Decision
}

// Summary counts decisions.
type Summary struct {
	Same, Different int
	// Gone are those whose commands the inbox does not hold any more: it is kept for 45 days.
	Gone int
	// Unread are those that had read edits of lists which are not to be had.
	Unread int
	// Unknown are those by a rule set that is not to be had, by its hash.
	Unknown map[string]int
}

// Run replays every partition.
func Run(ctx context.Context, c Config) (Summary, error) {
	s := Summary{Unknown: map[string]int{}}
	client, err := kgo.NewClient(c.Kafka...)
	if err != nil {
		return s, fmt.Errorf("kafka client: %w", err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	starts, err := admin.ListStartOffsets(ctx, topics.Decisions, topics.Inbox)
	if err = errors.Join(err, starts.Error()); err != nil {
		return s, fmt.Errorf("where the topics begin: %w", err)
	}
	// The ends of the decisions are taken first: each has its command before it then.
	decisions, err := admin.ListCommittedOffsets(ctx, topics.Decisions)
	if err = errors.Join(err, decisions.Error()); err != nil {
		return s, fmt.Errorf("where %s ends: %w", topics.Decisions, err)
	}
	inbox, err := admin.ListCommittedOffsets(ctx, topics.Inbox)
	if err = errors.Join(err, inbox.Error()); err != nil {
		return s, fmt.Errorf("where %s ends: %w", topics.Inbox, err)
	}
	for partition := range int32(len(decisions[topics.Decisions])) {
		p := run{config: &c, summary: &s, pending: map[string]*command{}}
		open := func(topic string, ends kadm.ListedOffsets) (*broker.PartitionReader, error) {
			from, _ := starts.Lookup(topic, partition)
			end, _ := ends.Lookup(topic, partition)
			return broker.OpenPartition(c.Kafka, topic, partition, from.Offset, end.Offset)
		}
		if p.decisions, err = open(topics.Decisions, decisions); err != nil {
			return s, err
		}
		if p.inbox, err = open(topics.Inbox, inbox); err != nil {
			p.decisions.Close()
			return s, err
		}
		err := p.run(ctx)
		p.decisions.Close()
		p.inbox.Close()
		if err != nil {
			return s, fmt.Errorf("replay partition %d: %w", partition, err)
		}
	}
	return s, nil
}

// run is the replay of one partition. Decisions stand in the order of the inbox records that they were published for.
type run struct {
	config           *Config
	summary          *Summary
	decisions, inbox *broker.PartitionReader
	ahead            *kgo.Record         // of the inbox, read and not yet reached by time
	pending          map[string]*command // by command id
}

// command is an assessed command that waits for its decision.
type command struct {
	in topics.AssessedCommand
	at time.Time // of the inbox record
}

func (r *run) run(ctx context.Context) error {
	var err error
	if r.ahead, err = r.inbox.Next(ctx); err != nil {
		return err
	}
	for {
		record, err := r.decisions.Next(ctx)
		if err != nil || record == nil {
			return err
		}
		var d topics.Decision
		if err := topics.Unmarshal(record.Value, &d); err != nil {
			return fmt.Errorf("%s offset %d: %w", record.Topic, record.Offset, err)
		}
		if d.At.Before(r.config.Since) {
			continue
		}
		if err := r.reach(ctx, d.At); err != nil {
			return err
		}
		if err := r.compare(&d); err != nil {
			return err
		}
	}
}

// reach reads the inbox up to a time. Of a command that was assessed twice the first assessment counts.
func (r *run) reach(ctx context.Context, at time.Time) error {
	for r.ahead != nil && !r.ahead.Timestamp.After(at) {
		if isCommand(r.ahead) && !r.ahead.Timestamp.Before(r.config.Since.Add(-keptFor)) {
			c := command{at: r.ahead.Timestamp}
			if err := topics.Unmarshal(r.ahead.Value, &c.in); err != nil {
				return fmt.Errorf("%s offset %d: %w", r.ahead.Topic, r.ahead.Offset, err)
			}
			if id := c.in.Command.CommandID; c.in.Decision.RuleSet != "" && r.pending[id] == nil {
				r.pending[id] = &c
			}
		}
		var err error
		if r.ahead, err = r.inbox.Next(ctx); err != nil {
			return err
		}
	}
	if len(r.pending) > maxPending {
		for id, c := range r.pending {
			if c.at.Before(at.Add(-keptFor)) {
				delete(r.pending, id)
			}
		}
	}
	return nil
}

func isCommand(r *kgo.Record) bool {
	for _, h := range r.Headers {
		if h.Key == topics.HeaderType {
			return string(h.Value) == topics.TypeAssessedCommand
		}
	}
	return false
}

func (r *run) compare(d *topics.Decision) error {
	c := r.pending[d.CommandID]
	if c == nil {
		r.summary.Gone++
		return nil
	}
	delete(r.pending, d.CommandID)
	set := r.config.Set(d.RuleSet)
	if d.ListEdits > r.config.Edits.Version() {
		r.summary.Unread++
		return nil
	}
	if set == nil {
		r.summary.Unknown[d.RuleSet]++
		return nil
	}
	again := set.Evaluate(rules.Input{Command: &c.in.Command, Enrichment: c.in.Enrichment, Features: c.in.Features,
		Now: c.in.AssessedAt, Tripped: d.Tripped, Edits: r.config.Edits.At(d.ListEdits)})
	same, err := equal(*d, again)
	if err != nil {
		return err
	}
	if same {
		r.summary.Same++
		return nil
	}
	r.summary.Different++
	return r.config.Differs(&Difference{Recorded: *d, Recomputed: again})
}

// equal compares the bytes that two decisions have in a topic, without what stands around a decision there.
func equal(recorded, again topics.Decision) (bool, error) {
	recorded.Tenant, recorded.CustomerID, recorded.PaymentID, recorded.At = "", "", "", time.Time{}
	recorded.Candidate, recorded.Enrichment, recorded.Features = nil, nil, nil
	a, err := topics.Marshal(&recorded)
	if err != nil {
		return false, err
	}
	b, err := topics.Marshal(&again)
	return bytes.Equal(a, b), err
}
