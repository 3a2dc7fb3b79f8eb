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

	"github.com/weirhq/weir/internal/telemetry"
)

// sessionFunc is one session of a partition: it owns it from O1 to the first error, or until drain is done and what is in
// hand is finished.
type sessionFunc func(ctx, drain context.Context) error

// tenancyConfig says what a Fold or a Table holds partitions of.
type tenancyConfig struct {
	role, input, instanceID string
	kafka                   []kgo.Opt
	limits                  Limits
	log                     *slog.Logger
	registerer              prometheus.Registerer
	// sessions is called when a partition is assigned. What it returns runs one session after another.
	sessions func(partition int32, status *partitionStatus, log *slog.Logger) sessionFunc
}

// tenancy holds the partitions that the group assigns, each by one session after another, and knows how they are.
type tenancy struct {
	tenancyConfig
	metrics *foldMetrics
	owner   *owner

	mu     sync.Mutex
	status map[int32]*partitionStatus
}

func newTenancy(config tenancyConfig) (*tenancy, error) {
	metrics, err := newFoldMetrics(config.registerer, config.role)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	config.log = config.log.With("role", config.role)
	t := &tenancy{tenancyConfig: config, metrics: metrics, status: make(map[int32]*partitionStatus)}
	t.owner = &owner{
		group: "weir-" + config.role, topic: config.input, instanceID: config.instanceID, kafka: config.kafka,
		limits: config.limits, log: config.log, hold: t.hold, offset: t.offset,
	}
	return t, nil
}

// hold owns a partition over and over until drain or ctx is done.
func (t *tenancy) hold(ctx, drain context.Context, partition int32) {
	status := newPartitionStatus(t.metrics, partition)
	t.mu.Lock()
	t.status[partition] = status
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.status[partition] == status { // not held anew meanwhile
			delete(t.status, partition)
			status.release()
		}
	}()
	log := t.log.With("partition", partition)
	session := t.sessions(partition, status, log)
	delay := t.limits.BackoffFirst
	for drain.Err() == nil && ctx.Err() == nil {
		status.claiming()
		err := session(ctx, drain)
		if err == nil || ctx.Err() != nil {
			return
		}
		if status.progressed() {
			delay = t.limits.BackoffFirst
		}
		wait := t.pause(err, delay)
		t.report(status, log, err, wait)
		delay = min(2*delay, t.limits.BackoffLast)
		select {
		case <-time.After(wait):
		case <-drain.Done():
		case <-ctx.Done():
		}
	}
}

// pause is how long to wait before O1 is tried again.
func (t *tenancy) pause(err error, delay time.Duration) time.Duration {
	var stopped *StopError
	var condemned *condemnedError
	switch {
	case errors.As(err, &stopped):
		return t.limits.StoppedInterval
	case errors.As(err, &condemned) || blamesData(err):
		return 0 // the next batch is another one
	case errors.Is(err, errStale):
		// If we lost the partition, the group tells us within a heartbeat or two. Claiming it at once would take it from
		// its new owner, who would take it back.
		delay = max(delay, t.limits.BackoffStale)
	}
	return delay/2 + rand.N(delay)
}

func (t *tenancy) report(status *partitionStatus, log *slog.Logger, err error, wait time.Duration) {
	t.metrics.stage.Retry(telemetry.RetryOwnership)
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
func (t *tenancy) offset(partition int32) int64 {
	t.mu.Lock()
	status := t.status[partition]
	t.mu.Unlock()
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
func (t *tenancy) Status() []PartitionStatus {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]PartitionStatus, 0, len(t.status))
	for _, status := range t.status {
		all = append(all, status.snapshot())
	}
	slices.SortFunc(all, func(a, b PartitionStatus) int { return int(a.Partition) - int(b.Partition) })
	return all
}

// Ready returns nil once the group has assigned partitions to this process and all of them are being folded; otherwise
// what is in the way.
func (t *tenancy) Ready() error {
	if !t.owner.wasAssigned() {
		return fmt.Errorf("%s: no partitions assigned yet", t.role)
	}
	for _, status := range t.Status() {
		if status.Phase != PhaseFolding && status.Err != nil {
			return fmt.Errorf("%s partition %d: %s: %w", t.role, status.Partition, status.Phase, status.Err)
		}
		if status.Phase != PhaseFolding {
			return fmt.Errorf("%s partition %d: %s", t.role, status.Partition, status.Phase)
		}
	}
	return nil
}
