package statement

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
)

// foldRole is the role whose applied positions bound what there is to project.
const foldRole = "payments"

// Limits of one round.
const (
	DefaultEntries = 4096    // entries that one round projects, over all partitions
	leastEntries   = 256     // of one partition, where many lag; more than one record can post
	clearedLines   = 10_000  // lines of before a rebuild that one round deletes in a partition
	knownAccounts  = 100_000 // last lines kept in memory, over all partitions
)

// ErrStale says that somebody else has moved the projection's position: what this Projector remembered is void, and its
// next round starts from what is stored.
var ErrStale = errors.New("another process has moved the projection")

// Projector makes the lines. Several may run at once, in any processes: the position of a partition moves by
// compare-and-set, so that the loser of a race has written nothing. It is used by one goroutine.
type Projector struct {
	db         *database.DB
	entries    int
	partitions map[int32]*partition
}

// NewProjector returns a projector that projects up to so many entries in a round; 0: DefaultEntries.
func NewProjector(db *database.DB, entries int) *Projector {
	if entries == 0 {
		entries = DefaultEntries
	}
	return &Projector{db: db, entries: entries, partitions: map[int32]*partition{}}
}

// row is a row of statement_positions.
type row struct {
	Next, Published int64
	Booked          time.Time
	Rebuilds        int32
	Clearing        bool
}

// partition is what a projector remembers of one.
type partition struct {
	number  int32
	row     row   // as it is stored
	applied int64 // M of the fold: every entry below it is stored
	// published is row.Published, or above it what is published and not stored to be.
	published int64
	last      map[ledger.AccountID]*Last // last lines of accounts, as far as they are known
	changed   map[ledger.AccountID]bool  // accounts whose balance the topic does not hold, of entries in [published, next)
}

// Round is what one round did.
type Round struct {
	Entries, Lines int
	Lags           map[int32]int64 // by partition: records that the fold has applied and the projection has not, after the round
	Behind         bool            // another round has something to do at once
	// Failed names the partitions that cannot be projected as their entries stand, with the reason. The others were.
	Failed error
}

// Round projects what there is, up to a bound. Any error but the context's may be met by another round, which starts from
// what is stored.
func (p *Projector) Round(ctx context.Context) (Round, error) {
	round, err := p.round(ctx)
	if err != nil {
		clear(p.partitions) // what is in memory may not be what is stored
	}
	return round, err
}

func (p *Projector) round(ctx context.Context) (round Round, err error) {
	if err := p.look(ctx); err != nil {
		return round, err
	}
	var steps []*step
	for _, part := range p.all() {
		switch {
		case part.row.Clearing:
			if err := p.clear(ctx, part); err != nil {
				return round, err
			}
			round.Behind = true
		case part.row.Next < part.applied || part.published != part.row.Published:
			steps = append(steps, &step{partition: part})
		}
	}
	if err := p.read(ctx, steps); err != nil {
		return round, err
	}
	if err := p.loadLast(ctx, steps); err != nil {
		return round, err
	}
	steps, round.Failed = p.foldAll(steps)
	for _, s := range steps {
		round.Entries += len(s.entries)
		round.Lines += len(s.lines)
	}
	// A crash before the commit in here leaves nothing; one behind it leaves balances to be published, which the next
	// start finds between the published position and the next one.
	if err := p.write(ctx, steps); err != nil {
		return round, err
	}
	for _, s := range steps {
		s.partition.row = s.row
	}
	round.Lags = make(map[int32]int64, len(p.partitions))
	for number, part := range p.partitions { // without those that failed
		round.Lags[number] = max(part.applied-part.row.Next, 0)
		round.Behind = round.Behind || part.row.Next < part.applied
	}
	p.forget()
	return round, nil
}

// foldAll makes the lines of each step. A partition that fails is dropped from the round and from memory.
func (p *Projector) foldAll(steps []*step) (done []*step, failed error) {
	for _, s := range steps {
		if err := s.fold(); err != nil {
			failed = errors.Join(failed, err)
			delete(p.partitions, s.partition.number)
			continue
		}
		done = append(done, s)
	}
	return done, failed
}

func (p *Projector) all() []*partition {
	return slices.SortedFunc(maps.Values(p.partitions), func(a, b *partition) int { return int(a.number - b.number) })
}

// positions is read at each round: one row for each partition.
const positions = `
SELECT m.partition, m.next, s.next, s.published, s.booked, s.rebuilds, s.clearing
FROM stream_positions m LEFT JOIN statement_positions s ON s.partition = m.partition
WHERE m.role = $1`

// openPositions makes the rows of new partitions.
const openPositions = `
INSERT INTO statement_positions (partition, next, published, booked, rebuilds, clearing)
SELECT partition, 0, 0, $2, 0, false FROM stream_positions WHERE role = $1
ON CONFLICT (partition) DO NOTHING`

// look reads how far fold and projection are. What is remembered of a partition that somebody else has moved is dropped.
// M is read before the entries: every entry below it is seen by what follows.
func (p *Projector) look(ctx context.Context) error {
	for {
		missing, err := p.lookOnce(ctx)
		if err != nil {
			return fmt.Errorf("read the positions of statements: %w", err)
		}
		if !missing {
			return nil
		}
		if _, err := p.db.Pool.Exec(ctx, openPositions, foldRole, begin); err != nil {
			return fmt.Errorf("open the positions of statements: %w", err)
		}
	}
}

func (p *Projector) lookOnce(ctx context.Context) (missing bool, err error) {
	rows, _ := p.db.Pool.Query(ctx, positions, foldRole)
	var number int32
	var applied int64
	var next, published *int64
	var booked *time.Time
	var rebuilds *int32
	var clearing *bool
	var moved []*partition
	_, err = pgx.ForEachRow(rows, []any{&number, &applied, &next, &published, &booked, &rebuilds, &clearing}, func() error {
		if next == nil {
			missing = true
			return nil
		}
		stored := row{*next, *published, booked.UTC(), *rebuilds, *clearing}
		part := p.partitions[number]
		if part == nil || part.row != stored {
			part = &partition{
				number: number, row: stored, published: stored.Published,
				last: map[ledger.AccountID]*Last{}, changed: map[ledger.AccountID]bool{},
			}
			p.partitions[number] = part
			moved = append(moved, part)
		}
		part.applied = applied
		return nil
	})
	if err != nil || missing {
		clear(p.partitions) // the next look begins again
		return missing, err
	}
	for _, part := range moved {
		if err := p.loadChanged(ctx, part); err != nil {
			return false, err
		}
	}
	return false, nil
}

const pageOfEntries = `
SELECT position, ordinal, booked_at, accounts, amounts FROM entries
WHERE partition = $1 AND place >= $2::int8 * 65536 AND place < $3::int8 * 65536 ORDER BY place LIMIT $4`

// read reads the next entries of the partitions that lag, which share the bound of a round.
func (p *Projector) read(ctx context.Context, steps []*step) error {
	if len(steps) == 0 {
		return nil
	}
	limit := max(p.entries/len(steps), leastEntries)
	var batch pgx.Batch
	for _, s := range steps {
		part := s.partition
		batch.Queue(pageOfEntries, part.number, part.row.Next, part.applied, limit).Query(func(rows pgx.Rows) (err error) {
			s.entries, err = pgx.CollectRows(rows, pgx.RowToStructByPos[posted])
			return err
		})
	}
	if err := p.db.Pool.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("read entries: %w", err)
	}
	for _, s := range steps {
		s.cut(limit)
	}
	return nil
}

// forget bounds the memory: what it drops is read again when it is needed.
func (p *Projector) forget() {
	known := 0
	for _, part := range p.partitions {
		known += len(part.last)
	}
	if known <= knownAccounts {
		return
	}
	for _, part := range p.partitions {
		clear(part.last)
	}
}
