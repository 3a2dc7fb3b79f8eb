//go:build unix

package database

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
)

// Settings of an embedded CockroachDB, which shares its machine with the engine.
const (
	cockroachCache  = "256MiB"
	cockroachMemory = "512MiB"
)

// startCockroach starts a single insecure node on the loopback interface. CockroachDB runs as root, locks its store
// itself and needs no preparation; a store after kill -9 is recovered by its start.
func startCockroach(ctx context.Context, binary, dir string, port int, log *slog.Logger) (*Embedded, error) {
	address := url.URL{Scheme: "postgres", User: url.User("root"), Host: loopback(port), RawQuery: "sslmode=disable"}
	address.Path = "/defaultdb"
	server, err := startChild(command{
		path: binary,
		args: []string{"start-single-node", "--insecure", "--store=" + dir, "--listen-addr=" + loopback(port), "--http-addr=" + loopback(0),
			"--cache=" + cockroachCache, "--max-sql-memory=" + cockroachMemory},
		log:         dir + ".log",
		stopSignals: cockroachSignals(),
	})
	if err != nil {
		return nil, err
	}
	if err := server.awaitReady(ctx, address.String()); err != nil {
		return nil, errors.Join(err, server.stop())
	}
	if err := createDatabase(ctx, address.String()); err != nil {
		return nil, errors.Join(err, server.stop())
	}
	address.Path = "/" + databaseName
	return &Embedded{URL: address.String(), Product: "CockroachDB", child: server}, nil
}
