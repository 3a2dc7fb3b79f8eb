package risk

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/ruletopic"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// deployedEvery is the time between two looks at risk.rules.v1, and so the longest for which processes decide by
// different sets.
const deployedEvery = time.Second

// deployedRules takes into force what is deployed to risk.rules.v1. Every process sees the same records in the same order.
// A deployment that cannot be used never replaces a good one.
type deployedRules struct {
	kafka           []kgo.Opt
	fourEyes        bool
	log             *slog.Logger
	live, candidate *RuleSource

	// The offsets of the deployments that were looked at last; -1: none was.
	liveAt, candidateAt int64
}

// start takes what is deployed into force before the first command is assessed, and returns the reader to follow with.
// An error says that rules were deployed and none of them can be used; there is no reader where ctx ends before.
func (d *deployedRules) start(ctx context.Context) (*ruletopic.Reader, error) {
	reader, err := ruletopic.NewReader(d.kafka, d.fourEyes)
	if err != nil {
		return nil, err
	}
	for {
		book, _, err := reader.Read(ctx)
		if err == nil {
			if err = d.begin(book); err == nil {
				return reader, nil
			}
			reader.Close()
			return nil, err
		}
		d.log.Warn("deployed rules cannot be read; trying again", "after", deployedEvery.String(), "error", err)
		select {
		case <-time.After(deployedEvery):
		case <-ctx.Done():
			reader.Close()
			return nil, nil
		}
	}
}

// begin is take for a process that has no deployed set yet: where the latest cannot be used, the last one that can is
// what the other processes still use.
func (d *deployedRules) begin(book *ruletopic.Book) error {
	if book.Live == nil {
		d.log.Warn("no rules were deployed: those of risk.rules are in force", "topic", topics.Rules, "rule_set", d.live.Set().Hash())
	}
	d.take(book)
	broken := d.live.Status().Err
	if broken == nil {
		return nil
	}
	for _, past := range book.Past() {
		if set, err := d.usable(past, false); err == nil {
			d.live.deploy(set, nil)
			d.live.deploy(nil, broken) // the status goes on to say what is
			return nil
		}
	}
	return fmt.Errorf("no rule set of %s can be used: %w", topics.Rules, broken)
}

// follow takes deployments into force until the context ends.
func (d *deployedRules) follow(ctx context.Context, reader *ruletopic.Reader) {
	defer reader.Close()
	ticker := time.NewTicker(deployedEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		book, changed, err := reader.Read(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			d.log.Warn("deployed rules cannot be read; the set in force stays", "error", err)
		case changed:
			d.take(book)
		}
	}
}

// take takes what is new into force.
func (d *deployedRules) take(book *ruletopic.Book) {
	if book.Live != nil && book.Live.Offset != d.liveAt {
		d.liveAt = book.Live.Offset
		d.use(d.live, book.Live, book.FourEyes())
	}
	switch {
	case book.Candidate == nil && d.candidateAt >= 0:
		d.candidateAt = -1
		d.candidate.drop()
	case book.Candidate != nil && book.Candidate.Offset != d.candidateAt:
		d.candidateAt = book.Candidate.Offset
		d.use(d.candidate, book.Candidate, false)
	}
}

func (d *deployedRules) use(s *RuleSource, deployment *ruletopic.Deployment, fourEyes bool) {
	d.log.Info("rules were deployed", "slot", deployment.Slot, "rule_set", deployment.RuleSet, "offset", deployment.Offset,
		"author", deployment.Author, "approver", deployment.Approver, "rolled_back_by", deployment.RolledBackBy, "comment", deployment.Comment)
	set, err := d.usable(&deployment.RuleDeployment, fourEyes)
	if err != nil {
		err = fmt.Errorf("%s 0/%d, deployed by %s: %w", topics.Rules, deployment.Offset, deployment.Author, err)
	}
	s.deploy(set, err)
}

// usable is the set of a deployment that may decide here; fourEyes says whether a live one needs two people.
func (d *deployedRules) usable(deployment *topics.RuleDeployment, fourEyes bool) (*rules.Set, error) {
	if err := ruletopic.Check(deployment, fourEyes); err != nil {
		return nil, err
	}
	set, err := ruletopic.Unpack(deployment.Archive)
	if err == nil && set.Hash() != deployment.RuleSet {
		// Another version of weir made it: it means the same, and decisions name the hash that they were made under.
		d.log.Warn("this version knows the deployed rules by another hash", "deployed", deployment.RuleSet, "here", set.Hash())
	}
	return set, err
}
