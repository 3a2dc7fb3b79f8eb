// Package engine runs the roles of one process: it starts what is embedded, prepares database and topics, and wires each
// role to what it needs. It decides nothing about payments.
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/health"
	"github.com/weirhq/weir/internal/killswitch"
	"github.com/weirhq/weir/internal/telemetry"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/rules"
)

// role is one part of the process. Run returns nil when ctx is done, and an error only where the role cannot go on.
type role struct {
	name  string
	run   func(ctx context.Context) error
	ready func() error
}

// Engine is a running process.
type Engine struct {
	Config   *config.Config
	Brokers  []string // to connect to
	Kafka    []kgo.Opt
	Database *database.DB
	URL      string // of the HTTP server: the API where this process runs it, else health and metrics alone

	log      *slog.Logger
	hook     stream.Hook
	registry *prometheus.Registry
	embedded *broker.Embedded // nil: brokers are named
	closing  sync.Mutex       // while broker and database open
	closers  []func() error   // in the order of their opening
	roles    []role
	set      func() *rules.Set // in force; nil: no role of this process knows it
	switches *killswitch.Watch // nil: no role of this process needs them
	advice   []health.Check    // for /readyz, besides whether the roles are ready
	stop     context.CancelFunc
	ended    chan error
}

// Option changes what an Engine does; for tests.
type Option func(*Engine)

// WithHook calls a hook at the durability points of the payments fold.
func WithHook(hook stream.Hook) Option { return func(e *Engine) { e.hook = hook } }

// WithKafka adds options to every Kafka client of the process, such as a dialer.
func WithKafka(options ...kgo.Opt) Option { return func(e *Engine) { e.Kafka = options } }

// Start starts the process's roles and returns when all of them are under way; Ready tells when they serve. What was
// started is stopped again where an error is returned.
func Start(ctx context.Context, cfg *config.Config, log *slog.Logger, options ...Option) (*Engine, error) {
	e := &Engine{Config: cfg, log: log, registry: telemetry.NewRegistry(), ended: make(chan error, 1)}
	for _, option := range options {
		option(e)
	}
	err := e.checkRules()
	if err == nil {
		err = e.open(ctx)
	}
	if err == nil {
		err = e.assemble(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	e.run()
	return e, nil
}

// run starts every role. The first that fails ends all of them, and so does an embedded broker that has halted.
func (e *Engine) run() {
	ctx, stop := context.WithCancel(context.Background())
	e.stop = stop
	group, ctx := errgroup.WithContext(ctx)
	for _, r := range e.roles {
		group.Go(func() error {
			if err := r.run(ctx); err != nil {
				return fmt.Errorf("role %s: %w", r.name, err)
			}
			return nil
		})
	}
	if e.embedded != nil {
		group.Go(func() error { return e.embedded.Wait(ctx) })
	}
	go func() { e.ended <- group.Wait() }()
}

// readyEvery is how often Ready looks.
const readyEvery = 20 * time.Millisecond

// Ready waits until every role serves. It returns what is in the way when ctx is done first, or what ended the process.
func (e *Engine) Ready(ctx context.Context) error {
	ticker := time.NewTicker(readyEvery)
	defer ticker.Stop()
	for {
		err := e.unready()
		if err == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case ended := <-e.ended:
			e.ended <- ended
			return fmt.Errorf("stopped before it was ready: %w", ended)
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w", err)
		}
	}
}

func (e *Engine) unready() error {
	for _, r := range e.roles {
		if r.ready == nil {
			continue
		}
		if err := r.ready(); err != nil {
			return err
		}
	}
	return nil
}

// Wait returns when ctx is done, or when a role has failed and with it the process.
func (e *Engine) Wait(ctx context.Context) error {
	select {
	case err := <-e.ended:
		e.ended <- err
		return err
	case <-ctx.Done():
		return nil
	}
}

// Stop stops the roles, each within the limits of its own graceful stop, and then what is embedded.
func (e *Engine) Stop() error {
	e.stop()
	err := <-e.ended
	e.ended <- err
	return errors.Join(err, e.close())
}

// close closes what was opened, the newest first.
func (e *Engine) close() error {
	var errs []error
	for i := len(e.closers) - 1; i >= 0; i-- {
		errs = append(errs, e.closers[i]())
	}
	e.closers = nil
	return errors.Join(errs...)
}

// open opens broker and database, side by side: with much data each takes its time.
func (e *Engine) open(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return e.openBroker(ctx) })
	group.Go(func() error { return e.openDatabase(ctx) })
	return group.Wait()
}

// opened takes note of what is to be closed.
func (e *Engine) opened(closer func() error) {
	e.closing.Lock()
	defer e.closing.Unlock()
	e.closers = append(e.closers, closer)
}

// openBroker starts the embedded broker where none is named, and creates or checks the topics.
func (e *Engine) openBroker(ctx context.Context) error {
	k := &e.Config.Kafka
	e.Brokers = k.Brokers
	var through []kgo.Opt
	if len(e.Brokers) == 0 {
		var options []broker.EmbeddedOption
		if !k.EmbeddedSync {
			options = append(options, broker.WithoutFsync())
		}
		embedded, err := broker.StartEmbedded(brokerDir(e.Config), k.EmbeddedPort, e.log, options...)
		if err != nil {
			return err
		}
		e.Brokers, e.embedded = embedded.Brokers, embedded
		e.opened(embedded.Close)
		through = []kgo.Opt{kgo.Dialer(embedded.Dial)}
	}
	connection := brokerConfig(k, e.Brokers)
	if err := connection.Validate(); err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	e.Kafka = slices.Concat(connection.Options(e.log), through, e.Kafka) // what a test wants comes last
	return e.applyTopics(ctx)
}

// Limits of a start.
const (
	brokerWithin = 30 * time.Second // for a broker to answer: it may start together with us
	brokerEvery  = time.Second      // between two questions
	topicsWithin = 30 * time.Second // to create or check the topics
)

func (e *Engine) applyTopics(ctx context.Context) error {
	client, err := kgo.NewClient(e.Kafka...)
	if err != nil {
		return fmt.Errorf("kafka client: %w", err)
	}
	defer client.Close()
	if err := e.awaitBroker(ctx, client); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, topicsWithin)
	defer cancel()
	return broker.ApplyTopics(ctx, kadm.NewClient(client), e.Config.Kafka.Partitions, e.Config.Kafka.Replication)
}

// awaitBroker returns when a broker answers, or with the last error. One that refuses our password will not change its
// mind.
func (e *Engine) awaitBroker(ctx context.Context, client *kgo.Client) error {
	ctx, cancel := context.WithTimeout(ctx, brokerWithin)
	defer cancel()
	ticker := time.NewTicker(brokerEvery)
	defer ticker.Stop()
	var last error
	for {
		err := client.Ping(ctx)
		if err == nil {
			return nil
		}
		if errors.Is(err, kerr.SaslAuthenticationFailed) {
			return fmt.Errorf("broker %v: %w", e.Brokers, err)
		}
		if last == nil {
			e.log.Info("waiting for the broker", "brokers", e.Brokers, "limit", brokerWithin.String(), "error", err)
		}
		if last == nil || ctx.Err() == nil { // the error of the end says less than the one before
			last = err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("no broker answers at %v within %s: %w", e.Brokers, brokerWithin, last)
		}
	}
}

// openDatabase starts the embedded database where none is named, connects and migrates.
func (e *Engine) openDatabase(ctx context.Context) error {
	d := &e.Config.Database
	url, err := d.Address()
	if err != nil {
		return err
	}
	if url == "" {
		embedded, err := database.StartEmbedded(ctx, databaseDir(e.Config), d.EmbeddedPort, e.log)
		if err != nil {
			return err
		}
		url = embedded.URL
		e.opened(embedded.Stop)
	}
	db, err := database.Open(ctx, url, d.MaxConns, e.log)
	if err != nil {
		return err
	}
	e.opened(func() error { db.Close(); return nil })
	e.Database = db
	return db.Migrate(ctx)
}

// listen opens the address of the HTTP server before any role runs, so that a taken port stops the start.
func (e *Engine) listen() (net.Listener, error) {
	listener, err := net.Listen("tcp", e.Config.API.Listen)
	if err != nil {
		return nil, fmt.Errorf("api.listen: %w", err)
	}
	e.URL = "http://" + listener.Addr().String()
	return listener, nil
}
