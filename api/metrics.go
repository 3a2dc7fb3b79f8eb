package api

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics have labels from closed sets only: patterns, methods, status classes, verdicts and configured names.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	keys     *prometheus.CounterVec
	webhooks *prometheus.CounterVec
}

func newMetrics(registerer prometheus.Registerer) (metrics, error) {
	m := metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "weir_api_requests_total",
			Help: "HTTP requests."}, []string{"route", "method", "class"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "weir_api_request_seconds",
			Help:    "Time from the request's headers to the end of its answer.",
			Buckets: []float64{.001, .002, .005, .01, .015, .025, .04, .06, .1, .25, .5, 1, 2.5, 5, 10}}, []string{"route", "method"}),
		keys: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "weir_api_idempotency_total",
			Help: "What idempotency keys of writes were bound to."}, []string{"verdict"}),
		webhooks: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "weir_api_webhooks_total",
			Help: "Webhook deliveries."}, []string{"psp", "outcome"}),
	}
	for _, c := range []prometheus.Collector{m.requests, m.seconds, m.keys, m.webhooks} {
		if err := registerer.Register(c); err != nil {
			return metrics{}, fmt.Errorf("api metrics: %w", err)
		}
	}
	return m, nil
}

func (m metrics) observe(pattern, method string, status int, took time.Duration) {
	_, route, ok := strings.Cut(pattern, " ")
	if !ok {
		route = pattern
	}
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete:
	default:
		method = "other"
	}
	class := "gone" // the client left before it was answered
	if status != 0 {
		class = strconv.Itoa(status/100) + "xx"
	}
	m.requests.WithLabelValues(route, method, class).Inc()
	m.seconds.WithLabelValues(route, method).Observe(took.Seconds())
}
