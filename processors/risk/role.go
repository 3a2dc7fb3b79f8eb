package risk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

// RoleName is the role's name: of its consumer group, its metrics and the source of what it writes. Wallet and payout
// commands and customer events are consumed beside, under names of their own: the topics have lags of their own, and none waits for another.
const (
	RoleName       = "risk"
	RoleNameWallet = "risk-wallet"
	RoleNamePayout = "risk-payout"

	RoleNameDispute = "risk-dispute"

	RoleNameLink   = "risk-link"
	RoleNameEvents = "risk-events"
	RoleNameReview = "risk-review"
)

// Config says what the risk role needs.
type Config struct {
	Kafka      []kgo.Opt
	Partitions int32    // of every topic
	Region     string   // of the installation: what names none is of it, what names another is refused; "": any
	Rules      []string // rule files or directories of them; none: the default rule set
	// Deployed takes the rules from risk.rules.v1; those of Rules are in force until any were deployed there. FourEyes refuses
	// those that no second person has approved.
	Deployed, FourEyes bool
	// Candidate is like Rules for a set that is evaluated beside and changes no outcome; none: there is no candidate. Where
	// rules are deployed, the candidate is, too.
	Candidate []string
	// Routing is the routing file; "": the fold asks the one PSP of its configuration. PSPs are those that it may name, nil for
	// any; Controls the kill switches that are on.
	Routing    string
	PSPs       []string
	Controls   func() topics.Controls
	Within     time.Duration // for an answer of velocity; after that it is missing
	Find       Find          // nil: there are no data files, and what they would say is missing
	InstanceID string        // static membership, as in stream.TransformConfig
	Limits     stream.Limits
	Log        *slog.Logger
	Registerer prometheus.Registerer // nil for none
}

// Role is the risk role of one process.
type Role struct {
	rules     *RuleSource
	candidate *RuleSource
	guard     *guard
	deployed  *deployedRules // nil: rules come from files
	lists     *editedLists
	learner   *learner // nil: there is no routing file
	join      *join
	commands  *stream.Transform
	wallets   *stream.Transform
	payouts   *stream.Transform
	disputes  *stream.Transform
	links     *stream.Transform
	events    *stream.Transform // of customers
	reviews   *stream.Transform // of authorisations
}

// New loads the rules and checks the configuration. It connects to nothing. A mistake in a rule file, or a failing
// inline test, is an error whose text shows every mistake with its line; it is of type rules.Problems underneath.
func New(c Config) (*Role, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	m, err := newMetrics(c.Registerer)
	if err != nil {
		return nil, err
	}
	log := c.Log.With("role", RoleName)
	source, err := openRules(c.Rules, log, m)
	if err != nil {
		return nil, err
	}
	lists := &editedLists{kafka: c.Kafka, log: log, metrics: m}
	g := &guard{live: source.Set, edits: lists.Edits, log: log, metrics: m}
	assessor, err := newAssessor(source.Set, g.evaluate, c.Partitions, m)
	if err != nil {
		return nil, err
	}
	assessor.find, assessor.region = c.Find, c.Region
	transform := func(t stream.TransformConfig) (*stream.Transform, error) {
		t.Kafka, t.InstanceID, t.Limits, t.Log, t.Registerer = c.Kafka, c.InstanceID, c.Limits, c.Log, c.Registerer
		made, err := stream.NewTransform(t)
		if err != nil {
			return nil, fmt.Errorf("risk: %w", err)
		}
		return made, nil
	}
	role := &Role{rules: source, candidate: openCandidate(c.Candidate, log, m), guard: g, lists: lists}
	assessor.candidate = &candidate{set: role.candidate.Set, edits: lists.Edits}
	if c.Routing != "" {
		if assessor.routes, err = openRoutes(c.Routing, c.PSPs, c.Controls, log, m); err != nil {
			return nil, err
		}
		role.learner = newLearner(assessor.routes, c.Kafka)
	}
	if c.Deployed {
		role.deployed = &deployedRules{kafka: c.Kafka, fourEyes: c.FourEyes, log: log, live: source,
			candidate: role.candidate, liveAt: -1, candidateAt: -1}
	}
	role.reviews, err = transform(stream.TransformConfig{Role: RoleNameReview, Input: topics.Reviews,
		DeadLetters: topics.ReviewsDeadLetters, Apply: assessor.Review, ReadUncommitted: true})
	if err != nil {
		return nil, err
	}
	if role.join, err = newJoin(&c, assessor, source.version); err != nil {
		return nil, fmt.Errorf("risk: %w", err)
	}
	role.wallets, err = transform(stream.TransformConfig{Role: RoleNameWallet, Input: topics.WalletCommands,
		DeadLetters: topics.WalletCommandsDeadLetters, Open: role.join.open(velocity.RoleWallets, readWallet)})
	if err != nil {
		return nil, err
	}
	role.payouts, err = transform(stream.TransformConfig{Role: RoleNamePayout, Input: topics.PayoutCommands,
		DeadLetters: topics.PayoutCommandsDeadLetters, Open: role.join.open(velocity.RolePayouts, readPayout)})
	if err != nil {
		return nil, err
	}
	role.links, err = transform(stream.TransformConfig{Role: RoleNameLink, Input: topics.LinkCommands,
		DeadLetters: topics.LinkCommandsDeadLetters, Apply: assessor.Link})
	if err != nil {
		return nil, err
	}
	role.disputes, err = transform(stream.TransformConfig{Role: RoleNameDispute, Input: topics.DisputeCommands,
		DeadLetters: topics.DisputeCommandsDeadLetters, Apply: assessor.Dispute})
	if err != nil {
		return nil, err
	}
	role.commands, err = transform(stream.TransformConfig{Role: RoleName, Input: topics.Commands,
		DeadLetters: topics.CommandsDeadLetters, Open: role.join.open(velocity.RoleAttempts, readPayment)})
	if err != nil {
		return nil, err
	}
	role.events, err = transform(stream.TransformConfig{Role: RoleNameEvents, Input: topics.CustomerEvents,
		DeadLetters: topics.CustomerEventsDeadLetters, Open: role.join.open(velocity.RoleCustom, readEvent)})
	if err != nil {
		return nil, err
	}
	return role, nil
}

// Run assesses commands and watches the rules until ctx is done, then finishes what is in flight and returns nil.
func (r *Role) Run(ctx context.Context) error {
	lists, err := r.lists.start(ctx)
	if err != nil || lists == nil {
		return err
	}
	watch := r.rules.Watch
	if r.deployed != nil {
		reader, err := r.deployed.start(ctx)
		if err != nil || reader == nil {
			lists.Close()
			return err
		}
		watch = func(ctx context.Context) error { r.deployed.follow(ctx, reader); return nil }
	}
	group, ctx := errgroup.WithContext(ctx)
	answering, end := context.WithCancel(context.WithoutCancel(ctx))
	if r.learner != nil {
		group.Go(func() error { r.learner.routes.watch(ctx); return nil })
		group.Go(func() error { r.learner.run(ctx); return nil })
		r.learner.wait(ctx)
	}
	group.Go(func() error {
		defer end() // answers are taken for as long as anybody may wait for them
		var asking errgroup.Group
		asking.Go(func() error { return r.wallets.Run(ctx) })
		asking.Go(func() error { return r.payouts.Run(ctx) })
		asking.Go(func() error { return r.events.Run(ctx) })
		asking.Go(func() error { return r.commands.Run(ctx) })
		return asking.Wait()
	})
	group.Go(func() error { return r.join.counter.run(answering) })
	group.Go(func() error { return r.reviews.Run(ctx) })
	group.Go(func() error { return r.disputes.Run(ctx) })
	group.Go(func() error { return r.links.Run(ctx) })
	group.Go(func() error { return watch(ctx) })
	group.Go(func() error { r.lists.follow(ctx, lists); return nil })
	if r.deployed == nil {
		group.Go(func() error { return r.candidate.Watch(ctx) })
	}
	return group.Wait()
}

// Ready returns nil once commands are being assessed. A broken rule file does not make the role unready, because the last
// good set is in force: Rules().Status() tells of it.
func (r *Role) Ready() error {
	return errors.Join(r.disputes.Ready(), r.commands.Ready(), r.wallets.Ready(), r.payouts.Ready(), r.links.Ready(), r.events.Ready(), r.reviews.Ready())
}

// RulesBroken is why rules that are on disk or deployed are not used, or have tripped; nil where all are in force.
func (r *Role) RulesBroken() error {
	broken := r.rules.Status().Err
	if broken != nil {
		broken = fmt.Errorf("the last good rule set stays in force: %w", broken)
	}
	if err := r.candidate.Status().Err; err != nil {
		broken = errors.Join(broken, fmt.Errorf("the candidate is not used: %w", err))
	}
	if r.learner != nil {
		broken = errors.Join(broken, r.learner.routes.broken())
	}
	if err := r.lists.Err(); err != nil {
		broken = errors.Join(broken, err)
	}
	if tripped := r.guard.current().Tripped(); len(tripped) > 0 {
		broken = errors.Join(broken, fmt.Errorf("tripped, because they blocked more than their breakers allow: %s; until rules are saved or deployed again they do not block, and hold instead where trip_to: hold says so",
			strings.Join(tripped, ", ")))
	}
	return broken
}
