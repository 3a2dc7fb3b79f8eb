// Package bench measures rates, latencies and bytes of a real engine process. The broker, the database, the sandbox PSP
// and the load run in the bench's own process, on the same cores; the engine is a child of it, so that its memory is its
// own and that it can be killed. What is pure is measured in the bench's own process: routing, backtest, screening and aml.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/processors/psp/sandbox"
)

// Options of a bench.
type Options struct {
	For      time.Duration // of each measurement
	Payments int64         // to store before rate, memory and restart are measured again; 0 leaves this part out
	Rate     int           // requests per second of the API measurement
	Only     string        // the one part that is measured; "": all of them
	Out      io.Writer
	Engine   string // path of the weir binary
}

const (
	partitions = 4
	tenant     = "bench"
	apiKey     = "bench-key-for-measurements"
)

// bench is what the measurements share.
type bench struct {
	Options
	dir     string
	brokers []string
	kafka   []kgo.Opt
	dsn     string
	db      *database.DB
	sandbox string // URL
	log     *slog.Logger
	figures []figure
	closers []func() error

	firstMinute []int64 // rates of the topic measurement, which begins on empty data
	stored      int64   // payments on these data
}

// Run measures everything and prints the table and the JSON lines.
func Run(ctx context.Context, o Options) (err error) {
	dir, err := os.MkdirTemp("", "weir-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{Options: o, dir: dir, log: slog.New(slog.DiscardHandler)}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.open(ctx); err != nil {
		return err
	}
	for _, part := range b.parts() {
		if b.Only != "" && b.Only != part.name && part.name != emptyData {
			continue
		}
		if err := part.measure(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return b.print()
}

// part is one of the measurements, which are made in their order on the data of those before it.
type part struct {
	name    string
	measure func(context.Context) error
}

const emptyData = "empty data"

func (b *bench) parts() []part {
	return []part{
		{"routing", b.routing}, {"backtest", b.backtest}, {"screening", b.screening}, {"aml", b.aml}, {"risk", b.risk},
		{"webhooks", b.webhooks}, {emptyData, b.empty}, {"api", b.api}, {"gateway", b.gateway}, {emptyData, b.empty},
		{"starter", b.starter}, {emptyData, b.empty}, {"topic", b.topic}, {"growth", b.growth}, {"failover", b.failover},
	}
}

// Parts are the names that Options.Only takes. What is stored after a number of payments is measured behind topic alone.
func Parts() []string {
	var names []string
	for _, part := range (*bench)(nil).parts() {
		if part.name != emptyData && part.name != "growth" {
			names = append(names, part.name)
		}
	}
	return names
}

// open starts what the engine talks to.
func (b *bench) open(ctx context.Context) error {
	if err := os.WriteFile(filepath.Join(b.dir, configFile), []byte(configuration), 0o600); err != nil {
		return err
	}
	// The broker flushes as Kafka does by default. With an fsync for each of the ten or so small batches of a payment it
	// would be the disk that is measured.
	embeddedBroker, err := broker.StartEmbedded(filepath.Join(b.dir, "broker"), 0, b.log, broker.WithoutFsync())
	if err != nil {
		return err
	}
	b.closers = append(b.closers, embeddedBroker.Close)
	b.brokers = embeddedBroker.Brokers
	b.kafka = broker.Config{Brokers: b.brokers}.Options(b.log)

	embeddedDatabase, err := database.StartEmbedded(ctx, filepath.Join(b.dir, "database"), 0, b.log)
	if err != nil {
		return err
	}
	b.closers = append(b.closers, embeddedDatabase.Stop)
	b.dsn = embeddedDatabase.URL
	if b.db, err = database.Open(ctx, b.dsn, 4, b.log); err != nil {
		return err
	}
	b.closers = append(b.closers, func() error { b.db.Close(); return nil })

	server, err := sandbox.Start(sandbox.Config{MaxPayments: 2_000_000, Log: b.log})
	if err != nil {
		return err
	}
	b.closers = append(b.closers, server.Close)
	b.sandbox = server.URL()
	return nil
}

// empty begins anew: broker, database and sandbox without data.
func (b *bench) empty(ctx context.Context) error {
	if err := b.close(); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(b.dir), os.Mkdir(b.dir, 0o700)); err != nil {
		return err
	}
	return b.open(ctx)
}

func (b *bench) close() error {
	var errs []error
	for i := len(b.closers) - 1; i >= 0; i-- {
		errs = append(errs, b.closers[i]())
	}
	b.closers = nil
	return errors.Join(errs...)
}
