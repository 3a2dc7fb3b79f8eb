package payments

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirhq/weir/ledger"
	ledgerstore "github.com/weirhq/weir/ledger/store"
	"github.com/weirhq/weir/processors/payments/disputes"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/payments/payouts"
	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// Role is the fold's name: of its positions, its transactional ids and its events' source.
const Role = "payments"

// Format is the format number of what the fold stores. It rises with every change that an older build would misread: such
// a build then gives the partition up. 5 came with disputes, mandates, payment links, methods but cards, increments, delayed
// captures, plans for later, sources of deposits as lists, and records of customers.
const Format = 5

const (
	defaultCachePayments = 100_000
	defaultCacheBytes    = 64 << 20
	defaultCacheWallets  = 100_000
	defaultTimerInterval = time.Second

	defaultBackgroundTimeout = 15 * time.Second
	timersAtOnce             = 500 // due timers of a partition that are turned into records in one interval
)

// Config is what a Program works with.
type Config struct {
	Pool       *pgxpool.Pool
	Partitions int32 // of the inbox; a record that belongs to another partition is refused
	Limits     lifecycle.Limits
	Payouts    payouts.Terms // zero: payouts.DefaultTerms
	Payers     []string      // PSPs that pay out; nil: all do
	Answering  []string      // PSPs that take answers to disputes; nil: all do
	// Produce puts a due timer into the inbox's partition and returns when the broker has it for certain. Nil: timers
	// are left in their table.
	Produce func(ctx context.Context, partition int32, due topics.TimerDue) error

	// What is held in memory, of all partitions together; each has the same share of it, as one process may own them all.
	CachePayments int           // 0: 100,000
	CacheBytes    int           // of these payments, about, and as much again of payouts, and of what limits know of customers; 0: 64 MiB
	CacheWallets  int           // customers with their balances, and as many holds and rounds; 0: 100,000
	TimerInterval time.Duration // between two looks for due timers; 0: one second
	// BackgroundTimeout is for one such look with what is sent then, and for one step of forgetting inputs: a connection whose
	// other end has fallen silent must not stop a partition's timers. 0: 15 seconds.
	BackgroundTimeout time.Duration

	Registerer prometheus.Registerer // nil: no metrics are shown
	Log        *slog.Logger          // nil: slog.Default
}

// Program opens the payments of a partition for stream.Fold.
type Program struct {
	config  Config
	metrics *metrics
}

// New checks the configuration and returns a Program.
func New(config Config) (*Program, error) {
	if config.Pool == nil || config.Partitions < 1 {
		return nil, fmt.Errorf("payments: pool and a partition count above zero are needed, got %d partitions", config.Partitions)
	}
	if err := config.Limits.Validate(); err != nil {
		return nil, fmt.Errorf("payments: %w", err)
	}
	if config.Payouts == (payouts.Terms{}) {
		config.Payouts = payouts.DefaultTerms()
	}
	if err := config.Payouts.Validate(); err != nil {
		return nil, fmt.Errorf("payments: %w", err)
	}
	orDefault(&config.CachePayments, defaultCachePayments)
	orDefault(&config.CacheBytes, defaultCacheBytes)
	orDefault(&config.CacheWallets, defaultCacheWallets)
	orDefault(&config.TimerInterval, defaultTimerInterval)
	orDefault(&config.BackgroundTimeout, defaultBackgroundTimeout)
	if config.Log == nil {
		config.Log = slog.Default()
	}
	metrics, err := newMetrics(config.Registerer)
	if err != nil {
		return nil, fmt.Errorf("payments: %w", err)
	}
	return &Program{config, metrics}, nil
}

func orDefault[T int | time.Duration](v *T, standard T) {
	if *v <= 0 {
		*v = standard
	}
}

// Open returns the state of a partition. Only the head of the ledger's chain, the closed periods and whether any customer has
// limits are read before the first batch needs more: a commit of the former owner that lands after it moves the applied position, too, and fails the
// first batch's fence.
func (p *Program) Open(ctx context.Context, number int32, _ int64) (stream.State, error) {
	if number < 0 || number >= p.config.Partitions {
		return nil, fmt.Errorf("payments: partition %d of %d", number, p.config.Partitions)
	}
	writer, err := ledgerstore.OpenWriter(ctx, p.config.Pool, number)
	if err != nil {
		return nil, fmt.Errorf("payments: %w", err)
	}
	closed, err := readClosed(ctx, p.config.Pool, number)
	if err != nil {
		return nil, fmt.Errorf("payments: %w", err)
	}
	if err := buildSources(ctx, p.config.Pool, number); err != nil {
		return nil, fmt.Errorf("payments: %w", err)
	}
	limited, err := hasLimits(ctx, p.config.Pool, number)
	if err != nil {
		return nil, fmt.Errorf("payments: %w", err)
	}
	return &partition{
		number:    number,
		config:    &p.config,
		metrics:   p.metrics,
		log:       p.config.Log.With("role", Role, "partition", number),
		payments:  newCache[paymentKey, *held](p.share(p.config.CachePayments), p.share(p.config.CacheBytes)),
		payouts:   newCache[uuid.UUID, *heldPayout](p.share(p.config.CachePayments), p.share(p.config.CacheBytes)),
		links:     newCache[uuid.UUID, *heldLink](p.share(p.config.CachePayments), p.share(p.config.CacheBytes)),
		disputes:  newCache[uuid.UUID, *heldDispute](p.share(p.config.CachePayments), p.share(p.config.CacheBytes)),
		customers: newCache[uuid.UUID, *heldCustomer](p.share(p.config.CacheWallets), p.share(p.config.CacheBytes)),
		holders:   newCache[customerKey, *holder](p.share(p.config.CacheWallets), p.share(p.config.CacheBytes)),
		holds:     newCache[uuid.UUID, *part[wallets.Hold]](p.share(p.config.CacheWallets), 0),
		rounds:    newCache[uuid.UUID, *part[wallets.Round]](p.share(p.config.CacheWallets), 0),
		balances:  ledger.NewBalances(),
		inputs:    make(map[int64]*input),
		created:   make(map[paymentKey]ledger.Customer),
		applied:   make(map[inputID]int64),
		ledger:    writer,
		closed:    closed,
		limited:   limited,

		disputeLimits: disputes.NewLimits(p.config.Limits, p.config.Answering),
		payoutLimits:  payouts.Limits{Limits: p.config.Limits, Terms: p.config.Payouts, Payers: p.config.Payers},
	}, nil
}

// share is a partition's part of a limit, at least one.
func (p *Program) share(limit int) int { return max(limit/int(p.config.Partitions), 1) }

// future marks the error of a state that a newer release wrote, so that the runtime gives the partition up.
func future(err error) error {
	if errors.Is(err, lifecycle.ErrFutureFormat) {
		return fmt.Errorf("%w: %w", stream.ErrFutureFormat, err)
	}
	return err
}
