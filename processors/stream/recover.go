package stream

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// Recovery repairs what O1 stops at. Each repair fences the partition's owner first, as an owner would, and an engine that
// runs meanwhile claims the partition again afterwards; it may be stopped, but need not be. A repair that is interrupted is
// run again.
type Recovery struct {
	fold *Fold
}

// NewRecovery takes the configuration of the Fold. Only Import needs the Program.
func NewRecovery(config FoldConfig) (*Recovery, error) {
	if config.Program == nil {
		config.Program = noProgram{}
	}
	fold, err := NewFold(config)
	if err != nil {
		return nil, err
	}
	return &Recovery{fold}, nil
}

type noProgram struct{}

func (noProgram) Open(context.Context, int32, int64) (State, error) {
	return nil, errors.New("no program is configured")
}

// Condition is what is known of one partition without owning it.
type Condition struct {
	Partition int32
	Declared  bool  // whether weir.positions.v1 knows the partition
	Published int64 // N
	Known     bool  // whether the database knows the partition
	Applied   int64 // M
	Base      int64 // position = base + offset
	TopicID   string
	Start     int64 // offsets of the input
	End       int64
	Verdict   error // nil where an owner would go on; else a *StopError
}

// Show looks at every partition and changes nothing. While an engine runs, N may be behind what it has committed since.
func (r *Recovery) Show(ctx context.Context) ([]Condition, error) {
	config := &r.fold.config
	client, err := kgo.NewClient(readerOptions(config.Kafka, config.Limits)...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	details, err := admin.ListTopics(ctx, config.Input)
	if err == nil {
		err = details.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", config.Input, err)
	}
	ends, err := admin.ListCommittedOffsets(ctx, topics.Positions)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list offsets of %s: %w", topics.Positions, err)
	}
	partitions := details[config.Input].Partitions.Numbers()
	slices.Sort(partitions)
	var all []Condition
	for _, partition := range partitions {
		end, _ := ends.Lookup(topics.Positions, partition)
		condition, err := r.look(ctx, newReader(client, config.Role, partition), end.Offset)
		if err != nil {
			return nil, fmt.Errorf("partition %d: %w", partition, err)
		}
		all = append(all, condition)
	}
	return all, nil
}

func (r *Recovery) look(ctx context.Context, reader reader, end int64) (Condition, error) {
	ctx, cancel := context.WithTimeout(ctx, r.fold.config.Limits.ClaimTimeout)
	defer cancel()
	position, declared, err := reader.lastPosition(ctx, end)
	if err != nil {
		return Condition{}, err
	}
	e, err := r.fold.investigate(ctx, &claim{reader: reader, position: position, found: declared})
	if err != nil {
		return Condition{}, err
	}
	verdict := e.verdict()
	if verdict == nil {
		verdict = e.verifyLast(ctx, &reader)
	}
	var stopped *StopError
	if verdict != nil && !errors.As(verdict, &stopped) {
		return Condition{}, verdict
	}
	return Condition{
		Partition: reader.partition, Declared: declared, Published: position.Next, Known: e.Applied.Found,
		Applied: e.Applied.Next, Base: e.Applied.Base, TopicID: hex.EncodeToString(e.Input.ID[:]),
		Start: e.Input.Start, End: e.Input.End, Verdict: verdict,
	}, nil
}

// Attempts at one repair. An engine that runs meanwhile takes the partition back now and then.
const (
	repairAttempts = 5
	repairDelay    = 100 * time.Millisecond
)

// repair fences the partition's owner, reads what O1 reads and calls f, until nothing that Kafka says is in the way. f may
// be called again, and so must do nothing for good before its last request to Kafka.
func (r *Recovery) repair(ctx context.Context, partition int32, f func(*claim, *evidence) error) error {
	return persistently(ctx, func() error {
		c, e, err := r.own(ctx, partition)
		if err != nil {
			return err
		}
		defer c.close(r.fold.config.Limits.LeaveTimeout)
		return f(c, e)
	})
}

// persistently calls a repair again where Kafka refuses: an engine that runs claims the partition now and then, too.
func persistently(ctx context.Context, repair func() error) error {
	policy := retrypolicy.NewBuilder[any]().
		HandleIf(func(_ any, err error) bool {
			var answer *kerr.Error
			return errors.As(err, &answer)
		}).
		WithMaxAttempts(repairAttempts).
		WithDelay(repairDelay).
		ReturnLastFailure().
		Build()
	return failsafe.With(policy).WithContext(ctx).Run(repair)
}

func (r *Recovery) own(ctx context.Context, partition int32) (*claim, *evidence, error) {
	config := &r.fold.config
	ctx, cancel := context.WithTimeout(ctx, config.Limits.ClaimTimeout)
	defer cancel()
	c, err := takeClaim(ctx, config.Kafka, config.Role, partition, config.Limits)
	if err != nil {
		return nil, nil, err
	}
	e, err := r.fold.investigate(ctx, c)
	if err != nil {
		c.close(config.Limits.LeaveTimeout)
		return nil, nil, err
	}
	return c, e, nil
}

// Offsets that Adopt takes besides numbers.
const (
	OffsetStart = "start" // the first record that the topic holds
	OffsetEnd   = "end"   // none of those that it holds
)

// Adopt accepts the input topic as it is: the record at the offset ("start", "end" or a number) becomes the next one to be
// applied. Positions go on where they were, so that no id is used twice. Records between the last applied one and the
// offset are given up, and records from the offset on are applied even if they were before: that choice is the caller's.
func (r *Recovery) Adopt(ctx context.Context, partition int32, offset string) (p Position, err error) {
	err = r.repair(ctx, partition, func(c *claim, e *evidence) error {
		p, err = r.adopt(ctx, c, e, offset)
		return err
	})
	return p, err
}

func (r *Recovery) adopt(ctx context.Context, c *claim, e *evidence, offset string) (Position, error) {
	next, err := resolveOffset(offset, e.Input)
	if err != nil {
		return Position{}, err
	}
	switch {
	case e.Declared && e.Position.Next > e.Applied.Next:
		return Position{}, e.stop(StopDatabaseBehind, e.repair("import"), "the database is behind; first things first")
	case !e.Declared && e.Applied.Found:
		return Position{}, e.stop(StopPositionMissing, e.repair("republish --from <position>|end"),
			"the published position is missing; first things first")
	}
	to := e.Applied
	to.Found, to.Base, to.TopicID, to.LastHash, to.Format = true, e.Applied.Next-next, e.Input.ID, nil, r.fold.config.Format
	p := Position{Role: e.Role, Next: to.Next, Base: to.Base, TopicID: hex.EncodeToString(to.TopicID[:])}
	if e.Declared {
		p.Next = e.Position.Next
	}
	// A crash between the two leaves a position with the new base and a row with the old one: the partition is still stopped
	// for the same reason, and adopting it again repairs it.
	if err := c.declare(ctx, p); err != nil {
		return Position{}, err
	}
	return p, r.move(ctx, e.Partition, e.Applied, to)
}

func resolveOffset(offset string, input inputPartition) (int64, error) {
	switch offset {
	case OffsetStart:
		return input.Start, nil
	case OffsetEnd:
		return input.End, nil
	}
	next, err := strconv.ParseInt(offset, 10, 64)
	if err != nil || next < input.Start || next > input.End {
		return 0, fmt.Errorf("offset %q: want %s, %s or a number from %d to %d", offset, OffsetStart, OffsetEnd, input.Start, input.End)
	}
	return next, nil
}

// move rewrites a partition's row, where it still is what it was.
func (r *Recovery) move(ctx context.Context, partition int32, from, to applied) error {
	config := &r.fold.config
	hash := to.LastHash
	if hash == nil {
		hash = []byte{}
	}
	return config.DB.InTx(ctx, func(tx pgx.Tx) error {
		statement, arguments := `UPDATE stream_positions SET next = $3, base = $4, topic_id = $5, last_hash = $6, format = $7
			WHERE role = $1 AND partition = $2 AND next = $8 AND base = $9`, []any{from.Next, from.Base}
		if !from.Found {
			statement, arguments = fenceFirst, nil
		}
		arguments = append([]any{config.Role, partition, to.Next, to.Base, to.TopicID[:], hash, to.Format}, arguments...)
		tag, err := tx.Exec(ctx, statement, arguments...)
		if err != nil {
			return fmt.Errorf("stream_positions: %w", err)
		}
		if tag.RowsAffected() != 1 {
			return fmt.Errorf("stream_positions: the row changed meanwhile: %w", errStale)
		}
		return nil
	})
}

// FromEnd makes Republish publish nothing again.
const FromEnd = "end"

// Republish declares N anew: all that was applied from the position on ("end": nothing) is published, once more where it
// was before. It repairs a lost positions topic; readers of the outputs see again what they had from that position on.
func (r *Recovery) Republish(ctx context.Context, partition int32, from string) (p Position, err error) {
	err = r.repair(ctx, partition, func(c *claim, e *evidence) error {
		next, err := resolvePosition(from, e)
		if err != nil {
			return err
		}
		p = Position{Role: e.Role, Next: next, Base: e.Applied.Base, TopicID: hex.EncodeToString(e.Applied.TopicID[:])}
		return c.declare(ctx, p)
	})
	return p, err
}

func resolvePosition(from string, e *evidence) (int64, error) {
	next := e.Applied.Next
	if from != FromEnd {
		var err error
		if next, err = strconv.ParseInt(from, 10, 64); err != nil || next < 0 || next > e.Applied.Next {
			return 0, fmt.Errorf("position %q: want %s or a number from 0 to %d, which is what is applied", from, FromEnd, e.Applied.Next)
		}
	}
	if e.Declared && next > e.Position.Next {
		return 0, fmt.Errorf("published is up to %d: from %d, what lies between would never be", e.Position.Next, next)
	}
	return next, nil
}
