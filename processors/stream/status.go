package stream

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
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

// foldMetrics are the metrics of one Fold. Labels are partitions only: a closed set.
type foldMetrics struct {
	applied, published *prometheus.GaugeVec // positions
	records, batches   *prometheus.CounterVec
	outputs, letters   *prometheus.CounterVec
	sessions           *prometheus.CounterVec
	stopped            *prometheus.GaugeVec
	batchSeconds       prometheus.Histogram
}

// register returns the collector, or the one of the same name that another Fold of this process has registered.
func register[C prometheus.Collector](r prometheus.Registerer, c C) (C, error) {
	err := r.Register(c)
	if err == nil {
		return c, nil
	}
	if already, ok := err.(prometheus.AlreadyRegisteredError); ok {
		if existing, ok := already.ExistingCollector.(C); ok {
			return existing, nil
		}
	}
	return c, err
}

func newFoldMetrics(registerer prometheus.Registerer, role string) (*foldMetrics, error) {
	if registerer == nil {
		registerer = prometheus.NewRegistry()
	}
	registerer = prometheus.WrapRegistererWith(prometheus.Labels{"role": role}, registerer)
	m := &foldMetrics{}
	var err error
	gauge := func(name, help string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "weir_fold_" + name, Help: help}, []string{"partition"})
		registered, failure := register(registerer, g)
		if failure != nil {
			err = failure
		}
		return registered
	}
	counter := func(name, help string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "weir_fold_" + name, Help: help}, []string{"partition"})
		registered, failure := register(registerer, c)
		if failure != nil {
			err = failure
		}
		return registered
	}
	m.applied = gauge("applied_position", "Position of the first record not applied.")
	m.published = gauge("published_position", "Position of the first record whose outputs are not committed to Kafka.")
	m.stopped = gauge("stopped", "1 where the partition waits for somebody to repair it.")
	m.records = counter("records_total", "Records applied.")
	m.batches = counter("batches_total", "Database transactions committed.")
	m.outputs = counter("outputs_total", "Records applied for publication.")
	m.letters = counter("dead_letters_total", "Records put aside.")
	m.sessions = counter("sessions_total", "Times a partition was claimed.")
	histogram, failure := register(registerer, prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "weir_fold_batch_seconds", Help: "Time to apply one batch, database transaction included.",
		Buckets: prometheus.ExponentialBuckets(0.001, 2, 14),
	}))
	if failure != nil {
		err = failure
	}
	m.batchSeconds = histogram
	return m, err
}

// transformMetrics are the metrics of one Transform.
type transformMetrics struct {
	records, retries, letters prometheus.Counter
}

func newTransformMetrics(registerer prometheus.Registerer, role string) (*transformMetrics, error) {
	if registerer == nil {
		registerer = prometheus.NewRegistry()
	}
	registerer = prometheus.WrapRegistererWith(prometheus.Labels{"role": role}, registerer)
	m := &transformMetrics{}
	var err error
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "weir_transform_" + name, Help: help})
		registered, failure := register[prometheus.Counter](registerer, c)
		if failure != nil {
			err = failure
		}
		return registered
	}
	m.records = counter("records_total", "Records transformed.")
	m.retries = counter("retries_total", "Records tried again after an error.")
	m.letters = counter("dead_letters_total", "Records put aside.")
	return m, err
}

// partitionStatus is the live status of one partition, written by its sessions and read by anybody.
type partitionStatus struct {
	metrics *foldMetrics
	label   string

	mu       sync.Mutex
	now      PartitionStatus
	progress bool // since the last begin
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
	s.metrics.sessions.WithLabelValues(s.label).Inc()
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

func (s *partitionStatus) applied(b *batch, took time.Duration) {
	s.mu.Lock()
	s.now.Applied, s.progress = b.next, true
	s.mu.Unlock()
	s.metrics.applied.WithLabelValues(s.label).Set(float64(b.next))
	s.metrics.records.WithLabelValues(s.label).Add(float64(len(b.records)))
	s.metrics.batches.WithLabelValues(s.label).Inc()
	s.metrics.outputs.WithLabelValues(s.label).Add(float64(len(b.outputs)))
	s.metrics.letters.WithLabelValues(s.label).Add(float64(b.letters))
	s.metrics.batchSeconds.Observe(took.Seconds())
}

func (s *partitionStatus) published(next int64) {
	s.mu.Lock()
	s.now.Published, s.progress = next, true
	s.mu.Unlock()
	s.metrics.published.WithLabelValues(s.label).Set(float64(next))
}
