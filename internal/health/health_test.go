package health_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirhq/weir/internal/health"
)

func says(what error) func(context.Context) error {
	return func(context.Context) error { return what }
}

func TestAnswers(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "answer"}, func() float64 { return 42 }))
	fine := health.Check{Name: "risk", Func: says(nil)}
	broken := health.Check{Name: "broker", Func: says(errors.New("connection refused"))}
	advice := health.Check{Name: "rules", Func: says(errors.New("line 4")), Advisory: true}
	for _, test := range []struct {
		method, path string
		checks       []health.Check
		status       int
		body         string
	}{
		{"GET", "/readyz", []health.Check{fine}, 200, `{"status":"ok","checks":{"risk":"ok"}}` + "\n"},
		{"GET", "/readyz", []health.Check{fine, advice}, 200, `{"status":"ok","checks":{"risk":"ok","rules":"line 4"}}` + "\n"},
		{"GET", "/readyz", []health.Check{fine, broken, advice}, 503, `{"status":"unavailable","checks":{"broker":"connection refused","risk":"ok","rules":"line 4"}}` + "\n"},
		{"GET", "/healthz", []health.Check{broken}, 200, `{"status":"ok"}` + "\n"},
		{"GET", "/metrics", []health.Check{broken}, 200, "# HELP answer \n# TYPE answer gauge\nanswer 42\n"},
		{"POST", "/healthz", nil, 405, "Method Not Allowed\n"},
		{"GET", "/v1/intents", nil, 404, "404 page not found\n"},
	} {
		recorder := httptest.NewRecorder()
		request := httptest.NewRequestWithContext(t.Context(), test.method, test.path, http.NoBody)
		health.Handler(test.checks, registry).ServeHTTP(recorder, request)
		if recorder.Code != test.status || recorder.Body.String() != test.body {
			t.Errorf("%s %s: %d %q, want %d %q", test.method, test.path, recorder.Code, recorder.Body, test.status, test.body)
		}
	}
}

// TestACheckIsGivenATime: one that hangs is told to end, and its error is shown.
func TestACheckIsGivenATime(t *testing.T) {
	hangs := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	report, ready := health.Ready(t.Context(), []health.Check{{Name: "broker", Func: hangs}})
	if ready || report.Checks["broker"] != context.DeadlineExceeded.Error() {
		t.Errorf("%v %v", report, ready)
	}
}

func TestServesUntilTheEnd(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- health.Serve(ctx, listener, health.Handler(nil, prometheus.NewRegistry()), slog.New(slog.DiscardHandler))
	}()
	response, err := http.Get("http://" + listener.Addr().String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("%s %s %v", response.Status, body, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := new(net.Dialer).DialContext(t.Context(), "tcp", listener.Addr().String()); err == nil {
		t.Error("it still listens")
	}
}
