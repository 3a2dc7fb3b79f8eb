package telemetry

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/weirhq/weir/topics"
)

func TestLogMasksCardNumbers(t *testing.T) {
	const pan = "4111111111111111"
	for _, format := range []string{FormatJSON, FormatText, FormatAuto} {
		var out bytes.Buffer
		log, err := NewLogger(&out, "debug", format)
		if err != nil {
			t.Fatal(err)
		}
		log = log.With("a", pan).WithGroup("g").With(slog.Group("h", "b", "x "+pan))
		log.Error("card "+pan, "string", pan, "number", 4111111111111111, "unsigned", uint64(4111111111111111),
			"error", fmt.Errorf("wrapped: %w", errors.New(pan)), "bytes", []byte(pan), "struct", struct{ Card string }{pan},
			"map", map[string]any{"n": 4111111111111111}, "list", []string{"4111 1111 1111 1111"}, "lazy", lazy(pan),
			"channel", make(chan int), pan, "key", slog.Group("group", "inner", pan), "kept", "payment", "time", time.Unix(0, 0), "count", 7)
		if got := out.String(); strings.Contains(got, "4111") || !strings.Contains(got, "************1111") {
			t.Errorf("%s: %s", format, got)
		} else if !strings.Contains(got, "payment") || strings.Count(got, "\n") != 1 {
			t.Errorf("%s: %s", format, got)
		}
	}
}

type lazy string

func (l lazy) LogValue() slog.Value { return slog.StringValue(string(l)) }

func TestLogLevelAndFormat(t *testing.T) {
	if _, err := NewLogger(&bytes.Buffer{}, "loud", FormatJSON); err == nil {
		t.Error("level loud is accepted")
	}
	if _, err := NewLogger(&bytes.Buffer{}, "info", "xml"); err == nil {
		t.Error("format xml is accepted")
	}
	var out bytes.Buffer
	log, err := NewLogger(&out, "warn", FormatJSON)
	if err != nil {
		t.Fatal(err)
	}
	log.Info("not written")
	log.With("trace_id", "t1").Warn("written")
	if got := out.String(); !strings.Contains(got, `"msg":"written","trace_id":"t1"}`) || strings.Contains(got, "not written") {
		t.Errorf("got %s", got)
	}
}

// What has several lines is read by people as lines, and cannot pass for a record.
func TestLogOfSeveralLines(t *testing.T) {
	var out bytes.Buffer
	log, err := NewLogger(&out, "info", FormatText)
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("rules.yaml:4:7: did not expect '='\n    4 | \tx = \"y\"\n      | \t  ^\r\n\x1b[31mtime=now level=INFO msg=forged")
	log.With("role", "risk").WithGroup("g").Error("broken", "error", broken, "rules", 3)
	_, rest, _ := strings.Cut(out.String(), " ") // the time
	const want = `level=ERROR msg=broken role=risk g.rules=3
    error: rules.yaml:4:7: did not expect '='
        4 | 	x = "y"
          | 	  ^
    \x1b[31mtime=now level=INFO msg=forged
`
	if rest != want {
		t.Errorf("got\n%s\nwant\n%s", rest, want)
	}
	out.Reset()
	if log, err = NewLogger(&out, "info", FormatJSON); err != nil {
		t.Fatal(err)
	}
	if log.Error("broken", "error", broken); strings.Count(out.String(), "\n") != 1 {
		t.Errorf("got %s, want one line", out.String())
	}
}

func TestStage(t *testing.T) {
	reg := prometheus.NewRegistry()
	for _, role := range []string{"risk", "payments", "payments"} { // the third shares those of the second
		s := NewStage(reg, role)
		s.Records(2)
		s.Batch(3*time.Millisecond, 10)
		s.Retry(RetryDatabase)
		s.Retry("new")
		s.DeadLetter(topics.RefusedPoison)
		s.DeadLetter("new")
		s.Lag(0, 5)
		s.Lag(1, 6)
		s.Release(1)
	}
	NewStage(nil, "psp").Records(1)
	const want = `
# HELP weir_stage_dead_letters_total Records put aside, by reason.
# TYPE weir_stage_dead_letters_total counter
weir_stage_dead_letters_total{reason="card_number",role="payments"} 0
weir_stage_dead_letters_total{reason="card_number",role="risk"} 0
weir_stage_dead_letters_total{reason="invalid",role="payments"} 0
weir_stage_dead_letters_total{reason="invalid",role="risk"} 0
weir_stage_dead_letters_total{reason="other",role="payments"} 2
weir_stage_dead_letters_total{reason="other",role="risk"} 1
weir_stage_dead_letters_total{reason="poison",role="payments"} 2
weir_stage_dead_letters_total{reason="poison",role="risk"} 1
weir_stage_dead_letters_total{reason="undecodable",role="payments"} 0
weir_stage_dead_letters_total{reason="undecodable",role="risk"} 0
# HELP weir_stage_lag_records Records of the input that are not processed yet.
# TYPE weir_stage_lag_records gauge
weir_stage_lag_records{partition="0",role="payments"} 5
weir_stage_lag_records{partition="0",role="risk"} 5
# HELP weir_stage_records_total Records processed.
# TYPE weir_stage_records_total counter
weir_stage_records_total{role="payments"} 24
weir_stage_records_total{role="risk"} 12
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "weir_stage_dead_letters_total", "weir_stage_lag_records", "weir_stage_records_total"); err != nil {
		t.Error(err)
	}
	if n, err := testutil.GatherAndCount(reg, "weir_stage_retries_total"); err != nil || n != 12 {
		t.Errorf("%d retry series, %v", n, err)
	}
}
