package risk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// RoleName is the role's name: of its consumer group, its metrics and the source of what it writes. Wallet commands are
// consumed beside, under a name of their own: the two topics have lags of their own, and neither waits for the other.
const (
	RoleName       = "risk"
	RoleNameWallet = "risk-wallet"
)

// Config says what the risk role needs.
type Config struct {
	Kafka      []kgo.Opt
	Partitions int32    // of every topic
	Rules      []string // rule files or directories of them; none: the default rule set
	Features   Features // nil: velocity is not there, every feature is missing
	Find       Find     // nil: there are no data files, and what they would say is missing
	InstanceID string   // static membership, as in stream.TransformConfig
	Limits     stream.Limits
	Log        *slog.Logger
	Registerer prometheus.Registerer // nil for none
}

// Role is the risk role of one process.
type Role struct {
	rules    *RuleSource
	commands *stream.Transform
	wallets  *stream.Transform
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
	source, err := openRules(c.Rules, c.Log.With("role", RoleName), m)
	if err != nil {
		return nil, err
	}
	assessor, err := newAssessor(source.Set, c.Features, c.Partitions, m)
	if err != nil {
		return nil, err
	}
	assessor.find = c.Find
	transform := func(name, input, deadLetters string, apply stream.TransformFunc) (*stream.Transform, error) {
		t, err := stream.NewTransform(stream.TransformConfig{
			Role: name, Input: input, DeadLetters: deadLetters, Apply: apply,
			Kafka: c.Kafka, InstanceID: c.InstanceID, Limits: c.Limits, Log: c.Log, Registerer: c.Registerer,
		})
		if err != nil {
			return nil, fmt.Errorf("risk: %w", err)
		}
		return t, nil
	}
	role := &Role{rules: source}
	if role.commands, err = transform(RoleName, topics.Commands, topics.CommandsDeadLetters, assessor.Assess); err != nil {
		return nil, err
	}
	if role.wallets, err = transform(RoleNameWallet, topics.WalletCommands, topics.WalletCommandsDeadLetters, assessor.AssessWallet); err != nil {
		return nil, err
	}
	return role, nil
}

// Run assesses commands and watches the rule files until ctx is done, then finishes what is in flight and returns nil.
func (r *Role) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return r.commands.Run(ctx) })
	group.Go(func() error { return r.wallets.Run(ctx) })
	group.Go(func() error { return r.rules.Watch(ctx) })
	return group.Wait()
}

// Ready returns nil once commands are being assessed. A broken rule file does not make the role unready, because the last
// good set is in force: Rules().Status() tells of it.
func (r *Role) Ready() error { return errors.Join(r.commands.Ready(), r.wallets.Ready()) }

// Rules is the rule set in force.
func (r *Role) Rules() *RuleSource { return r.rules }
