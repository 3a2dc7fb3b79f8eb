package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"time"

	"github.com/weirhq/weir/internal/database"
)

// LedgerOptions of a bench of the ledger.
type LedgerOptions struct {
	Runs    int           // of each measurement
	For     time.Duration // of each run
	Entries int64         // to store before rates are measured again; 0 leaves this out
	// Statement is how many entries there are on the account whose statement is read; 0 leaves this out.
	Statement int64
	Out       io.Writer
	Engine    string // path of the weir binary
}

// ledgerBench measures the ledger. In each run the kinds of load follow one another, the raw probe among them, so that what
// else the machine does falls on all of them alike: ratios within a run count, rates vary.
type ledgerBench struct {
	*bench
	LedgerOptions
	store    *books
	probe    *probe
	deposits workload

	empty, rawEmpty []int64 // rates on empty tables, of the store and of the probe
}

// RunLedger measures the ledger and prints the table and the JSON lines.
func RunLedger(ctx context.Context, o LedgerOptions) (err error) {
	dir, err := os.MkdirTemp("", "weir-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{Options: Options{For: o.For, Out: o.Out, Engine: o.Engine}, dir: dir, log: slog.New(slog.DiscardHandler)}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.open(ctx); err != nil {
		return err
	}
	l := &ledgerBench{bench: b, LedgerOptions: o}
	for _, part := range []struct {
		name    string
		measure func(context.Context) error
	}{
		{"store", l.stored}, {"growth", l.grown}, {"Kafka", l.throughKafka}, {"checks", l.checked}, {"statements", l.statements},
	} {
		if err := part.measure(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return b.print()
}

// database creates a database of this name beside the engine's, migrated.
func (b *bench) database(ctx context.Context, name string) (*database.DB, error) {
	if _, err := b.db.Pool.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return nil, err
	}
	address, err := url.Parse(b.dsn)
	if err != nil {
		return nil, err
	}
	address.Path = "/" + name
	db, err := database.Open(ctx, address.String(), partitions, b.log)
	if err != nil {
		return nil, err
	}
	b.closers = append(b.closers, func() error { db.Close(); return nil })
	return db, db.Migrate(ctx)
}
