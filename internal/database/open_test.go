package database_test

import (
	"context"
	"log/slog"
	"net/url"
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
