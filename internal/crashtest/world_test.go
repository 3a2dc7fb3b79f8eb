package crashtest

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/processors/psp/sandbox"
	defaultrules "github.com/weirhq/weir/testdata"
)

const (
	tenant        = "acme"
	apiKey        = "key-of-the-crash-tests"
	webhookSecret = "whsec_Y3Jhc2gtdGVzdHMtd2ViaG9vay1zZWNyZXQ="
	partitions    = 4
)

// world is what stays while engines come and go: the PSP, and broker and database or the directory that holds them.
type world struct {
	t        testing.TB
	dir      string
	brokers  []string // as clients reach them
	database string   // URL, "" for the engine's own
	external bool     // brokers that the engine is told to use
	psp      *sandbox.Server
	engines  []*engine
	session  time.Duration  // after which the group gives up a silent engine
	roles    string         // that every engine runs
	rules    string         // file or directory
	settings []string       // lines of YAML for every engine
	psps     []*misbehaving // in the place of psp
	payments string         // settings of payments

	kafkaPort, databasePort int // of what is embedded in the engine
}

// newWorld returns a world with a sandbox PSP whose webhooks go to the first engine.
func newWorld(t testing.TB) *world {
	t.Helper()
	w := newWorldOf(t)
	w.builtInRules()
	var err error
	w.psp, err = sandbox.Start(sandbox.Config{
		WebhookURL: w.engines[0].url + "/webhooks/sandbox", WebhookSecret: webhookSecret,
		SettleDelay: 100 * time.Millisecond, LateDelay: 300 * time.Millisecond, RetryDelay: 50 * time.Millisecond,
		SlowLatency: 300 * time.Millisecond, Hang: 2 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.psp.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// newWorldOf returns a world with an engine and without a PSP.
func newWorldOf(t testing.TB) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "weir-crash-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // the database may run as another user
		t.Fatal(err)
	}
	w := &world{t: t, dir: dir, session: 6 * time.Second,
		roles: "risk, velocity, payments, psp, webhooks, statements, checkpoints, api", payments: "request_ttl: 10m"}
	t.Cleanup(func() {
		for _, e := range w.engines {
			if e.running() {
				e.kill()
			}
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Log(err)
		}
	})
	w.addEngine("one")
	return w
}

// reviewRules look at what the issuer answered, of payments that name their region.
const reviewRules = `version: 1
stage: after_authorization
regions: [` + reviewed + `]
rules:
  - { name: wrong_code, when: authorization.cvv == "N", outcome: block, on_missing: hold }
  - { name: wrong_address, when: authorization.avs == "N", outcome: hold, on_missing: hold }
`

// builtInRules are in force unless a test has others, with reviews beside.
func (w *world) builtInRules() {
	w.t.Helper()
	w.rules = filepath.Join(w.dir, "rules")
	files, err := fs.Sub(defaultrules.FS, defaultrules.Dir)
	if err == nil {
		err = os.CopyFS(w.rules, files)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(w.rules, "reviews.yaml"), []byte(reviewRules), 0o644)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// addEngine adds an engine that has not started.
func (w *world) addEngine(name string) *engine {
	e := &engine{t: w.t, name: name, url: "http://" + address(freePort(w.t)),
		config: filepath.Join(w.dir, name+".yaml"), log: filepath.Join(w.dir, name+".log")}
	w.engines = append(w.engines, e)
	return e
}

// embedded makes the first engine its own broker and database, on a directory that outlives it.
func (w *world) embedded() *world {
	w.kafkaPort, w.databasePort = freePort(w.t), freePort(w.t)
	w.brokers = []string{address(w.kafkaPort)}
	w.configure(w.engines[0])
	return w
}

// outside connects all engines to servers that outlive them.
func (w *world) outside(brokers []string, databaseURL string) *world {
	w.brokers, w.external, w.database = brokers, true, databaseURL
	for _, e := range w.engines {
		w.configure(e)
	}
	return w
}

// configure writes an engine's configuration. Times are short, so that what is unknown or claimed is settled soon.
func (w *world) configure(e *engine) { w.configureAs(e, e.name) }

func (w *world) configureAs(e *engine, instance string) {
	w.t.Helper()
	var text strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&text, format+"\n", args...) }
	line("data_dir: %s", filepath.Join(w.dir, "data"))
	line("roles: [%s]", w.roles)
	line("ledger:\n  checkpoint_key: %s\n  checkpoint_interval: 100ms", checkpointKey)
	line("kafka:\n  partitions: %d\n  embedded_port: %d", partitions, w.kafkaPort)
	if w.external {
		line("  brokers: [%s]", strings.Join(quoted(w.brokers), ", "))
	}
	line("database:\n  embedded_port: %d", w.databasePort)
	if w.database != "" {
		line("  url: %q", named(w.t, w.database, e.name))
	}
	line("api:\n  listen: %s\n  wait: 1s\n  produce_within: 1s\n  rate: 100000\n  burst: 100000", strings.TrimPrefix(e.url, "http://"))
	line("  idempotency:\n    take_over_after: 2s")
	line("  keys:\n    - name: crash\n      tenant: %s\n      key: %s\n      approver: true", tenant, apiKey)
	line("psp:")
	if w.psp != nil {
		w.pspLines(line, psp.SandboxName, w.psp.URL())
	}
	for _, p := range w.psps {
		w.pspLines(line, p.name, p.url)
	}
	// After 30 polls a person is asked, and the next one is a day away: these must outlast what the tests do to processes.
	line("payments:\n  %s\n  poll_after: 100ms\n  poll_most: 3s", w.payments)
	line("stream:\n  instance_id: %s\n  session_timeout: %s", instance, w.session)
	line("risk:\n  rules: %s", w.rules)
	for _, s := range w.settings {
		line("%s", s)
	}
	if err := os.WriteFile(e.config, []byte(text.String()), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// pspLines configures a sandbox PSP. Its answers are given up soon.
func (w *world) pspLines(line func(string, ...any), name, url string) {
	line("  %s:\n    adapter: sandbox\n    base_url: %s\n    webhook: {secret: %s}\n    timeout: 500ms", name, url, webhookSecret)
}

// named makes an engine tell the server who it is.
func named(t testing.TB, databaseURL, name string) string {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("application_name", name)
	u.RawQuery = query.Encode()
	return u.String()
}

func quoted(all []string) []string {
	q := make([]string, len(all))
	for i, s := range all {
		q[i] = strconv.Quote(s)
	}
	return q
}

// kafka returns the options of a client of this world.
func (w *world) kafka() []kgo.Opt {
	return broker.Config{Brokers: w.brokers}.Options(slog.New(slog.DiscardHandler))
}

// openDatabase connects to the database, which must be there.
func (w *world) openDatabase(ctx context.Context) *database.DB {
	w.t.Helper()
	url := w.database
	if url == "" {
		var err error
		if url, err = database.RunningURL(filepath.Join(w.dir, "data", "database")); err != nil || url == "" {
			w.t.Fatalf("the embedded database is not running: %v", err)
		}
	}
	db, err := database.Open(ctx, url, 8, slog.New(slog.DiscardHandler))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(db.Close)
	return db
}

// keepLogs copies the engines' logs to where WEIR_TEST_CRASH_LOGS points, for whoever looks for a cause.
func (w *world) keepLogs() {
	to := os.Getenv("WEIR_TEST_CRASH_LOGS")
	if to == "" {
		return
	}
	for _, e := range w.engines {
		if text, err := os.ReadFile(e.log); err == nil {
			if err := os.WriteFile(filepath.Join(to, filepath.Base(w.t.Name())+"-"+e.name+".log"), text, 0o644); err != nil {
				w.t.Log(err)
			}
		}
	}
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// freePort finds a port on which nobody listens, below those that the system gives to connections: it is free again
// whenever its owner is down.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 20_000 + rand.IntN(10_000)
		listener, err := net.Listen("tcp", address(port))
		if err != nil {
			continue
		}
		if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
		return port
	}
	t.Fatal("no free port between 20000 and 30000")
	return 0
}

// drain reads and closes a body, so that its connection can be used again.
func drain(body io.ReadCloser) ([]byte, error) {
	defer body.Close()
	return io.ReadAll(body)
}
