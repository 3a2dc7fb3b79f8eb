// Package database opens the relational store behind weir, migrates it, runs serializable transactions on it and, where no
// server is given, starts one.
//
// CockroachDB is the production store and PostgreSQL the one for development. Both get the same SQL; the few places in
// which they differ, the retry of a transaction above all, are hidden here.
package database

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Limits of a pool and of the wait for a server that is still starting.
const (
	startLimit    = 30 * time.Second      // how long Open waits for a server that refuses connections
	dialLimit     = 5 * time.Second       // one attempt to connect, TLS and authentication included
	firstDelay    = 50 * time.Millisecond // between the first two attempts
	maxDelay      = time.Second           // between any two attempts
	idleLimit     = 5 * time.Minute       // a connection unused for longer is closed
	lifetime      = time.Hour             // a connection older than this is replaced, so that load balancers see new ones
	lifetimeSplay = 5 * time.Minute       // spread over which replacements fall
	pingLimit     = 2 * time.Second       // check of a connection that was idle

	// idleInTransaction is after how long without a statement the server ends a transaction: that of a process which is
	// frozen or cut off, whose locks would keep its successor out. Ours send their next statement within milliseconds.
	idleInTransaction = 10 * time.Second
)

// Dialect is the kind of server behind a DB.
type Dialect int

const (
	PostgreSQL Dialect = iota
	CockroachDB
)

func (d Dialect) String() string {
	if d == CockroachDB {
		return "CockroachDB"
	}
	return "PostgreSQL"
}

// DB is a pool of connections to one database. Transactions of InTx are serializable. Single statements on Pool run at
// the server's own default, which on PostgreSQL is read committed: they see one snapshot, never fail with class 40, and
// take no predicate locks that would make a serializable transaction of somebody else fail.
type DB struct {
	Pool    *pgxpool.Pool
	Dialect Dialect

	url string
	log *slog.Logger
}

// Open connects to the database at url, a postgres:// URL or a keyword=value string, with at most maxConns connections
// (at least 1). A server that is not there yet is waited for, up to startLimit; a refused password or a missing database
// is an error at once. Errors name the URL with its password masked.
func Open(ctx context.Context, url string, maxConns int32, log *slog.Logger) (*DB, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("database URL %s: want postgres://user:password@host:port/database: %w", Mask(url), err)
	}
	config.MaxConns = max(maxConns, 1)
	config.MaxConnIdleTime = idleLimit
	config.MaxConnLifetime = lifetime
	config.MaxConnLifetimeJitter = lifetimeSplay
	config.PingTimeout = pingLimit
	config.ConnConfig.ConnectTimeout = dialLimit
	params := config.ConnConfig.RuntimeParams
	if params["application_name"] == "" {
		params["application_name"] = "weir"
	}
	if params["idle_in_transaction_session_timeout"] == "" {
		params["idle_in_transaction_session_timeout"] = idleInTransaction.String()
	}
	if params["enable_seqscan"] == "" {
		// A plan that PostgreSQL makes while a table is small, and then keeps, would go on to read all of the table.
		params["enable_seqscan"] = "off"
	}

	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", Mask(url), err)
	}
	version, err := awaitServer(ctx, pool, url, log)
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("database %s: %w", Mask(url), err)
	}
	db := &DB{Pool: pool, url: url, log: log}
	if strings.Contains(version, "CockroachDB") {
		db.Dialect = CockroachDB
	}
	return db, nil
}

// awaitServer returns the server's version as soon as it answers.
func awaitServer(ctx context.Context, pool *pgxpool.Pool, url string, log *slog.Logger) (string, error) {
	told := false
	policy := retrypolicy.NewBuilder[string]().
		HandleIf(func(_ string, err error) bool { return ctx.Err() == nil && starting(err) }).
		WithMaxAttempts(-1).
		WithMaxDuration(startLimit).
		WithBackoff(firstDelay, maxDelay).
		ReturnLastFailure().
		OnRetry(func(e failsafe.ExecutionEvent[string]) {
			if !told {
				told = true
				log.Info("waiting for the database", "url", Mask(url), "limit", startLimit, "error", e.LastError())
			}
		}).
		Build()
	version, err := failsafe.With(policy).WithContext(ctx).Get(func() (string, error) {
		var version string
		err := pool.QueryRow(ctx, "SELECT version()").Scan(&version)
		return version, err
	})
	if err != nil && told {
		return "", fmt.Errorf("not ready within %s: %w", startLimit, err)
	}
	return version, err
}

// starting reports whether err is what a server that is still starting answers, or the network in its place.
func starting(err error) bool {
	if err == nil {
		return false
	}
	if state := SQLState(err); state != "" {
		return IsUnavailable(err)
	}
	var connect *pgconn.ConnectError
	return errors.As(err, &connect) || IsUnavailable(err)
}

// Close closes all connections and waits for those in use.
func (db *DB) Close() { db.Pool.Close() }

// URL is what Open was given. It may hold a password: Mask it before it is shown.
func (db *DB) URL() string { return db.url }

var keywordPassword = regexp.MustCompile(`(?i)(password\s*=\s*)('(?:[^'\\]|\\.)*'|\S+)`)

// Mask returns a database URL, or a keyword=value string, without its password.
func Mask(raw string) string {
	if !strings.Contains(raw, "://") {
		return keywordPassword.ReplaceAllString(raw, "${1}xxxxx")
	}
	parsed, err := url.Parse(raw)
	if err != nil {
		return "(not a URL)"
	}
	if query := parsed.Query(); query.Has("password") {
		query.Set("password", "xxxxx")
		parsed.RawQuery = query.Encode()
	}
	return parsed.Redacted()
}
