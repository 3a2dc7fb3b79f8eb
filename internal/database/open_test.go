package database_test

import (
	"context"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/weirhq/weir/internal/chaos"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
)

// onMessage is a log that calls a function at each message.
type onMessage func(message string)

func (f onMessage) Enabled(context.Context, slog.Level) bool { return true }
func (f onMessage) Handle(_ context.Context, r slog.Record) error {
	f(r.Message)
	return nil
}
func (f onMessage) WithAttrs([]slog.Attr) slog.Handler { return f }
func (f onMessage) WithGroup(string) slog.Handler      { return f }

func TestOpenWaitsForAServerThatStarts(t *testing.T) {
	address, err := url.Parse(databasetest.NewURL(t))
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := chaos.NewProxy(address.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	proxy.Down()
	address.Host = proxy.Addr()
	waited := false
	db, err := database.Open(t.Context(), address.String(), 2, slog.New(onMessage(func(message string) {
		if message == "waiting for the database" {
			waited = true
			proxy.Up()
		}
	})))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if !waited {
		t.Error("nobody was told of the wait")
	}
}

func TestOpenGivesUpWithItsContext(t *testing.T) {
	proxy, err := chaos.NewProxy("127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	log := slog.New(onMessage(func(string) { cancel() })) // once it waits
	if db, err := database.Open(ctx, "postgres://weir:s3cret@"+proxy.Addr()+"/weir?sslmode=disable", 1, log); err == nil {
		db.Close()
		t.Fatal("a server that is not there was opened")
	}
}

// What a frozen process leaves open must not keep its successor out.
func TestTransactionsThatNobodyGoesOnWithEnd(t *testing.T) {
	address, err := url.Parse(databasetest.NewURL(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ query, want string }{
		{"", "10s"},
		{"idle_in_transaction_session_timeout=50ms", "50ms"}, // a URL that says otherwise is obeyed
	} {
		query := address.Query()
		if name, value, ok := strings.Cut(c.query, "="); ok {
			query.Set(name, value)
		}
		address.RawQuery = query.Encode()
		db, err := database.Open(t.Context(), address.String(), 2, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		var limit string
		if err := db.Pool.QueryRow(t.Context(), "SHOW idle_in_transaction_session_timeout").Scan(&limit); err != nil {
			t.Fatal(err)
		}
		if limit != c.want && db.Dialect == database.PostgreSQL { // CockroachDB writes it in milliseconds
			t.Errorf("%q: a transaction may be idle for %s, want %s", c.query, limit, c.want)
		}
	}
}
