package enrich

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of the data files. The label is the file's key in the configuration.
type metrics struct {
	loads  *prometheus.CounterVec
	broken *prometheus.GaugeVec
	built  *prometheus.GaugeVec
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	if r == nil {
		r = prometheus.NewRegistry()
	}
	m := &metrics{
		loads: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "weir_risk_data_file_loads_total",
			Help: "Attempts to take a data file of the risk role into use, by result."}, []string{"file", "result"}),
		broken: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "weir_risk_data_file_broken",
			Help: "1 while the data file on disk cannot be used; the last good one stays in use."}, []string{"file"}),
		built: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "weir_risk_data_file_built_timestamp_seconds",
			Help: "When the data file in use was built, as it says itself."}, []string{"file"}),
	}
	for _, c := range []prometheus.Collector{m.loads, m.broken, m.built} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("metrics of data files: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) loaded(key string, err error) {
	if err != nil {
		m.loads.WithLabelValues(key, "failed").Inc()
		m.broken.WithLabelValues(key).Set(1)
		return
	}
	m.loads.WithLabelValues(key, "ok").Inc()
	m.broken.WithLabelValues(key).Set(0)
}

func (m *metrics) inUse(key string, built time.Time) {
	if !built.IsZero() {
		m.built.WithLabelValues(key).Set(float64(built.Unix()))
	}
}
