package crashtest

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
)

// servers are a broker and a database of the test, on directories and ports that stay.
type servers struct {
	w        *world
	broker   *broker.Embedded
	database *database.Embedded
}

// newServers returns the servers of a world, stopped.
func newServers(t *testing.T) *servers {
	w := newWorld(t)
	w.kafkaPort, w.databasePort = freePort(t), freePort(t)
	s := &servers{w: w}
	t.Cleanup(func() {
		for _, e := range w.engines {
			if e.running() {
				e.kill()
			}
		}
		s.stopBroker()
		s.stopDatabase()
	})
	return s
}

func (s *servers) startBroker() {
	s.w.t.Helper()
	var err error
	if s.broker, err = broker.StartEmbedded(filepath.Join(s.w.dir, "kafka"), s.w.kafkaPort, slog.New(slog.DiscardHandler)); err != nil {
		s.w.t.Fatal(err)
	}
}

func (s *servers) startDatabase() {
	s.w.t.Helper()
	var err error
	s.database, err = database.StartEmbedded(s.w.t.Context(), filepath.Join(s.w.dir, "sql"), s.w.databasePort,
		slog.New(slog.DiscardHandler), database.WithoutFsync())
	if err != nil {
		s.w.t.Fatal(err)
	}
}

func (s *servers) stopBroker() {
	if s.broker == nil {
		return
	}
	if err := s.broker.Close(); err != nil {
		s.w.t.Error(err)
	}
	s.broker = nil
}

func (s *servers) stopDatabase() {
	if s.database == nil {
		return
	}
	if err := s.database.Stop(); err != nil {
		s.w.t.Error(err)
	}
	s.database = nil
}

// Broker and database are restarted under an engine at work, one after the other and together. It goes on by itself.
func TestServersRestart(t *testing.T) {
	s := newServers(t)
	s.startBroker()
	s.startDatabase()
	w := s.w.outside(s.broker.Brokers, s.database.URL)
	e := w.engines[0]
	e.start("")
	e.ready()
	tr := w.begin(seed(t))
	tr.progress(30)
	for range 2 {
		e.notices(s.stopBroker)
		s.startBroker()
		tr.progress(60)

		e.notices(s.stopDatabase)
		s.startDatabase()
		tr.progress(60)
	}
	s.stopDatabase()
	e.notices(s.stopBroker)
	s.startBroker()
	s.startDatabase()
	tr.progress(60)
	tr.finish()
	if !e.running() {
		t.Fatalf("the engine has ended: %v\n%s", e.state, e.tail())
	}
	e.ready()
	tr.verify()
	e.stop()
}

// An engine that starts before its broker and its database waits for them.
func TestServersComeLate(t *testing.T) {
	s := newServers(t)
	s.startDatabase() // once, so that its URL is known and its directory made
	url := s.database.URL
	s.stopDatabase()
	w := s.w.outside([]string{address(s.w.kafkaPort)}, url)
	e := w.engines[0]

	knocked := make(chan struct{})
	door, err := net.Listen("tcp", address(s.w.kafkaPort))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(knocked)
		if conn, err := door.Accept(); err == nil {
			conn.Close()
		}
	}()
	e.start("")
	<-knocked
	if err := door.Close(); err != nil {
		t.Fatal(err)
	}
	s.startBroker()
	e.awaitLog("waiting for the database")
	s.startDatabase()
	e.ready()
	tr := w.begin(seed(t))
	tr.progress(30)
	tr.finish()
	tr.verify()
	e.stop()
}

// notices stops a server and waits until the engine has met that it is gone.
func (e *engine) notices(stop func()) {
	e.t.Helper()
	before, err := os.ReadFile(e.log)
	if err != nil {
		e.t.Fatal(err)
	}
	stop()
	e.awaitLogAfter(len(before), "connection refused")
}

// awaitLog waits for words in the log.
func (e *engine) awaitLog(words string) {
	e.t.Helper()
	e.awaitLogAfter(0, words)
}

func (e *engine) awaitLogAfter(offset int, words string) {
	e.t.Helper()
	err := until(e.t.Context(), readyLimit, func() (bool, error) {
		text, err := os.ReadFile(e.log)
		if err == nil && !e.running() {
			err = errEnded
		}
		return err == nil && strings.Contains(string(text[offset:]), words), err
	})
	if err != nil {
		e.t.Fatalf("%q is not in the log: %v\n%s", words, err, e.tail())
	}
}

// A server that never comes ends the start with an error that says which one and where.
func TestServersThatNeverCome(t *testing.T) {
	nobody := address(freePort(t))
	for name, c := range map[string]struct {
		broker, database bool // are there
		says             []string
	}{
		"broker":   {database: true, says: []string{"no broker answers", nobody}},
		"database": {broker: true, says: []string{"database", nobody}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // both wait, and only one of them has a broker
			brokers, url := []string{nobody}, "postgres://weir@"+nobody+"/weir"
			if c.broker {
				brokers = brokertest.New(t, partitions).Config.Brokers
			}
			if c.database {
				url = databasetest.NewURL(t)
			}
			w := newWorld(t).outside(brokers, url)
			e := w.engines[0]
			e.start("")
			e.wait(readyLimit)
			if code := e.state.ExitCode(); code <= 0 {
				t.Errorf("exit status %d (%v), want an error", code, e.state)
			}
			text, err := os.ReadFile(e.log)
			if err != nil {
				t.Fatal(err)
			}
			for _, words := range c.says {
				if !strings.Contains(string(text), words) {
					t.Errorf("%q is not in what it says:\n%s", words, e.tail())
				}
			}
		})
	}
}
