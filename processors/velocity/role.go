package velocity

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

// RoleName is the role's name: of its consumer group, its transactional ids, its metrics and the source of what it writes.
const RoleName = "velocity"

// format of what the role stores. A partition in which a higher one was stored is given up.
const format = 2

// Config says what the velocity role needs.
type Config struct {
	Kafka []kgo.Opt
	// Skew is how far an event's time may lie before its record's: earlier, it is taken as that much before.
	Skew time.Duration
	// ReplyBytes is how much each partition keeps of its latest answers, for signals that come again.
	ReplyBytes int
	// Keep is how long after an attempt its outcomes still count.
	Keep       time.Duration
	InstanceID string // static membership, as in stream.TableConfig
	Limits     stream.Limits
	Log        *slog.Logger
	Registerer prometheus.Registerer // nil for none
	Hook       stream.Hook           // for tests

	reading []kgo.Opt           // for tests: how the changelog is read, where that is not the right way
	program stream.TableProgram // for tests: what is run in place of the core
}

// Role is the velocity role of one process.
type Role struct {
	table    *stream.Table // counts and answers
	outcomes *stream.Table
	events   *stream.Transform
	payouts  *stream.Transform
}

// New checks the configuration. It connects to nothing.
func New(c Config) (*Role, error) {
	if c.program == nil {
		c.program = program{velocity.Limits{Skew: c.Skew, ReplyBytes: c.ReplyBytes}}
	}
	table, err := stream.NewTable(stream.TableConfig{
		Role: RoleName, Input: topics.Signals, Changelog: topics.Velocity, Replies: topics.Features,
		DeadLetters: topics.SignalsDeadLetters, Format: format,
		Program: c.program, Reading: c.reading,
		Kafka: c.Kafka, InstanceID: c.InstanceID, Limits: c.Limits, Log: c.Log, Registerer: c.Registerer, Hook: c.Hook,
	})
	if err != nil {
		return nil, fmt.Errorf("velocity: %w", err)
	}
	role := &Role{table: table}
	if role.outcomes, err = newOutcomes(&c); err != nil {
		return nil, err
	}
	if role.events, err = newEvents(&c); err != nil {
		return nil, err
	}
	if role.payouts, err = newPayouts(&c); err != nil {
		return nil, err
	}
	return role, nil
}

// Adopt accepts the input of one partition of the role or of RoleNameOutcomes as it is; see stream.Table.Adopt. The role
// need not run.
func (r *Role) Adopt(ctx context.Context, role string, partition int32, offset string) (next int64, err error) {
	switch role {
	case RoleName:
		return r.table.Adopt(ctx, partition, offset)
	case RoleNameOutcomes:
		return r.outcomes.Adopt(ctx, partition, offset)
	}
	return 0, fmt.Errorf("role %q keeps no table; want %s or %s", role, RoleName, RoleNameOutcomes)
}

// Run counts and answers until ctx is done, then flushes what is in hand and returns nil.
func (r *Role) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return r.table.Run(ctx) })
	group.Go(func() error { return r.outcomes.Run(ctx) })
	group.Go(func() error { return r.events.Run(ctx) })
	group.Go(func() error { return r.payouts.Run(ctx) })
	return group.Wait()
}

// Ready returns nil once signals are being answered and outcomes counted.
func (r *Role) Ready() error {
	return errors.Join(r.table.Ready(), r.outcomes.Ready(), r.events.Ready(), r.payouts.Ready())
}

// program is the core as a stream.TableProgram.
type program struct{ limits velocity.Limits }

// Open gives the state of a partition a secret. Where one is restored, that one's takes its place; where the first flush of
// a new one fails, no value was told apart by the secret that is lost with it.
func (p program) Open(int32) stream.TableState {
	s := velocity.NewState(p.limits)
	var secret [16]byte
	rand.Read(secret[:]) // ends the process where it fails
	s.Seed(secret)
	return state{s, &velocity.Batches{}}
}

type state struct {
	*velocity.State
	batches *velocity.Batches
}

func (s state) Restore(key, value []byte) error { return future(s.State.Restore(key, value)) }

func (s state) Restored() error { return future(s.State.Restored()) }

func (s state) Apply(r stream.Record) ([]stream.Reply, *stream.DeadLetter, error) {
	answers, err := s.batches.Apply(s.State, r.Time.UnixMilli(), r.Value)
	var malformed *velocity.FrameError
	switch {
	case errors.As(err, &malformed):
		return nil, &stream.DeadLetter{Reason: topics.RefusedUndecodable, Detail: malformed.Error()}, nil
	case err != nil:
		return nil, nil, future(err)
	}
	replies := make([]stream.Reply, len(answers))
	for i := range answers {
		replies[i] = stream.Reply{Partition: answers[i].Partition, Value: answers[i].Value}
	}
	return replies, nil, nil
}

// future says a newer release's work in the words of the runtime.
func future(err error) error {
	if errors.Is(err, velocity.ErrFutureFormat) {
		return fmt.Errorf("%w: %w", stream.ErrFutureFormat, err)
	}
	return err
}
