// Package replay recomputes the decisions of the decision log from the commands in the inbox, under the rule sets that made
// them, and tells where another comes out.
package replay

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
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
	ends, err := FindEnds(ctx, c.Kafka)
	if err != nil {
		return s, err
	}
	for partition := range ends.Partitions() {
		if err := s.partition(ctx, &c, ends, partition); err != nil {
			return s, fmt.Errorf("replay partition %d: %w", partition, err)
		}
	}
	return s, nil
}

func (s *Summary) partition(ctx context.Context, c *Config, ends *Ends, partition int32) error {
	log, err := ends.Open(partition, c.Since)
	if err != nil {
		return err
	}
	defer log.Close()
	for {
		e, err := log.Next(ctx)
		if err != nil || e == nil {
			return err
		}
		if err := s.compare(c, e); err != nil {
			return err
		}
	}
}

func (s *Summary) compare(c *Config, e *Entry) error {
	d := &e.Decision
	if d.RuleSet == "" {
		return nil // no rule decided
	}
	if e.Input == nil {
		s.Gone++
		return nil
	}
	set := c.Set(d.RuleSet)
	if d.ListEdits > c.Edits.Version() {
		s.Unread++
		return nil
	}
	if set == nil {
		s.Unknown[d.RuleSet]++
		return nil
	}
	e.Input.Tripped, e.Input.Edits = d.Tripped, c.Edits.At(d.ListEdits)
	again := set.Evaluate(*e.Input)
	same, err := equal(*d, again)
	if err != nil {
		return err
	}
	if same {
		s.Same++
		return nil
	}
	s.Different++
	return c.Differs(&Difference{Recorded: *d, Recomputed: again})
}

// equal compares the bytes that two decisions have in a topic, without what stands around a decision there.
func equal(recorded, again topics.Decision) (bool, error) {
	recorded.Tenant, recorded.CustomerID, recorded.PaymentID, recorded.At = "", "", "", time.Time{}
	recorded.Candidate, recorded.Enrichment, recorded.Features, recorded.GamingLimit, recorded.ApprovedBy = nil, nil, nil, nil, ""
	a, err := topics.Marshal(&recorded)
	if err != nil {
		return false, err
	}
	b, err := topics.Marshal(&again)
	return bytes.Equal(a, b), err
}
