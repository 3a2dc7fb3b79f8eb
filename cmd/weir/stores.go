package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/dirlock"
)

// withDatabase calls f with the configured database. The embedded one is joined where an engine runs it, and started for
// the while where none does.
func (a *app) withDatabase(cmd *cobra.Command, f func(context.Context, *database.DB, *config.Config, *slog.Logger) error) (err error) {
	c, err := a.toolConfiguration(cmd)
	if err != nil {
		return err
	}
	log, err := a.logger(c)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	address, stop, err := databaseAddress(ctx, c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	db, err := database.Open(ctx, address, c.Database.MaxConns, log)
	if err != nil {
		return err
	}
	defer db.Close()
	return f(ctx, db, c, log)
}

// withKafka calls f with the means to reach the configured broker. The embedded one is joined like the database.
func (a *app) withKafka(cmd *cobra.Command, f func(context.Context, []kgo.Opt, *config.Config, *slog.Logger) error) error {
	c, err := a.toolConfiguration(cmd)
	if err != nil {
		return err
	}
	log, err := a.logger(c)
	if err != nil {
		return err
	}
	return a.withBroker(c, log, func(kafka []kgo.Opt) error { return f(cmd.Context(), kafka, c, log) })
}

func nothing() error { return nil }

// databaseAddress is the URL of the database, and what is to be called when it is not needed any more.
func databaseAddress(ctx context.Context, c *config.Config, log *slog.Logger) (address string, stop func() error, err error) {
	if c.Database.URL != "" {
		address, err := c.Database.Address()
		return address, nothing, err
	}
	dir := filepath.Join(c.DataDir, "database")
	if err := mustExist(dir, "--database-url"); err != nil {
		return "", nil, err
	}
	if address, err := database.RunningURL(dir); err != nil || address != "" {
		return address, nothing, err
	}
	embedded, err := database.StartEmbedded(ctx, dir, 0, log)
	if err != nil {
		return "", nil, err
	}
	return embedded.URL, embedded.Stop, nil
}

func mustExist(dir, flag string) error {
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("nothing to look at: pass %s, or the --data-dir of an engine that has run: %w", flag, err)
	}
	return nil
}

// withBroker calls f with the options of a client of the configured cluster, or of the embedded broker as withDatabase
// does with the embedded database.
func (a *app) withBroker(c *config.Config, log *slog.Logger, f func([]kgo.Opt) error) (err error) {
	cluster := brokerConfig(c)
	if len(cluster.Brokers) == 0 {
		brokers, stop, err := embeddedBrokers(c, log)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
		cluster.Brokers = brokers
	}
	if err := cluster.Validate(); err != nil {
		return fmt.Errorf("%w: %w", errConfiguration, err)
	}
	return f(cluster.Options(log))
}

func embeddedBrokers(c *config.Config, log *slog.Logger) (brokers []string, stop func() error, err error) {
	dir := filepath.Join(c.DataDir, "broker")
	if err := mustExist(dir, "--brokers"); err != nil {
		return nil, nil, err
	}
	held, err := dirlock.Held(dir)
	switch {
	case err != nil:
		return nil, nil, err
	case held && c.Kafka.EmbeddedPort == 0:
		return nil, nil, fmt.Errorf("the broker on %s runs on a port that is not configured: pass --brokers", dir)
	case held:
		return []string{net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Kafka.EmbeddedPort))}, nothing, nil
	}
	embedded, err := broker.StartEmbedded(dir, 0, log)
	if err != nil {
		return nil, nil, err
	}
	return embedded.Brokers, embedded.Close, nil
}
