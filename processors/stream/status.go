package stream

import (
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirhq/weir/internal/telemetry"
	"github.com/weirhq/weir/topics"
)

// Phase is what a Fold is doing with a partition.
type Phase string

const (
	PhaseClaiming Phase = "claiming" // O1, or waiting to try it again
	PhaseFolding  Phase = "folding"  // O2 to O4
	PhaseStopped  Phase = "stopped"  // a StopError: somebody has to repair it
)

// PartitionStatus is what is known of one assigned partition.
type PartitionStatus struct {
	Partition int32
	Phase     Phase
	Applied   int64 // M: the position of the first record not applied; -1 before it is known
	Published int64 // N: likewise not published
	Base      int64 // position = base + offset
	Since     time.Time
	Err       error // why the last session ended; nil while folding
}

// foldMetrics are the metrics of one Fold.
type foldMetrics struct {
	stage                       *telemetry.Stage
	applied, published, stopped *prometheus.GaugeVec // by partition
}

func newFoldMetrics(registerer prometheus.Registerer, role string) (*foldMetrics, error) {
	m := &foldMetrics{stage: telemetry.NewStage(registerer, role)}
	if registerer == nil {
		registerer = prometheus.NewRegistry()
	}
	for _, gauge := range []struct {
		to         **prometheus.GaugeVec
		name, help string
	}{
		{&m.applied, "weir_fold_applied_position", "Position of the first record that is not applied."},
		{&m.published, "weir_fold_published_position", "Position of the first record whose outputs are not committed to Kafka."},
		{&m.stopped, "weir_fold_stopped", "1 where the partition waits for somebody to repair it."},
	} {
		*gauge.to = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: gauge.name, Help: gauge.help,
			ConstLabels: prometheus.Labels{"role": role}}, []string{"partition"})
		err := registerer.Register(*gauge.to)
		var there prometheus.AlreadyRegisteredError
		if errors.As(err, &there) { // another Fold of the role in this process
			*gauge.to, err = there.ExistingCollector.(*prometheus.GaugeVec), nil
		}
		if err != nil {
			return nil, err
		}
	}
	return m, nil
}

// partitionStatus is the live status of one partition, written by its sessions and read by anybody.
type partitionStatus struct {
	metrics *foldMetrics
	label   string

	mu       sync.Mutex
	now      PartitionStatus
	progress bool  // since the last begin
	end      int64 // offset after the last record of the input, as far as is known
}

func newPartitionStatus(metrics *foldMetrics, partition int32) *partitionStatus {
	return &partitionStatus{metrics: metrics, label: strconv.Itoa(int(partition)),
		now: PartitionStatus{Partition: partition, Phase: PhaseClaiming, Applied: -1, Published: -1, Since: time.Now()}}
}

func (s *partitionStatus) snapshot() PartitionStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *partitionStatus) change(phase Phase, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if phase != s.now.Phase {
		s.now.Since = time.Now()
	}
	s.now.Phase, s.now.Err = phase, err
	stopped := 0.0
	if phase == PhaseStopped {
		stopped = 1
	}
	s.metrics.stopped.WithLabelValues(s.label).Set(stopped)
}

func (s *partitionStatus) claiming() {
	s.mu.Lock()
	s.progress = false
	s.mu.Unlock()
}

// progressed reports whether the session has applied or published anything.
func (s *partitionStatus) progressed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.progress
}

func (s *partitionStatus) folding(published, applied, base int64) {
	s.change(PhaseFolding, nil)
	s.mu.Lock()
	s.now.Applied, s.now.Published, s.now.Base = applied, published, base
	s.mu.Unlock()
	s.metrics.applied.WithLabelValues(s.label).Set(float64(applied))
	s.metrics.published.WithLabelValues(s.label).Set(float64(published))
}

// applied takes note of records that were applied within took, up to next, and of the dead letters among them.
func (s *partitionStatus) applied(next int64, records int, letters []topics.RefusalCode, took time.Duration) {
	s.mu.Lock()
	s.now.Applied, s.progress = next, true
	lag := s.end - (next - s.now.Base)
	s.mu.Unlock()
	s.metrics.applied.WithLabelValues(s.label).Set(float64(next))
	s.metrics.stage.Batch(took, records)
	s.metrics.stage.Lag(s.now.Partition, max(lag, 0))
	for _, reason := range letters {
		s.metrics.stage.DeadLetter(reason)
	}
}

// ends takes note of where the input ends, as a fetch has said.
func (s *partitionStatus) ends(offset int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end = offset
}

// release forgets what is shown of a partition that is no longer assigned.
func (s *partitionStatus) release() {
	for _, gauge := range []*prometheus.GaugeVec{s.metrics.applied, s.metrics.published, s.metrics.stopped} {
		gauge.DeleteLabelValues(s.label)
	}
	s.metrics.stage.Release(s.now.Partition)
}

func (s *partitionStatus) published(next int64) {
	s.mu.Lock()
	s.now.Published, s.progress = next, true
	s.mu.Unlock()
	s.metrics.published.WithLabelValues(s.label).Set(float64(next))
}
