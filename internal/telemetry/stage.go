package telemetry

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirhq/weir/topics"
)

// RetryKind says what was tried again. The set is closed, so that the number of series is bounded.
type RetryKind string

const (
	RetryDatabase  RetryKind = "database"  // a transaction, after a serialization error or a lost connection
	RetryBroker    RetryKind = "broker"    // a produce or a Kafka transaction
	RetryOwnership RetryKind = "ownership" // a partition was claimed again after an error
	RetryPSP       RetryKind = "psp"       // a call was sent again
	RetryPoll      RetryKind = "poll"      // an unknown or pending outcome was asked for
	retryOther     RetryKind = "other"
)

func retryKinds() []RetryKind {
	return []RetryKind{RetryDatabase, RetryBroker, RetryOwnership, RetryPSP, RetryPoll, retryOther}
}

// deadLetterReasons are the refusals with which a record is put aside.
func deadLetterReasons() []topics.RefusalCode {
	return []topics.RefusalCode{topics.RefusedUndecodable, topics.RefusedPoison, topics.RefusedInvalid, topics.RefusedCardNumber}
}

const otherReason = "other"

// Stage records what a role does with its records. All methods may be called concurrently.
type Stage struct {
	records     prometheus.Counter
	batches     prometheus.Histogram
	batchSizes  prometheus.Histogram
	retries     map[RetryKind]prometheus.Counter
	deadLetters map[topics.RefusalCode]prometheus.Counter
	other       prometheus.Counter
	lag         *prometheus.GaugeVec
}

// NewStage registers the metrics of a role; a role that is registered already shares them. With a nil Registerer they go
// nowhere.
func NewStage(reg prometheus.Registerer, role string) *Stage {
	if reg == nil {
		reg = prometheus.NewRegistry()
	}
	constant := prometheus.Labels{"role": role}
	retries := register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "weir_stage_retries_total", Help: "What was tried again, by kind.", ConstLabels: constant}, []string{"kind"}))
	letters := register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "weir_stage_dead_letters_total", Help: "Records put aside, by reason.", ConstLabels: constant}, []string{"reason"}))
	s := &Stage{
		records: register(reg, prometheus.NewCounter(prometheus.CounterOpts{
			Name: "weir_stage_records_total", Help: "Records processed.", ConstLabels: constant})),
		batches: register(reg, prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "weir_stage_batch_seconds", Help: "Time that one batch took, from its first record read to its effects durable.", ConstLabels: constant,
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14)})), // 1 ms to 8 s
		batchSizes: register(reg, prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "weir_stage_batch_records", Help: "Records in one batch.", ConstLabels: constant,
			Buckets: prometheus.ExponentialBuckets(1, 4, 8)})), // 1 to 16384
		lag: register(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "weir_stage_lag_records", Help: "Records of the input that are not processed yet.", ConstLabels: constant}, []string{"partition"})),
		retries:     map[RetryKind]prometheus.Counter{},
		deadLetters: map[topics.RefusalCode]prometheus.Counter{},
		other:       letters.WithLabelValues(otherReason),
	}
	for _, kind := range retryKinds() {
		s.retries[kind] = retries.WithLabelValues(string(kind))
	}
	for _, reason := range deadLetterReasons() {
		s.deadLetters[reason] = letters.WithLabelValues(string(reason))
	}
	return s
}

// register registers a collector, or returns the one that is there already under its name and labels.
func register[C prometheus.Collector](reg prometheus.Registerer, c C) C {
	err := reg.Register(c)
	var there prometheus.AlreadyRegisteredError
	if errors.As(err, &there) {
		if existing, ok := there.ExistingCollector.(C); ok {
			return existing
		}
	}
	if err != nil {
		panic(err) // two metrics of one name with different meanings: a mistake in the program
	}
	return c
}

// Records counts n processed records that were no batch.
func (s *Stage) Records(n int) { s.records.Add(float64(n)) }

// Batch counts a batch of n records that took d.
func (s *Stage) Batch(d time.Duration, n int) {
	s.records.Add(float64(n))
	s.batches.Observe(d.Seconds())
	s.batchSizes.Observe(float64(n))
}

// Retry counts something that was tried again.
func (s *Stage) Retry(kind RetryKind) {
	if !slices.Contains(retryKinds(), kind) {
		kind = retryOther
	}
	s.retries[kind].Inc()
}

// DeadLetter counts a record that was put aside.
func (s *Stage) DeadLetter(reason topics.RefusalCode) {
	if counter, ok := s.deadLetters[reason]; ok {
		counter.Inc()
		return
	}
	s.other.Inc()
}

// Lag sets how many records of a partition are not processed yet. Release forgets it.
func (s *Stage) Lag(partition int32, n int64) {
	s.lag.WithLabelValues(strconv.Itoa(int(partition))).Set(float64(n))
}

// Release drops the lag of a partition that this process no longer owns.
func (s *Stage) Release(partition int32) { s.lag.DeleteLabelValues(strconv.Itoa(int(partition))) }
