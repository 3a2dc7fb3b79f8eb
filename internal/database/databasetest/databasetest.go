// Package databasetest gives each test a migrated database of its own.
//
// The server is WEIR_TEST_COCKROACH_URL or WEIR_TEST_DATABASE_URL where one of them is set, else an embedded one: one for
// each test binary, started by the first test that asks and stopped with the binary, however that ends.
package databasetest

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
)

const (
	maxConns  = 16
	dropLimit = 30 * time.Second
)

// New returns a fresh migrated database. It is closed and dropped when the test ends.
func New(t testing.TB) *database.DB {
	t.Helper()
	return open(t, NewURL(t))
}

// NewURL returns the URL of a fresh migrated database, which is dropped when the test ends.
func NewURL(t testing.TB) string {
	t.Helper()
	server := start(t)
	name := "test_" + strings.ToLower(rand.Text())
	create := "CREATE DATABASE " + name
	if server.template != "" {
		create += " TEMPLATE " + server.template
	}
	server.exec(t, create)
	t.Cleanup(func() { server.exec(t, server.drop(name)) })
	address := server.address(name)
	if server.template == "" {
		migrate(t, address)
	}
	return address
}

func open(t testing.TB, address string) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), address, maxConns, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

func migrate(t testing.TB, address string) {
	t.Helper()
	db, err := database.Open(t.Context(), address, maxConns, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// server is where this binary's tests keep their databases.
type server struct {
	url      *url.URL
	template string // migrated database to copy; "" where the server cannot, or is not ours
	drops    string // what follows DROP DATABASE name
	turn     sync.Mutex
	embedded *database.Embedded // with alive: kept from the garbage collector, whose finalizers would close them
	alive    io.Closer
}

// shared starts the server of this binary once. The value is per process by nature: a server is.
var shared = sync.OnceValues(func() (*server, error) {
	for name, drops := range map[string]string{"WEIR_TEST_COCKROACH_URL": " CASCADE", "WEIR_TEST_DATABASE_URL": " WITH (FORCE)"} {
		if raw := os.Getenv(name); raw != "" {
			parsed, err := url.Parse(raw)
			return &server{url: parsed, drops: drops}, err
		}
	}
	embedded, alive, err := startEmbedded()
	if err != nil {
		return nil, err
	}
	parsed, err := url.Parse(embedded.URL)
	if err != nil {
		return nil, err
	}
	s := &server{url: parsed, drops: " WITH (FORCE)", embedded: embedded, alive: alive}
	if strings.HasPrefix(embedded.Product, "PostgreSQL") {
		s.template = "template_weir"
	} else {
		s.drops = " CASCADE"
	}
	return s, nil
})

func start(t testing.TB) *server {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatalf("start the database of the tests: %v", err)
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	if s.template != "" && !s.exists(t, s.template) {
		s.exec(t, "CREATE DATABASE "+s.template)
		migrate(t, s.address(s.template))
	}
	return s
}

// address is the URL of a database on the server.
func (s *server) address(name string) string {
	address := *s.url
	address.Path = "/" + name
	return address.String()
}

func (s *server) drop(name string) string { return "DROP DATABASE " + name + s.drops }

func (s *server) exec(t testing.TB, statement string) {
	t.Helper()
	s.connect(t, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, statement)
		return err
	})
}

func (s *server) exists(t testing.TB, name string) (exists bool) {
	t.Helper()
	s.connect(t, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&exists)
	})
	return exists
}

// connect runs f on a connection of its own. Cleanup runs after the test's context is over.
func (s *server) connect(t testing.TB, f func(context.Context, *pgx.Conn) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), dropLimit)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.url.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if err := f(ctx, conn); err != nil {
		t.Error(err)
	}
}
