package ruletopic

import (
	"context"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/topics"
)

// Book is what the topic says.
type Book struct {
	Live, Candidate, Proposed *Deployment // the latest; nil: none. What decides is InForce
	History                   []topics.RuleDeployment
	sets                      map[string]*topics.RuleDeployment
	fourEyes                  bool // the configuration wants two people
}

// Deployment is a record with its place.
type Deployment struct {
	topics.RuleDeployment
	Offset int64
}

// Set is the first deployment of a rule set, with its archive; nil where it was never deployed. A hash may be shortened
// to its first digits; ambiguous says that several begin so.
func (b *Book) Set(hash string) (d *topics.RuleDeployment, ambiguous bool) {
	for of, set := range b.sets {
		if hash != "" && strings.HasPrefix(of, hash) {
			if d != nil {
				return nil, true
			}
			d = set
		}
	}
	return d, false
}

// Named is the deployment that a word names, with its archive: live (what is in force), candidate, proposed, or the first
// digits of the hash of a set that is one of these or ever was; nil where there is none.
func (b *Book) Named(word string) (d *topics.RuleDeployment, ambiguous bool) {
	now := map[string]*Deployment{topics.RulesLive: b.Live, topics.RulesCandidate: b.Candidate, topics.RulesProposed: b.Proposed}
	if word == topics.RulesLive {
		return b.InForce(), false
	}
	if named, is := now[word]; is {
		if named == nil {
			return nil, false
		}
		return &named.RuleDeployment, false
	}
	if d, ambiguous = b.Set(word); ambiguous {
		return nil, true
	}
	for _, other := range now {
		if other == nil || word == "" || !strings.HasPrefix(other.RuleSet, word) || d != nil && d.RuleSet == other.RuleSet {
			continue
		}
		if d != nil {
			return nil, true
		}
		d = &other.RuleDeployment
	}
	return d, false
}

// put takes one record.
func (b *Book) put(r *kgo.Record) error {
	key := string(r.Key)
	var d *Deployment
	if len(r.Value) > 0 {
		d = &Deployment{Offset: r.Offset}
		if err := topics.Unmarshal(r.Value, &d.RuleDeployment); err != nil {
			return fmt.Errorf("%s %d/%d: %w", r.Topic, r.Partition, r.Offset, err)
		}
	}
	if d != nil && (key == topics.RulesLive || key == topics.RulesCandidate) {
		d.Slot = key // the key decides, so that what says otherwise of itself is checked as what it is
	}
	switch {
	case key == topics.RulesLive:
		b.Live = d
	case key == topics.RulesCandidate:
		b.Candidate = d
	case key == topics.RulesProposed:
		b.Proposed = d
	case d == nil:
	case key == topics.RuleSetKey(d.RuleSet):
		b.sets[d.RuleSet] = &d.RuleDeployment
	case strings.HasPrefix(key, "history-"):
		b.History = append(b.History, d.RuleDeployment)
	}
	return nil
}

// Reader follows the topic.
type Reader struct {
	topic    *broker.Follower
	book     *Book
	fourEyes bool
}

// NewReader connects to the broker with options; Close ends it. fourEyes is whether the configuration wants two people to
// agree to a live set.
func NewReader(options []kgo.Opt, fourEyes bool) (*Reader, error) {
	topic, err := broker.NewFollower(options, topics.Rules)
	if err != nil {
		return nil, err
	}
	return &Reader{topic: topic, fourEyes: fourEyes}, nil
}

// Close ends the reader.
func (r *Reader) Close() { r.topic.Close() }

// Read is what the topic says at its present end. changed tells whether that is more than the last time. After an error
// the next call begins anew.
func (r *Reader) Read(ctx context.Context) (book *Book, changed bool, err error) {
	begin := func() { r.book = &Book{sets: map[string]*topics.RuleDeployment{}, fourEyes: r.fourEyes} }
	if changed, err = r.topic.Read(ctx, begin, func(record *kgo.Record) error { return r.book.put(record) }); err != nil {
		return nil, false, err
	}
	return r.book, changed, nil
}
