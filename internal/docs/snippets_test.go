package docs

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/engine"
	"github.com/weirhq/weir/ledger/store"
)

// Limits of the test.
const (
	buildWithin   = 5 * time.Minute
	readyWithin   = time.Minute
	snippetWithin = 3 * time.Minute
	helpWithin    = 30 * time.Second
	settleWithin  = 2 * time.Minute // until a payment is what its snippet makes it, beside another suite
	lookEvery     = 50 * time.Millisecond
)

// What `make run` listens on, as the documents write it.
const (
	documentedBroker = "127.0.0.1:19092"
	documentedAPI    = "127.0.0.1:8080"
)

// customers are those for whom snippets make payments, and what their payment comes to.
func customers() map[string]string {
	return map[string]string{
		"cus_readme": "captured", "cus_kcat": "captured", "cus_python": "captured", "cus_go": "captured",
		"cus_api": "partially_refunded",
	}
}

// recorded are the customers for whom snippets record events, on each of which risk decides.
func recorded() []string { return []string{"evt_kcat", "evt_python", "evt_api"} }

// Documents whose snippets are checked by what they print and do.
const (
	trialBalance = "docs/bi.md" // prints a trial balance
	proof        = "docs/ledger-proof.md"
	deadLetters  = "docs/operations.md" // lists dead letters and writes them back
)

// world is an engine and what snippets need to reach it.
type world struct {
	engine    *engine.Engine
	directory string
	weir      string // the binary
	environ   []string
}

// TestSnippets runs every fenced block of README.md and docs/ whose info string ends in " run", as a reader would who pastes
// it beside `make run`. Addresses are replaced by those of an engine of the test's own.
func TestSnippets(t *testing.T) {
	w := newWorld(t)
	w.breakRecords(t)
	mentioned := map[string]bool{}
	for _, d := range documents(t) {
		if d.path != "README.md" && filepath.Dir(d.path) != "docs" {
			continue
		}
		for _, b := range d.blocks {
			language, ok := strings.CutSuffix(b.info, " run")
			if !ok {
				continue
			}
			for customer := range customers() {
				mentioned[customer] = mentioned[customer] || strings.Contains(b.text, `"`+customer+`"`)
			}
			for customer := range wallets() {
				mentioned[customer] = mentioned[customer] || mentions(b.text, customer)
			}
			for _, customer := range recorded() {
				mentioned[customer] = mentioned[customer] || mentions(b.text, customer)
			}
			t.Run(fmt.Sprintf("%s:%d %s", d.path, b.line, language), func(t *testing.T) {
				needTools(t, language, b.text)
				if d.path == trialBalance && strings.Contains(b.text, "balances") {
					w.balances(t, language, b.text)
					return
				}
				if d.path == proof {
					w.heads(t, language, b.text)
					return
				}
				out := w.run(t, language, b.text)
				if d.path == deadLetters {
					w.checkDeadLetters(t, b.text, out)
				}
				for customer, status := range customers() {
					if strings.Contains(b.text, `"`+customer+`"`) {
						w.awaitPayment(t, customer, status)
					}
				}
				for customer, available := range wallets() {
					if mentions(b.text, customer) {
						w.awaitWallet(t, customer, available)
					}
				}
				for _, customer := range recorded() {
					if mentions(b.text, customer) {
						w.awaitDecision(t, customer)
					}
				}
			})
		}
	}
	for customer := range customers() {
		if !mentioned[customer] {
			t.Errorf("no snippet makes a payment of %s", customer)
		}
	}
	for customer := range wallets() {
		if !mentioned[customer] {
			t.Errorf("no snippet moves the wallet of %s", customer)
		}
	}
	for _, customer := range recorded() {
		if !mentioned[customer] {
			t.Errorf("no snippet records an event of %s", customer)
		}
	}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{weir: buildWeir(t), directory: t.TempDir()}
	for link, target := range map[string]string{"bin": filepath.Dir(w.weir), "testdata": filepath.Join(root, "testdata"), "docs": filepath.Join(root, "docs")} {
		target, err := filepath.Abs(target)
		if err == nil {
			err = os.Symlink(target, filepath.Join(w.directory, link))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	w.start(t)
	w.environ = append(os.Environ(), "PATH="+filepath.Dir(w.weir)+string(os.PathListSeparator)+os.Getenv("PATH"),
		"WEIR_DATA_DIR="+w.engine.Config.DataDir, "WEIR_BROKERS="+strings.Join(w.engine.Brokers, ","))
	return w
}

func buildWeir(t *testing.T) string {
	t.Helper()
	weir := filepath.Join(t.TempDir(), "weir")
	ctx, cancel := context.WithTimeout(t.Context(), buildWithin)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "build", "-o", weir, "./cmd/weir")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build weir: %v\n%s", err, out)
	}
	return weir
}

// start starts an engine with everything embedded, on free ports.
func (w *world) start(t *testing.T) {
	t.Helper()
	// The database may run as another user, who cannot enter t.TempDir.
	data, err := os.MkdirTemp("", "weir-docs-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(data) })
	cfg, err := config.Load(config.Sources{Flags: []config.Setting{
		{Key: "data_dir", Value: data}, {Key: "api.listen", Value: freeAddress(t)}, {Key: "sandbox.listen", Value: freeAddress(t)},
		{Key: "kafka.embedded_port", Value: "0"}, {Key: "database.embedded_port", Value: "0"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), readyWithin)
	defer cancel()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	if w.engine, err = engine.Start(ctx, cfg, log); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.engine.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := w.engine.Ready(ctx); err != nil {
		t.Fatal(err)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// needTools leaves a snippet out where its tools are not installed, except in continuous integration, which has them all.
func needTools(t *testing.T, language, text string) {
	t.Helper()
	missing := ""
	switch {
	case language == "python" && exec.CommandContext(t.Context(), "python3", "-c", "import confluent_kafka").Run() != nil:
		missing = "python3 with confluent-kafka (pip install confluent-kafka)"
	case strings.Contains(text, examplesPython) && examples(t) != nil:
		missing = "python3 with the packages of docs/examples/requirements.txt, from PyPI or installed"
	case language == "sh":
		for _, tool := range []string{"kcat", "curl", "jq"} {
			if _, err := exec.LookPath(tool); err != nil && regexp.MustCompile(`\b`+tool+` `).MatchString(text) {
				missing = tool
			}
		}
	}
	switch {
	case missing == "":
	case os.Getenv("CI") == "true":
		t.Fatalf("%s is not installed, and this snippet needs it", missing)
	default:
		t.Skipf("LEFT OUT: this snippet needs %s", missing)
	}
}

// examplesPython runs the examples; it fetches their packages the first time.
const examplesPython = "docs/examples/python"

func examples(t *testing.T) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), snippetWithin)
	defer cancel()
	out, err := exec.CommandContext(ctx, filepath.Join(root, examplesPython), "--version").CombinedOutput()
	if err != nil {
		t.Logf("%s: %v\n%s", examplesPython, err, out)
	}
	return err
}

// run runs a snippet and returns what it prints to standard output.
func (w *world) run(t *testing.T, language, text string) string {
	t.Helper()
	text = strings.NewReplacer(documentedBroker, w.engine.Brokers[0], "http://"+documentedAPI, w.engine.URL).Replace(text)
	ctx, cancel := context.WithTimeout(t.Context(), snippetWithin)
	defer cancel()
	var command *exec.Cmd
	directory := w.directory
	switch language {
	case "sh":
		command = exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", text)
	case "python":
		command = exec.CommandContext(ctx, "python3", "-c", text)
	case "go":
		file := filepath.Join(t.TempDir(), "main.go")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		command = exec.CommandContext(ctx, "go", "run", file)
		directory = root // where its imports are found
	default:
		t.Fatalf("nobody knows how to run %q", language)
	}
	var out, errOut strings.Builder
	command.Dir, command.Env, command.Stdout, command.Stderr = directory, w.environ, &out, &errOut
	command.WaitDelay = time.Second
	if err := command.Run(); err != nil {
		t.Fatalf("%v\n%s\nstandard output:\n%s\nstandard error:\n%s", err, text, out.String(), errOut.String())
	}
	t.Logf("%s%s", out.String(), errOut.String())
	return out.String()
}

// intents are the payments of a customer, as the API lists them.
func (w *world) intents(t *testing.T, customer string) (statuses []string) {
	t.Helper()
	address := w.engine.URL + "/v1/intents?customer_id=" + url.QueryEscape(customer)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+config.DevelopmentKey)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s %v", address, response.Status, body, err)
	}
	var page struct {
		Data []struct {
			Status string `json:"status"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &page); err != nil {
		t.Fatalf("%s: %v\n%s", address, err, body)
	}
	for _, intent := range page.Data {
		statuses = append(statuses, intent.Status)
	}
	return statuses
}

// awaitPayment waits until a customer has exactly one payment, in the status.
func (w *world) awaitPayment(t *testing.T, customer, status string) {
	t.Helper()
	var statuses []string
	if !await(func() bool {
		statuses = w.intents(t, customer)
		return len(statuses) == 1 && statuses[0] == status
	}) {
		t.Fatalf("payments of %s are %v, want one that is %s", customer, statuses, status)
	}
}

// await looks until a condition holds or the time is up.
func await(holds func() bool) bool {
	deadline := time.NewTimer(settleWithin)
	defer deadline.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for !holds() {
		select {
		case <-look.C:
		case <-deadline.C:
			return false
		}
	}
	return true
}

var balanceLine = regexp.MustCompile(`(?m)^(\w+) +([A-Z]{3}) +(-?\d+)$`)

// balances runs the trial balance from the topic until it is that of the database: the last of it may be on its way.
func (w *world) balances(t *testing.T, language, text string) {
	t.Helper()
	var got, want map[string]int64
	if !await(func() bool { // what earlier snippets began, such as a dispute, may still go on
		lines, err := store.TrialBalance(t.Context(), w.engine.Database.Pool, "")
		if err != nil || len(lines) == 0 {
			t.Fatalf("trial balance of the database: %v, %d lines", err, len(lines))
		}
		got, want = map[string]int64{}, map[string]int64{}
		for _, line := range lines {
			want[string(line.Code)+" "+string(line.Currency)] += line.Minor
		}
		for _, m := range balanceLine.FindAllStringSubmatch(w.run(t, language, text), -1) {
			minor, err := strconv.ParseInt(m[3], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			got[m[1]+" "+m[2]] = minor
		}
		return fmt.Sprint(got) == fmt.Sprint(want)
	}) {
		t.Fatalf("the snippet prints %v, the database has %v", got, want)
	}
}

// heads computes the heads of the ledger's chains from the topic until they are those of the database.
func (w *world) heads(t *testing.T, language, text string) {
	t.Helper()
	var got, want string
	if !await(func() bool { // what earlier snippets began may still go on
		stored, err := store.Heads(t.Context(), w.engine.Database.Pool)
		if err != nil || len(stored) == 0 {
			t.Fatalf("heads in the database: %v, %d of them", err, len(stored))
		}
		got = w.run(t, language, text)
		for _, head := range stored {
			if want = fmt.Sprintf("%d %d %s\n", head.Partition, head.Entries, base64.StdEncoding.EncodeToString(head.Hash[:])); !strings.Contains(got, want) {
				return false
			}
		}
		return true
	}) {
		t.Errorf("the snippet prints\n%s, the database has %s", got, want)
	}
}
