package engine_test

import (
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/internal/engine"
	"github.com/weirhq/weir/internal/health"
)

const partitions = "2"

// split is the configuration of a process that runs some of the roles beside others.
func split(t *testing.T, b *brokertest.Broker, databaseURL, listen, roles string) *config.Config {
	t.Helper()
	cfg, err := config.Load(config.Sources{Flags: []config.Setting{
		{Key: "kafka.brokers", Value: strings.Join(b.Config.Brokers, ",")}, {Key: "kafka.partitions", Value: partitions},
		{Key: "database.url", Value: databaseURL}, {Key: "data_dir", Value: t.TempDir()}, {Key: "api.listen", Value: listen},
		{Key: "roles", Value: roles}, {Key: "psp.sandbox.base_url", Value: "http://" + freeAddress(t)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func quiet(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// readiness is what /readyz says: the status, and the checks that it names.
func readiness(t *testing.T, e *engine.Engine) (status int, checks map[string]string) {
	t.Helper()
	status, body := get(t, e.URL+"/readyz")
	var report health.Report
	if err := json.Unmarshal([]byte(body), &report); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return status, report.Checks
}

// TestRolesWithoutTheAPI: a process answers for its own roles, and for what they need.
func TestRolesWithoutTheAPI(t *testing.T) {
	b, db := brokertest.New(t, 2), databasetest.New(t)
	for _, test := range []struct {
		roles       string
		checks      []string
		without     int    // the status of /readyz when the database is gone
		metric, not string // one of its own, and one of another role
	}{
		{"risk", []string{"broker", "data_files", "kill_switches", "risk", "rules"}, http.StatusOK,
			`weir_stage_records_total{role="risk"}`, `{role="payments"}`},
		{"payments,psp,webhooks", []string{"broker", "database", "kill_switches", "payments", "psp", "webhooks"}, http.StatusServiceUnavailable,
			`weir_stage_records_total{role="payments"}`, `{role="risk"}`},
	} {
		t.Run(test.roles, func(t *testing.T) {
			e := start(t, split(t, b, db.URL(), freeAddress(t), test.roles), quiet(t))
			status, checks := readiness(t, e)
			if names := slices.Sorted(maps.Keys(checks)); status != http.StatusOK || !slices.Equal(names, test.checks) {
				t.Errorf("/readyz: %d %v, want 200 and %v", status, checks, test.checks)
			}
			if status, body := get(t, e.URL+"/healthz"); status != http.StatusOK || body != `{"status":"ok"}`+"\n" {
				t.Errorf("/healthz: %d %s", status, body)
			}
			if status, body := get(t, e.URL+"/metrics"); status != http.StatusOK || !strings.Contains(body, test.metric) || strings.Contains(body, test.not) {
				t.Errorf("/metrics: %d, want %s and no %s\n%s", status, test.metric, test.not, body)
			}
			if status, _ := get(t, e.URL+"/v1/intents"); status != http.StatusNotFound {
				t.Errorf("the API of a process that does not run it: %d, want 404", status)
			}
			e.Database.Pool.Close()
			if status, checks := readiness(t, e); status != test.without {
				t.Errorf("/readyz without the database: %d %v, want %d", status, checks, test.without)
			}
		})
	}
}

// TestATakenPortNamesItsKey, in a process without the API, too.
func TestATakenPortNamesItsKey(t *testing.T) {
	b, db := brokertest.New(t, 2), databasetest.New(t)
	first := start(t, split(t, b, db.URL(), "127.0.0.1:0", "risk"), quiet(t))
	taken := strings.TrimPrefix(first.URL, "http://")
	second, err := engine.Start(t.Context(), split(t, b, db.URL(), taken, "webhooks"), quiet(t))
	if err == nil {
		t.Fatal("two processes listen on one address", second.Stop())
	}
	if !strings.HasPrefix(err.Error(), "api.listen: listen tcp "+taken) {
		t.Errorf("%v, want the key and the address", err)
	}
}
