package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/telemetry"
)

// FoldConfig says what a Fold folds.
type FoldConfig struct {
	Role        string // names the group, the transactional ids, the rows and the position records; never changed
	Input       string // topic; only producers without transactions write it
	DeadLetters string // topic for records that are put aside
	Format      int16  // of what Program stores, from 1; a partition in which a higher one was stored is given up
	Program     Program
	DB          *database.DB
	Kafka       []kgo.Opt // seed brokers, security, logging: what every client of this process has

	// InstanceID makes the process a static member of the group: unique among the processes of the role, the same after a
	// restart. A process that is killed and comes back has its partitions at once. "" for none.
	InstanceID string
	Limits     Limits
	Log        *slog.Logger
	Registerer prometheus.Registerer // nil for none
	Hook       Hook                  // for tests
}

func (c *FoldConfig) validate() error {
	switch {
	case c.Role == "":
		return errors.New("fold: Role is missing")
	case c.Input == "" || c.DeadLetters == "":
		return fmt.Errorf("fold %s: Input or DeadLetters is missing", c.Role)
	case c.Format < 1:
		return fmt.Errorf("fold %s: Format is %d, want at least 1", c.Role, c.Format)
	case c.Program == nil || c.DB == nil || len(c.Kafka) == 0:
		return fmt.Errorf("fold %s: Program, DB or Kafka is missing", c.Role)
	}
	return nil
}

// Fold applies a topic to the database, and publishes what comes of it, each record exactly once.
type Fold struct {
	config  FoldConfig
	frames  *Frames
	metrics *foldMetrics
	owner   *owner
	log     *slog.Logger

	together *database.Gather[*turn]

	mu     sync.Mutex
	status map[int32]*partitionStatus
}

// NewFold checks the configuration. It connects to nothing.
func NewFold(config FoldConfig) (*Fold, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	config.Limits = config.Limits.withDefaults()
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	frames, err := NewFrames(config.Role)
	if err != nil {
		return nil, err
	}
	metrics, err := newFoldMetrics(config.Registerer, config.Role)
	if err != nil {
		return nil, fmt.Errorf("fold %s: metrics: %w", config.Role, err)
	}
	f := &Fold{config: config, frames: frames, metrics: metrics, status: make(map[int32]*partitionStatus),
		log: config.Log.With("role", config.Role), together: newTurns(config.DB, config.Limits)}
	f.owner = &owner{
		group: "weir-" + config.Role, topic: config.Input, instanceID: config.InstanceID, kafka: config.Kafka,
		limits: config.Limits, log: f.log, hold: f.hold, offset: f.offset,
	}
	return f, nil
}

// Run takes part in the role's group and folds every partition that is assigned, until ctx is done. It then finishes the
// batches in hand, publishes them, leaves the group and returns nil, within DrainTimeout and three LeaveTimeouts even
// where broker or database are away. Errors of a partition do not end it: they are retried, and shown by Status.
func (f *Fold) Run(ctx context.Context) error { return f.owner.run(ctx) }

// hold owns a partition over and over until drain or ctx is done.
func (f *Fold) hold(ctx, drain context.Context, partition int32) {
	status := newPartitionStatus(f.metrics, partition)
	f.mu.Lock()
	f.status[partition] = status
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.status[partition] == status { // not held anew meanwhile
			delete(f.status, partition)
			status.release()
		}
	}()
	suspects := &suspects{}
	log := f.log.With("partition", partition)
	delay := f.config.Limits.BackoffFirst
	for drain.Err() == nil && ctx.Err() == nil {
		status.claiming()
		s := &session{Fold: f, partition: partition, suspects: suspects, status: status, log: log}
		err := s.run(ctx, drain)
		if err == nil || ctx.Err() != nil {
			return
		}
		if status.progressed() {
			delay = f.config.Limits.BackoffFirst
		}
		wait := f.pause(err, delay)
		f.report(status, log, err, wait)
		delay = min(2*delay, f.config.Limits.BackoffLast)
		select {
		case <-time.After(wait):
		case <-drain.Done():
		case <-ctx.Done():
		}
	}
}

// pause is how long to wait before O1 is tried again.
func (f *Fold) pause(err error, delay time.Duration) time.Duration {
	var stopped *StopError
	var condemned *condemnedError
	switch {
	case errors.As(err, &stopped):
		return f.config.Limits.StoppedInterval
	case errors.As(err, &condemned) || blamesData(err):
		return 0 // the next batch is another one
	case errors.Is(err, errStale):
		// If we lost the partition, the group tells us within a heartbeat or two. Claiming it at once would take it from
		// its new owner, who would take it back.
		delay = max(delay, f.config.Limits.BackoffStale)
	}
	return delay/2 + rand.N(delay)
}

func (f *Fold) report(status *partitionStatus, log *slog.Logger, err error, wait time.Duration) {
	f.metrics.stage.Retry(telemetry.RetryOwnership)
	var stopped *StopError
	if errors.As(err, &stopped) {
		status.change(PhaseStopped, err)
		log.Error("partition stopped", "reason", stopped.Reason, "error", err)
		return
	}
	status.change(PhaseClaiming, err)
	log.Warn("partition is claimed again", "error", err, "after", wait)
}

// offset is the input offset up to which a partition is applied, for lag tools.
func (f *Fold) offset(partition int32) int64 {
	f.mu.Lock()
	status := f.status[partition]
	f.mu.Unlock()
	if status == nil {
		return -1
	}
	now := status.snapshot()
	if now.Applied < 0 {
		return -1
	}
	return now.Applied - now.Base
}

// Status is what is known of each partition that is assigned to this process, by partition.
func (f *Fold) Status() []PartitionStatus {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]PartitionStatus, 0, len(f.status))
	for _, status := range f.status {
		all = append(all, status.snapshot())
	}
	slices.SortFunc(all, func(a, b PartitionStatus) int { return int(a.Partition) - int(b.Partition) })
	return all
}

// Ready returns nil once the group has assigned partitions to this process and all of them are being folded; otherwise
// what is in the way.
func (f *Fold) Ready() error {
	if !f.owner.wasAssigned() {
		return fmt.Errorf("%s: no partitions assigned yet", f.config.Role)
	}
	for _, status := range f.Status() {
		if status.Phase != PhaseFolding && status.Err != nil {
			return fmt.Errorf("%s partition %d: %s: %w", f.config.Role, status.Partition, status.Phase, status.Err)
		}
		if status.Phase != PhaseFolding {
			return fmt.Errorf("%s partition %d: %s", f.config.Role, status.Partition, status.Phase)
		}
	}
	return nil
}
