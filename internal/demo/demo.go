// Package demo drives real traffic through an engine from both sides, a Kafka producer and HTTP clients, checks that
// every payment came to the end that its story has, and reports.
package demo

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/engine"
	"github.com/weirhq/weir/topics"
)

// Options of a demo.
type Options struct {
	Payments int    // at least 100
	Seed     uint64 // the same seed, the same payments
	// Brokers of a cluster and the URL of a database server; empty for the embedded ones.
	Brokers  []string
	Database string
	Progress io.Writer // the progress bar
	Report   io.Writer
}

// Limits of a demo.
const (
	MinPayments = 100
	within      = 55 * time.Second // from the first command to the last payment's end
	readyWithin = 30 * time.Second
)

// issued is the time that the demo's command ids carry, so that a seed always gives the same ids.
var issued = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Run runs a demo. problems is how many things were wrong; the report names them. An error means that it did not come to
// a report.
func Run(ctx context.Context, o Options) (problems int, err error) {
	if o.Payments < MinPayments {
		return 0, fmt.Errorf("payments: %d, want at least %d", o.Payments, MinPayments)
	}
	dir, err := os.MkdirTemp("", "weir-demo-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	cfg, err := configure(o, dir)
	if err != nil {
		return 0, err
	}
	logFile, err := os.Create(filepath.Join(dir, "weir.log"))
	if err != nil {
		return 0, err
	}
	defer logFile.Close()
	began := time.Now()
	e, err := engine.Start(ctx, cfg, slog.New(slog.NewJSONHandler(logFile, nil)))
	if err != nil {
		return 0, err
	}
	defer func() {
		if stopped := e.Stop(); err == nil && stopped != nil {
			err = fmt.Errorf("stop: %w", stopped)
		}
	}()
	if err := ready(ctx, e); err != nil {
		return 0, err
	}
	fmt.Fprintf(o.Report, "Engine, broker (%s), database, sandbox PSP and API (%s) are up after %.1f s.\n",
		strings.Join(e.Brokers, ","), e.URL, time.Since(began).Seconds())
	return drive(ctx, o, e)
}

func ready(ctx context.Context, e *engine.Engine) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	return e.Ready(ctx)
}

// drive plays every story and writes the report.
func drive(ctx context.Context, o Options, e *engine.Engine) (problems int, err error) {
	tenant := e.Config.API.Keys[0].Tenant
	plan, err := newPlan(tenant, o.Payments, o.Seed, issued)
	if err != nil {
		return 0, err
	}
	players, err := newPlayers(tenant, o.Payments, o.Seed, issued)
	if err != nil {
		return 0, err
	}
	payees, err := newPayees(o.Payments, o.Seed, issued)
	if err != nil {
		return 0, err
	}
	bar := newProgress(len(plan), o.Progress)
	board := newScoreboard(bar.advance)

	var overKafka, overHTTP []*payment
	decisions := len(payees) + paymentsByWays() // one for each deposit
	for _, p := range plan {
		decisions++
		for _, s := range p.steps {
			if s.command.Type == topics.CommandAuthorize {
				decisions++
			}
		}
		if p.overHTTP {
			overHTTP = append(overHTTP, p)
		} else {
			overKafka = append(overKafka, p)
		}
	}
	bus, err := newProducers(e.Kafka, e.Config.Kafka.Partitions, board)
	if err != nil {
		return 0, err
	}
	defer bus.client.Close()
	wallets, err := newWalletSide(e.Kafka, players, board)
	if err != nil {
		return 0, err
	}
	defer wallets.client.Close()
	shop := newCheckout(e.URL, e.Config.API.Keys[0].Key.Reveal(), board)
	defer shop.http.CloseIdleConnections()
	payouts := newPayoutSide(payees)
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	group, playing := errgroup.WithContext(limited)
	group.Go(func() error { return bus.run(playing, overKafka, decisions) })
	group.Go(func() error { return shop.run(playing, overHTTP) })
	group.Go(func() error { return wallets.run(playing, players) })
	group.Go(func() error { return shop.runWallets(playing, players) })
	group.Go(func() error { return payouts.run(playing, shop, payees) })
	gone := make([]bool, len(ways))
	group.Go(func() error { return shop.runWays(playing, o.Seed, gone) })
	if err := group.Wait(); err != nil && ctx.Err() == nil {
		board.problem("traffic: %v", err)
	}
	bar.finish()
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	for _, line := range append(bus.open(), wallets.open()...) {
		board.problem("not ended: %s", line)
	}
	r := &report{Options: o, engine: e, tenant: tenant, board: board, seen: bus.seen, wallets: wallets, payouts: payouts, ways: gone, took: time.Since(began)}
	return r.write(ctx)
}

// configure is an engine whose times to live are short enough to be watched.
func configure(o Options, dir string) (*config.Config, error) {
	listen, err := freeAddresses(2)
	if err != nil {
		return nil, err
	}
	const secret = "whsec_ZGVtb25zdHJhdGlvbi1zZWNyZXQtb2Ytc2FuZGJveA=="
	flags := []config.Setting{
		{Key: "data_dir", Value: dir}, {Key: "region", Value: "eu"}, {Key: "roles", Value: "risk,velocity,payments,psp,webhooks,statements,api,sandbox"},
		{Key: "api.listen", Value: listen[0]}, {Key: "sandbox.listen", Value: listen[1]},
		{Key: "sandbox.webhook_url", Value: "http://" + listen[0] + "/webhooks/sandbox"}, {Key: "sandbox.webhook_secret", Value: secret},
		{Key: "psp.sandbox.adapter", Value: "sandbox"}, {Key: "psp.sandbox.base_url", Value: "http://" + listen[1]},
		{Key: "psp.sandbox.webhook.secret", Value: secret}, {Key: "psp.sandbox.timeout", Value: "2s"},
		{Key: "payments.created_ttl", Value: "8s"}, {Key: "payments.challenge_ttl", Value: "8s"},
		{Key: "kafka.embedded_port", Value: "0"}, {Key: "kafka.embedded_fsync", Value: "false"}, // the data are thrown away
		{Key: "database.embedded_port", Value: "0"},
	}
	if len(o.Brokers) > 0 {
		flags = append(flags, config.Setting{Key: "kafka.brokers", Value: strings.Join(o.Brokers, ",")},
			config.Setting{Key: "kafka.partitions", Value: "4"})
	}
	if o.Database != "" {
		flags = append(flags, config.Setting{Key: "database.url", Value: o.Database})
	}
	file := filepath.Join(dir, "weir.yaml")
	if err := os.WriteFile(file, []byte(keys), 0o600); err != nil {
		return nil, err
	}
	return config.Load(config.Sources{File: file, Flags: flags})
}

// keys gives the demo's clients access, and its payment link a page, whatever broker and database are used, as fast as they are.
const keys = "links: {key: key-of-payment-links-of-a-demonstration, methods: [{label: Test card, type: card, token: tok_approved}]}\n" +
	"api: {rate: 1000000, burst: 1000000, keys: [{name: demo, tenant: " + config.DevelopmentTenant + ", key: " + config.DevelopmentKey + ", approver: true}]}\n"

// freeAddresses finds free ports of the loopback interface.
func freeAddresses(n int) ([]string, error) {
	addresses := make([]string, n)
	for i := range addresses {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer listener.Close()
		addresses[i] = listener.Addr().String()
	}
	return addresses, nil
}
