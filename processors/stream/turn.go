package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
)

// Partitions share nothing, and so their batches may share a database transaction: with a few records in each, the
// transaction is most of what they cost. A partition with little to do takes its turn together with those that have
// something to do at the time; one with much to do has turns and transactions of its own, beside theirs, and so has one
// whose last turn failed: what it waits for, the others do not.

const (
	sharedRecords  = 64 // a partition that holds more takes its turns alone
	sharedSessions = 16 // in one transaction
)

// turn is one batch of one partition.
type turn struct {
	*session
	intake  *intake
	batch   batch
	to      applied
	program pgx.Batch // the State's statements
}

func newTurns(db *database.DB, limits Limits) *database.Gather[*turn] {
	return database.NewGather(sharedSessions, limits.BatchInterval, func(ctx context.Context, all []*turn) []error {
		return take(ctx, db, all...)
	})
}

// take prepares the turns side by side and commits those that are prepared.
func take(ctx context.Context, db *database.DB, all ...*turn) []error {
	ctx, cancel := context.WithTimeout(ctx, all[0].config.Limits.DatabaseTimeout)
	defer cancel()
	errs := make([]error, len(all))
	var preparing sync.WaitGroup
	for i, t := range all[1:] {
		preparing.Go(func() { errs[1+i] = t.prepare(ctx) })
	}
	errs[0] = all[0].prepare(ctx)
	preparing.Wait()

	var ready []*turn
	var of []int
	for i, t := range all {
		if errs[i] == nil {
			ready, of = append(ready, t), append(of, i)
		}
	}
	for i, err := range commitAll(ctx, db, ready) {
		if err != nil {
			b := &ready[i].batch
			errs[of[i]] = fmt.Errorf("apply [%d, %d): %w", b.records[0].Position, b.next, err)
		}
	}
	return errs
}

// prepare cuts the batch, what has come meanwhile included, and folds it. Nothing leaves memory.
func (t *turn) prepare(ctx context.Context) error {
	records, err := t.intake.cut(t.at.Next, t.suspects.batchLimit(t.at.Next, t.config.Limits.BatchRecords))
	if err != nil {
		return err
	}
	last := &records[len(records)-1]
	t.batch = batch{records: records, next: last.Position + 1, hash: hashOf(last)}
	if err := t.fold(ctx, &t.batch); err != nil {
		return err
	}
	return t.seal()
}

// seal adds what the State stores of the folded batch, and the position after it.
func (t *turn) seal() error {
	t.to = t.at
	t.to.Found, t.to.Next, t.to.Format, t.to.LastHash = true, t.batch.next, t.config.Format, t.batch.hash
	if err := guard(func() error { t.state.Write(&t.program); return nil }); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// committed goes on from memory.
func (t *turn) committed() error {
	t.session.at = t.to
	t.state.Written()
	return t.pass(AfterDatabaseCommit)
}

// commitAll stores batches in one transaction. Where it fails, each is stored by itself, so that none suffers from another
// and each has its own error; but where it is not known whether it failed, none of them knows.
func commitAll(ctx context.Context, db *database.DB, all []*turn) []error {
	errs := make([]error, len(all))
	if len(all) == 0 {
		return nil
	}
	err := commit(ctx, db, all...)
	for i := range all {
		errs[i] = err
		if err != nil && len(all) > 1 && !errors.Is(err, database.ErrOutcomeUnknown) {
			errs[i] = commit(ctx, db, all[i])
		}
	}
	return errs
}

func commit(ctx context.Context, db *database.DB, all ...*turn) error {
	// Two processes that both believe to own some partitions meet in their fences in the same order: there is no deadlock.
	all = slices.SortedFunc(slices.Values(all), func(a, b *turn) int { return int(a.partition) - int(b.partition) })
	for _, t := range all {
		if err := t.pass(BeforeDatabaseCommit); err != nil {
			return err
		}
	}
	return db.InBatch(ctx,
		func(statements *pgx.Batch) {
			for _, t := range all {
				t.queue(statements)
			}
		},
		func(results pgx.BatchResults) error {
			for _, t := range all {
				if err := t.read(results); err != nil {
					return err
				}
			}
			return nil
		})
}

const insertLog = `
INSERT INTO stream_log (partition, role, position, frame)
SELECT $1, $2, l.position, l.frame FROM unnest($3::int8[], $4::bytea[]) AS l (position, frame)`

// queue adds the fence, the log and the State's statements. The latter are copied: a queued statement remembers the
// connection that prepared it, and a transaction may run again on another.
func (t *turn) queue(statements *pgx.Batch) {
	queueFence(statements, t.config.Role, t.partition, t.at, t.to)
	if len(t.batch.frames) > 0 {
		statements.Queue(insertLog, t.partition, t.config.Role, t.batch.positions, t.batch.frames)
	}
	for _, q := range t.program.QueuedQueries {
		statements.Queue(q.SQL, q.Arguments...)
	}
}

func (t *turn) read(results pgx.BatchResults) error {
	if err := checkFence(results); err != nil {
		return err
	}
	if len(t.batch.frames) > 0 {
		if _, err := results.Exec(); err != nil {
			return &ownError{fmt.Errorf("stream_log: %w", err)}
		}
	}
	for i := range t.program.Len() {
		if _, err := results.Exec(); err != nil {
			return fmt.Errorf("statement %d of the program: %w", i+1, err)
		}
	}
	return nil
}
