package engine_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/engine"
)

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// load is a configuration with everything embedded, in a directory of its own.
func load(t *testing.T) *config.Config {
	t.Helper()
	dir, err := os.MkdirTemp("", "weir-engine-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	cfg, err := config.Load(config.Sources{Flags: []config.Setting{
		{Key: "data_dir", Value: dir}, {Key: "api.listen", Value: freeAddress(t)}, {Key: "sandbox.listen", Value: freeAddress(t)},
		{Key: "kafka.embedded_port", Value: "0"}, {Key: "database.embedded_port", Value: "0"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	cfg.API.Wait, cfg.Velocity.Within = 10*time.Second, 30*time.Second // a busy machine answers all the same
	return cfg
}

// TestBrokenRulesStopTheStartFirst: nobody waits for a broker and a database to hear of a mistake in a file.
func TestBrokenRulesStopTheStartFirst(t *testing.T) {
	cfg := load(t)
	cfg.Risk.Rules = filepath.Join(cfg.DataDir, "rules.yaml")
	if err := os.WriteFile(cfg.Risk.Rules, []byte("version: 1\nrules:\n\t- name: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := engine.Start(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Fatal("started with broken rules", e.Stop())
	}
	if !strings.Contains(err.Error(), "rules.yaml:3:1: ") {
		t.Errorf("%v, want the mistake", err)
	}
	if made, err := os.ReadDir(cfg.DataDir); err != nil || len(made) != 1 {
		t.Errorf("the data directory holds %v, %v; want the rules alone", made, err)
	}
}

// start runs an engine until the test ends, and returns it when it is ready.
func start(t *testing.T, cfg *config.Config, log *slog.Logger) *engine.Engine {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	e, err := engine.Start(ctx, cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := e.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestOnePaymentOverHTTP(t *testing.T) {
	e := start(t, load(t), slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	var answers [2][]byte
	for i := range answers {
		var status int
		status, answers[i] = post(t, e.URL+"/v1/intents", "first", `{"customer_id":"cus_1","amount":1050,"currency":"EUR",
			"authorize":true,"capture_method":"automatic","card":{"token":"tok_approved","bin":"411111","country":"DE"}}`)
		if status != http.StatusCreated || !bytes.Contains(answers[i], []byte(`"status":"captured"`)) {
			t.Fatalf("%d %s", status, answers[i])
		}
	}
	if !bytes.Equal(answers[0], answers[1]) {
		t.Errorf("repeated with its key:\n%s\nat first:\n%s", answers[1], answers[0])
	}
}

func post(t *testing.T, url, key, body string) (int, []byte) {
	t.Helper()
	return postAs(t, config.DevelopmentKey, url, key, body)
}

func postAs(t *testing.T, secret, url, key, body string) (int, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewBufferString(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+secret)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer
}
