// Package webhooks turns the verified webhooks of psp.webhooks.v1 into reports for payments.inbox.v1. A webhook that comes
// twice gives the same report id twice, and the inbox takes an id once.
//
//	normalise.go  a record to the report that it makes: pure
//	resolve.go    whose the report is: which payment, known or not
//	pipeline.go   the records of one partition on their way to the inbox
//	park.go       rows of webhooks whose payment is not known yet
//	retry.go      the same, tried again until the payment is known, or put aside
//
// A webhook may be here before what it speaks of: the reference that it names is learnt from the PSP's answer to our request,
// which may come later. It is parked: kept in a row and tried again. That is done here and not in the fold, because a
// reference that nobody knows has no partition, and so no fold that could own it. The fold gets only what is known: it
// never sees a webhook of a payment that it does not have. Nothing is decided by the look: a payment that is found is
// stored, so the fold has it; one that is missed, because its transaction commits a moment later, is found at the next
// try. What comes into the inbox twice by a crash on this way is told there by its report id, so parking may repeat and
// never loses: a row is written before the offset passes the record, and deleted after its report is durable.
package webhooks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// Name is the role's name in groups, sources and dead letters.
const Name = "webhooks"

// Config of the role.
type Config struct {
	Kafka      []kgo.Opt // options that reach the cluster
	Database   *database.DB
	Mappers    Mappers
	Partitions int32 // of every topic
	Parking    Parking
	InstanceID string
	Limits     stream.Limits
	Log        *slog.Logger          // nil for none
	Registerer prometheus.Registerer // nil for none
}

// Parking says how long a webhook of an unknown payment is tried again.
type Parking struct {
	For   time.Duration // 0: a day
	First time.Duration // wait before the first try; each is twice the one before. 0: a second
	Most  time.Duration // longest wait. 0: ten minutes
	Look  time.Duration // between two looks for what is due. 0: a second
}

func (p Parking) withDefaults() Parking {
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{{&p.For, 24 * time.Hour}, {&p.First, time.Second}, {&p.Most, 10 * time.Minute}, {&p.Look, time.Second}} {
		if *d.value <= 0 {
			*d.value = d.standard
		}
	}
	return p
}

// wait is how long a webhook is left alone after so many tries.
func (p Parking) wait(attempts int32) time.Duration {
	wait := p.First
	for range attempts {
		if wait = 2 * wait; wait >= p.Most {
			return p.Most
		}
	}
	return wait
}

// Role runs the normaliser.
type Role struct {
	*stream.Transform
	desk *desk
}

// desk is what the pipelines of all partitions share.
type desk struct {
	mappers  Mappers
	resolver resolver
	rows     rows
	parking  Parking
	producer *kgo.Client // of what is parked no longer
	now      func() time.Time
	metrics  *metrics
	log      *slog.Logger
}

// New returns the role. It connects to nothing.
func New(cfg Config) (*Role, error) {
	if cfg.Partitions < 1 || len(cfg.Mappers) == 0 || cfg.Database == nil {
		return nil, errors.New("webhooks: partitions, mappers or the database are missing")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	producer, err := kgo.NewClient(append(append([]kgo.Opt(nil), cfg.Kafka...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0), kgo.RequiredAcks(kgo.AllISRAcks()))...)
	if err != nil {
		return nil, fmt.Errorf("webhooks: kafka client: %w", err)
	}
	d := &desk{
		mappers: cfg.Mappers, resolver: resolver{cfg.Database.Pool, cfg.Partitions}, rows: rows{cfg.Database.Pool},
		parking: cfg.Parking.withDefaults(), producer: producer, now: time.Now, log: cfg.Log.With("role", Name),
	}
	if d.metrics, err = newMetrics(cfg.Registerer); err != nil {
		return nil, fmt.Errorf("webhooks: %w", err)
	}
	transform, err := stream.NewTransform(stream.TransformConfig{
		Role: Name, Input: topics.PSPWebhooks, DeadLetters: topics.PSPWebhooksDeadLetters, Open: d.open,
		Kafka: cfg.Kafka, InstanceID: cfg.InstanceID, Limits: cfg.Limits, Log: cfg.Log, Registerer: cfg.Registerer,
	})
	return &Role{transform, d}, err
}

// Run normalises until ctx is done.
func (r *Role) Run(ctx context.Context) error {
	defer r.desk.producer.Close()
	return r.Transform.Run(ctx)
}

type metrics struct{ parked *prometheus.CounterVec }

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "weir_webhooks_parked_total", Help: "Webhooks of payments that were not known: parked, found (the payment became known) and given_up (put aside).",
	}, []string{"psp", "became"})}
	if r == nil {
		return m, nil
	}
	return m, r.Register(m.parked)
}
