// Package proof recomputes the hash chains of the ledger (L5) from the rows of entries and says which row was changed, which
// is missing and which was put in. It reads only, in pages, so that its memory is bounded whatever the size, and works while
// the engine runs and while it is stopped.
//
// Each row has a link: the first 8 bytes of the chain's hash there. The first row whose link does not fit tells where
// something is wrong; what was published of it, byte for byte in stream_log, tells what, and lets the chain go on. Who
// changes rows may compute their links anew: the signed checkpoints, of which outsiders have copies, give that away.
//
//	partition.go    one partition: its rows, its end, its head
//	difference.go   rows compared with the log
//	log.go          the entries of the log
//	checkpoints.go  checkpoints met on the way; source.go reads them from a file or from their topic
//	accounts.go     the identity of each account
package proof

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/processors/stream"
)

// role is the fold that books.
const role = "payments"

// Limits of what is held and read at once.
const (
	maxWorkers = 4    // partitions at once
	maxListed  = 1000 // problems of one partition that are told; more are counted
	pageRows   = 500  // rows of the log
	pageAccts  = 5000 // rows of accounts
)

// AllPartitions is the Config.Partition that leaves none out.
const AllPartitions = -1

// ErrNoPartition says that the partition to verify has no records.
var ErrNoPartition = errors.New("there is no partition")

// Config says what to verify.
type Config struct {
	Database    *database.DB
	Partition   int32
	Checkpoints Source // nil: none are compared
	// Problem is called for each problem and Note for what is worth knowing and not wrong, one call at a time.
	Problem func(Problem)
	Note    func(string)
	Counts  *Counts // what was verified so far, for those who show progress; may be nil
}

// Problem is one thing that is not as it must be.
type Problem struct {
	Check     string // changed, missing, inserted, link, head, checkpoint, account or log
	Partition int32
	Subject   string // the ids to look at
	Detail    string
}

func (p Problem) String() string {
	return fmt.Sprintf("%s: partition %d: %s: %s", p.Check, p.Partition, p.Subject, p.Detail)
}

// Counts is what was verified.
type Counts struct {
	Partitions, Done, Entries, Accounts, Checkpoints, Problems atomic.Int64
}

func (c *Counts) String() string {
	return fmt.Sprintf("%d partitions, %d entries, %d accounts, %d checkpoints", c.Done.Load(), c.Entries.Load(), c.Accounts.Load(),
		c.Checkpoints.Load())
}

// verifier holds what all partitions share.
type verifier struct {
	Config
	frames *stream.Frames
	report sync.Mutex
}

// Verify verifies one partition or all. The error says that something could not be read, or ErrNoPartition; what was read
// and is wrong is a Problem.
func Verify(ctx context.Context, config Config) (*Counts, error) {
	if config.Counts == nil {
		config.Counts = new(Counts)
	}
	frames, err := stream.NewFrames(role)
	if err != nil {
		return nil, err
	}
	v := &verifier{Config: config, frames: frames}
	partitions, err := v.partitions(ctx)
	if err != nil {
		return nil, err
	}
	if config.Partition != AllPartitions {
		if !slices.Contains(partitions, config.Partition) {
			return nil, fmt.Errorf("%w %d: the ledger has %d, from 0 on; one that never had a record is not counted", ErrNoPartition, config.Partition, len(partitions))
		}
		partitions = []int32{config.Partition}
	}
	v.Counts.Partitions.Store(int64(len(partitions)))
	// Each needs two connections: for rows, and for the log to compare them with.
	workers := min(maxWorkers, runtime.GOMAXPROCS(0), int(config.Database.Pool.Config().MaxConns)/2)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(workers, 1))
	for _, partition := range partitions {
		group.Go(func() error {
			if err := v.partition(ctx, partition); err != nil {
				return fmt.Errorf("partition %d: %w", partition, err)
			}
			v.Counts.Done.Add(1)
			return nil
		})
	}
	return v.Counts, group.Wait()
}

// partitions are those that may have entries, or had some.
func (v *verifier) partitions(ctx context.Context) (all []int32, err error) {
	var top int32
	err = database.ReadInOrder(ctx, v.Database.Pool, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT GREATEST((SELECT max(partition) FROM stream_positions), (SELECT max(partition) FROM entries),
	(SELECT max(partition) FROM accounts), (SELECT max(partition) FROM ledger_chain), -1)`).Scan(&top)
	})
	if err != nil {
		return nil, fmt.Errorf("look for partitions: %w", err)
	}
	for partition := range top + 1 {
		all = append(all, partition)
	}
	return all, nil
}

func (v *verifier) note(format string, args ...any) {
	v.report.Lock()
	defer v.report.Unlock()
	if v.Note != nil {
		v.Note(fmt.Sprintf(format, args...))
	}
}
