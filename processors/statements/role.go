// Package statements runs the statement projection (ledger/statement) and publishes ledger.balances.v1.
//
// One process leads, the others stand by. To lead is to hold the transactional id of the role: the broker refuses what a
// former leader still sends, so that no balance follows a newer one. The lines need no leader, their position is moved by
// compare-and-set; leading only keeps processes from doing the same work twice. Who stands by looks once a second, and
// takes the lead where there is work and nobody has done any for a while.
//
// A round stores lines, then balances are published, then the next round stores that they are. A crash behind the first
// leaves balances that are not published, which the next leader finds; one behind the second has them published again.
package statements

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/telemetry"
	"github.com/weirhq/weir/ledger/statement"
)

// Role is the projection's name in sources, metrics and its transactional id.
const Role = "statements"

const transactionalID = "weir-" + Role

// Times of a leader and of those that stand by.
const (
	pollEvery    = 200 * time.Millisecond // between two looks where nothing lags
	publishEvery = 500 * time.Millisecond // between two Kafka transactions; what changes often is published once in each
	standByEvery = time.Second
	leaderSilent = 3 * time.Second // work without progress for so long: there is no leader
	roundWithin  = 30 * time.Second
	kafkaWithin  = 10 * time.Second // for the lead, and for one Kafka transaction
)

// Config of the role.
type Config struct {
	Database   *database.DB
	Kafka      []kgo.Opt
	Entries    int // that one round projects; 0: the package's default
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// Statements is the role.
type Statements struct {
	config Config
	stage  *telemetry.Stage
	log    *slog.Logger

	mu      sync.Mutex
	failure error
}

// New checks the configuration. It connects to nothing.
func New(config Config) (*Statements, error) {
	if config.Database == nil || len(config.Kafka) == 0 || config.Log == nil {
		return nil, errors.New("statements: a database, brokers and a log are needed")
	}
	return &Statements{
		config: config, stage: telemetry.NewStage(config.Registerer, Role), log: config.Log.With("role", Role),
		failure: errors.New("has not looked at the ledger yet"),
	}, nil
}

// Run leads and stands by in turn until ctx is done. What fails is said and tried again.
func (s *Statements) Run(ctx context.Context) error {
	for {
		err := s.lead(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, errLed) || errors.Is(err, statement.ErrStale) {
			s.note(nil)
			s.log.Info("another process projects the statements; standing by", "seen", err)
		} else {
			s.note(err)
			s.stage.Retry(telemetry.RetryOwnership)
			s.log.Warn("the statement projection begins again from what is stored", "error", err)
		}
		if err := s.standBy(ctx); err != nil {
			return nil
		}
	}
}

// Ready returns nil where this process leads or stands by, and the error that keeps it from both.
func (s *Statements) Ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil {
		return fmt.Errorf("%s: %w", Role, s.failure)
	}
	return nil
}

func (s *Statements) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = err
}

// errLed says that another process has taken the lead.
var errLed = errors.New("another process leads")

func ledOr(err error) error {
	for _, fenced := range []error{kerr.ProducerFenced, kerr.InvalidProducerEpoch, kerr.InvalidProducerIDMapping, kerr.TransactionalIDNotFound} {
		if errors.Is(err, fenced) {
			return fmt.Errorf("%w: %w", errLed, err)
		}
	}
	return err
}

// lead takes the lead, and projects and publishes until something fails. While it is behind it rests as long as it works:
// it shares the database with the fold, whose money moves while statements may lag.
func (s *Statements) lead(ctx context.Context) error {
	publisher, err := newPublisher(ctx, s.config.Kafka)
	if err != nil {
		return err
	}
	defer publisher.close()
	projector := statement.NewProjector(s.config.Database, s.config.Entries)
	published, told := time.Time{}, false
	for {
		began := time.Now()
		round, err := s.round(ctx, projector)
		if err != nil {
			return err
		}
		if time.Since(published) >= publishEvery {
			if err := s.publish(ctx, projector, publisher); err != nil {
				return err
			}
			published = time.Now()
		}
		if round.Failed != nil && !told {
			s.log.Error("partitions cannot be projected; the others are", "error", round.Failed)
		}
		told = round.Failed != nil
		s.note(round.Failed)
		rest := pollEvery
		if round.Behind {
			rest = min(time.Since(began), pollEvery)
		}
		if err := sleep(ctx, rest); err != nil {
			return err
		}
	}
}

func (s *Statements) round(ctx context.Context, projector *statement.Projector) (statement.Round, error) {
	ctx, cancel := context.WithTimeout(ctx, roundWithin)
	defer cancel()
	began := time.Now()
	round, err := projector.Round(ctx)
	if err == nil && round.Entries > 0 {
		s.stage.Batch(time.Since(began), round.Entries)
	}
	for partition, lag := range round.Lags {
		s.stage.Lag(partition, lag)
	}
	return round, err
}

func (s *Statements) publish(ctx context.Context, projector *statement.Projector, publisher *publisher) error {
	ctx, cancel := context.WithTimeout(ctx, kafkaWithin)
	defer cancel()
	last, err := projector.Unpublished(ctx)
	if err != nil {
		return err
	}
	if err := publisher.publish(ctx, last); err != nil {
		return fmt.Errorf("publish %d balances: %w", len(last), ledOr(err))
	}
	projector.Published()
	return nil
}

// standBy returns nil when there is work and nobody does it, and an error when ctx is done.
func (s *Statements) standBy(ctx context.Context) error {
	var seen statement.Progress
	since := time.Now()
	for {
		if err := sleep(ctx, standByEvery); err != nil {
			return err
		}
		progress, err := statement.ReadProgress(ctx, s.config.Database)
		switch {
		case err != nil:
			s.note(err)
			since = time.Now()
			continue
		case !progress.Behind() || progress.Done() != seen.Done():
			s.note(nil)
			since, seen = time.Now(), progress
		case time.Since(since) >= leaderSilent:
			return nil
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
