// Package fsck recomputes what the database and the topics must agree on and reports every difference. It reads only, in
// pages, so that its memory is bounded whatever the size, and works while the engine runs and while it is stopped.
//
// For each partition it takes, in this order: the committed ends of the topics, N (published), M (applied), the ends
// again. What lies below M in the database never changes, and what lies below N in the topics is all there, so both can
// be compared although the engine goes on.
//
//	accounts.go   L3, L4 and the identity of each account
//	log.go        each record of the log with its payments, its entries and, below N, the topics
//	entries.go    each entry (L1) against the log (L2)
//	books.go      entries and balances for themselves
//	folds.go      what the checks of rows with their events have in common
//	inputs.go     the commands, customer events and webhook facts of the log with those that are remembered
//	wallets.go    W1: wallets and holds with the fold of their events and with the ledger
//	disputes.go   D1, D2: disputes with the fold of their events, with their postings, their timers and their payments
//	payouts.go    U1, U2: payouts with the fold of their events, with their postings and with their timers
//	links.go      K1, K2: payment links with the fold of their events, with their payments and with their timers
//	customers.go  C1, C2: customers' records with their changes and with their data keys
//	sources.go    where deposits came from and that they are counted, with payments and payouts
//	rounds.go     W2: rounds with their events
//	limits.go     G1, G2: what customers' limits have counted with the events
//	payments.go   each payment with the fold of its events, with its postings and with its timer; disputes.go its part of suspense
//	webhooks.go   what PSPs call payments with what events say, and the webhooks that wait for their payments
//	attempts.go   the reports that gateways remember of requests
//	told.go       the balances that wallet events tell with the entries up to them, and that nobody both has and owes
//	statements.go the lines of statements with the entries (S1)
//	balances.go   ledger.balances.v1 with the lines of statements
//	answers.go    the answers of idempotency keys with the events and payments that they name
//	published.go  the topics, read_committed, against the log
//	positions.go  M, N and the last applied record of the input
package fsck

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/weirhq/weir/internal/customerkeys"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/gaming"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// role is the fold whose state is checked.
const role = "payments"

// Limits of what is held and waited for.
const (
	maxWorkers    = 4                      // partitions checked at once
	pageRows      = 2000                   // rows of accounts, payments or others read at once
	pageFrames    = 2000                   // rows of the log read at once
	pageBytes     = 4 << 20                // after which a page of the log ends earlier
	pagePositions = 4000                   // records of the log read for one run of payments
	maxAccounts   = 500_000                // balances of one partition held in memory, about 70 B each
	maxListed     = 1000                   // rows that one SQL check of one partition reports; more are said to be more
	readAttempts  = 5                      // of one read that fails with a serialization error
	defaultSettle = 5 * time.Second        // for what is on its way between the database and the topics
	settlePause   = 100 * time.Millisecond // between two looks at it
)

// Config says what to check. Kafka nil leaves the topics out.
type Config struct {
	Database *database.DB
	Kafka    []kgo.Opt // seed brokers and security
	// BooksOnly checks accounts, balances and entries for themselves, and neither the log that they come from nor what else
	// comes from it. Kafka is nil then.
	BooksOnly bool
	Settle    time.Duration
	// CustomerKeys are the master keys of customers' data keys; nil: what is encrypted is not opened.
	CustomerKeys *customerkeys.Masters
	// Problem is called for each problem and Note for what is worth knowing and not wrong, one call at a time.
	Problem func(Problem)
	Note    func(string)
	Counts  *Counts // what was checked so far, for those who show progress; may be nil
}

// Problem is one thing that is not as it must be.
type Problem struct {
	Check     string // the invariant or the comparison: L1, L3, L4, S1, P, entry, log, input, answer, account, payment, wallet, hold, payout, dispute, source, round, limit, timer, period, payment_link, customer, attempt, partition, position, published
	Partition int32
	Subject   string // the ids to look at
	Detail    string
}

func (p Problem) String() string {
	return fmt.Sprintf("%s: partition %d: %s: %s", p.Check, p.Partition, p.Subject, p.Detail)
}

// Counts is what was checked.
type Counts struct {
	Partitions, Done                                               atomic.Int64
	Records, Events, Entries, Accounts, Payments, Timers, Problems atomic.Int64
	Links, Disputes, Customers                                     atomic.Int64
	Wallets, Holds, Payouts, Rounds, Published, Lines              atomic.Int64
}

func (c *Counts) String() string {
	return fmt.Sprintf("%d partitions, %d records, %d events, %d entries, %d accounts, %d payments, %d wallets, %d holds, %d payouts, %d rounds, %d timers, "+
		"%d published records, %d statement lines", c.Done.Load(), c.Records.Load(), c.Events.Load(), c.Entries.Load(), c.Accounts.Load(), c.Payments.Load(),
		c.Wallets.Load(), c.Holds.Load(), c.Payouts.Load(), c.Rounds.Load(), c.Timers.Load(), c.Published.Load(),
		c.Lines.Load())
}

// Run checks everything. The error says that something could not be read; what was read and is wrong is a Problem.
func Run(ctx context.Context, config Config) (*Counts, error) {
	if config.Settle <= 0 {
		config.Settle = defaultSettle
	}
	if config.Counts == nil {
		config.Counts = new(Counts)
	}
	frames, err := stream.NewFrames(role)
	if err != nil {
		return nil, err
	}
	c := &checker{Config: config, frames: frames}
	if config.Kafka != nil {
		if c.topics, err = newTopicReader(ctx, config.Kafka); err != nil {
			return nil, err
		}
		defer c.topics.close()
	}
	snapshots, err := c.snapshots(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.strays(ctx); err != nil {
		return nil, err
	}
	c.Counts.Partitions.Store(int64(len(snapshots)))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(min(maxWorkers, runtime.GOMAXPROCS(0)))
	if !c.BooksOnly {
		group.Go(func() error { return c.answers(ctx) })
	}
	for _, s := range snapshots {
		group.Go(func() error {
			if err := c.partition(ctx, s); err != nil {
				return fmt.Errorf("partition %d: %w", s.partition, err)
			}
			c.Counts.Done.Add(1)
			return nil
		})
	}
	return c.Counts, group.Wait()
}

// checker holds what all partitions share.
type checker struct {
	Config
	frames     *stream.Frames
	topics     *topicReader // nil: the topics are left out
	partitions int32        // of the topics; 0 where they are left out
	report     sync.Mutex
}

// partition checks one partition.
func (c *checker) partition(ctx context.Context, s snapshot) error {
	p := &partitionCheck{checker: c, snapshot: s, unposted: unposted{left: map[ledger.AccountID]*ledger.Money{}}, seed: maphash.MakeSeed(),
		inputs: newInputCheck(time.Now()), told: told{has: map[holder]*topics.WalletBalance{}},
		limits: limits{of: map[customer]*gaming.State{}}, uses: linkUses{of: map[uuid.UUID]*linkUse{}}, disputed: disputedSums{of: map[uuid.UUID]*disputedSum{}}, mandated: map[topics.PaymentID]struct{}{}, sources: sources{of: map[customer]*customerSources{}}}
	if c.BooksOnly {
		return p.books(ctx)
	}
	for _, check := range []func(context.Context) error{p.position, p.accounts, p.log, p.balances, p.remembered, p.periods, p.payments, p.strayReferences, p.parked, p.attempts, p.mandates, p.payouts, p.disputes, p.links, p.customers, p.depositSources, p.wallets, p.customerLimits, p.timers, p.statements,
		p.publishedBalances, p.input} {
		if err := check(ctx); err != nil {
			return err
		}
	}
	return nil
}

// partitionCheck checks one partition.
type partitionCheck struct {
	*checker
	snapshot
	unposted unposted
	closed   []closedPeriod // as the log says
	seed     maphash.Seed
	logged   roundSums // as the log says
	inputs   inputCheck
	told     told
	limits   limits
	sources  sources
	uses     linkUses
	disputed disputedSums

	references references
	mandated   map[topics.PaymentID]struct{} // the payments that set a mandate up
}

func (p *partitionCheck) problem(check, subject, format string, args ...any) {
	p.Counts.Problems.Add(1)
	p.report.Lock()
	defer p.report.Unlock()
	if p.Problem != nil {
		p.Problem(Problem{check, p.snapshot.partition, subject, fmt.Sprintf(format, args...)})
	}
}

func (c *checker) note(format string, args ...any) {
	c.report.Lock()
	defer c.report.Unlock()
	if c.Note != nil {
		c.Note(fmt.Sprintf(format, args...))
	}
}

// read runs fn on one snapshot of the database, again where the database asks for it: fn must start from nothing.
// Repeatable read, because a serializable reader would make the engine's own transactions fail.
func (c *checker) read(ctx context.Context, fn func(pgx.Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := c.readOnce(ctx, fn)
		if err == nil || attempt == readAttempts || !database.IsRetryable(err) {
			return err
		}
	}
}

func (c *checker) readOnce(ctx context.Context, fn func(pgx.Tx) error) (err error) {
	tx, err := c.Database.Pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return fmt.Errorf("begin to read: %w", err)
	}
	defer func() { err = errors.Join(err, tx.Rollback(context.WithoutCancel(ctx))) }() // nothing was written
	if c.Database.Dialect == database.PostgreSQL {
		// Pages are read in the order of an index. Without statistics yet, the planner would sort all that is left for each.
		if _, err := tx.Exec(ctx, `SET LOCAL enable_sort = off`); err != nil {
			return fmt.Errorf("begin to read: %w", err)
		}
	}
	return fn(tx)
}

// Rows that belong to those of a page are looked up by LATERAL (… LIMIT 1): one look into the index for each, whatever a
// planner believes of the table's size.

// collect reads all rows of a query into structs by column order. The caller's LIMIT bounds them.
func collect[T any](ctx context.Context, c *checker, sql string, args ...any) (rows []T, err error) {
	err = c.read(ctx, func(tx pgx.Tx) error {
		result, _ := tx.Query(ctx, sql, args...)
		rows, err = pgx.CollectRows(result, pgx.RowToStructByPos[T])
		return err
	})
	return rows, err
}

// at is the id of the index-th record of a position.
func (p *partitionCheck) at(position int64, index int16) topics.EventID {
	return topics.EventID{Partition: p.snapshot.partition, Position: position, Index: index}
}
