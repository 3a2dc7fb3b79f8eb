package backtest

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/rules/backtest"
	"github.com/weirhq/weir/topics"
)

var update = flag.Bool("update", false, "rewrite the expected report in testdata")

const small = "testdata/small"

func load(t *testing.T, name string) *rules.Set {
	t.Helper()
	set, err := rules.Load(filepath.Join(small, name))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func text(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(small, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// configured is a backtest of the small history with labels and a baseline.
func configured(t *testing.T, events string) Config {
	t.Helper()
	labels, err := ReadLabels(strings.NewReader(text(t, "labels.csv")))
	if err != nil {
		t.Fatal(err)
	}
	return Config{Source: backtest.NewReader(strings.NewReader(events)), Input: "events.ndjson", Set: load(t, "rules.yaml"),
		Baseline: load(t, "baseline.yaml"), Labels: labels, Warmup: -1, Cards: 2}
}

func ran(t *testing.T, c Config) *Result {
	t.Helper()
	r, err := Run(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestReport is the report for a terminal of a history that can be worked out by hand: its scores are 100 and 50 and 30 of
// fraud, 50, 20 and three times 0 of good attempts.
func TestReport(t *testing.T) {
	r := ran(t, configured(t, text(t, "events.ndjson")))
	if s := r.Score; math.Abs(s.AveragePrecision-(1.0/3+2.0/9+1.0/4)) > 1e-12 || math.Abs(s.AUC-0.9) > 1e-12 {
		t.Errorf("average precision %v, ROC AUC %v", s.AveragePrecision, s.AUC)
	}
	var got bytes.Buffer
	if err := r.WriteText(&got); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join(small, "report.txt")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := text(t, "report.txt"); got.String() != want {
		t.Errorf("the report is\n%s\nwant\n%s", got.String(), want)
	}
}

// TestReportWithoutLabels says what has no answer, and gives none.
func TestReportWithoutLabels(t *testing.T) {
	c := configured(t, text(t, "events.ndjson"))
	c.Labels, c.Baseline = nil, nil
	r := ran(t, c)
	if r.Labels != nil || r.Stopped != nil || r.Score != nil || r.Cards != nil || r.Changes != nil || !strings.HasPrefix(r.Notes[0], "No attempt is labelled") {
		t.Errorf("%+v", r)
	}
	var out bytes.Buffer
	if err := r.WriteText(&out); err != nil || strings.Contains(out.String(), "PRECISION") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// TestColumnOfLabels: a column gives what a file of labels with a column fraud gives.
func TestColumnOfLabels(t *testing.T) {
	events := text(t, "events.ndjson")
	for _, id := range []string{"p3", "p4", "p6"} {
		events = strings.Replace(events, `"id":"`+id+`"`, `"id":"`+id+`","fraud":true`, 1)
	}
	events = strings.Replace(events, `"id":"p5"`, `"id":"p5","fraud":false`, 1)
	c := configured(t, events)
	if _, err := Run(c); err == nil || !strings.Contains(err.Error(), "line 5: fraud: the labels have a file of their own") {
		t.Errorf("both at once: %v", err)
	}
	labels, err := ReadLabels(strings.NewReader("id,fraud\np3,1\np4,true\np6,yes\np5,0\n"))
	if err != nil {
		t.Fatal(err)
	}
	c = configured(t, text(t, "events.ndjson"))
	c.Labels = labels
	file := ran(t, c)
	c = configured(t, events)
	c.Labels = nil
	column := ran(t, c)
	a, b := fmt.Sprintf("%+v %+v", *file.Labels, *file.Score), fmt.Sprintf("%+v %+v", *column.Labels, *column.Score)
	if a != b || file.Labels.Good != 1 || file.Labels.Unlabelled != 4 {
		t.Errorf("the file gives  %s\nthe column gives %s", a, b)
	}
}

// TestSameSetChangesNothing, and everything that is told is the same again.
func TestSameSetChangesNothing(t *testing.T) {
	c := configured(t, text(t, "events.ndjson"))
	c.Baseline = load(t, "rules.yaml")
	r := ran(t, c)
	if r.Changes.Attempts != 0 || len(r.Changes.Transitions) != 0 {
		t.Errorf("%+v", r.Changes)
	}
	there, back := ran(t, configured(t, text(t, "events.ndjson"))), configured(t, text(t, "events.ndjson"))
	back.Set, back.Baseline = back.Baseline, back.Set
	if other := ran(t, back); other.Changes.Attempts != there.Changes.Attempts {
		t.Errorf("%d changes one way, %d the other", there.Changes.Attempts, other.Changes.Attempts)
	}
}

func TestWarmup(t *testing.T) {
	c := configured(t, text(t, "events.ndjson"))
	c.Warmup = 0
	if r := ran(t, c); r.Measured != 10 || r.Warmup.Attempts != 0 {
		t.Errorf("without warm-up %d are measured", r.Measured)
	}
	c = configured(t, text(t, "events.ndjson"))
	c.Warmup = 30 * 24 * time.Hour
	if _, err := Run(c); err == nil || err.Error() != "events.ndjson: the history, 2026-03-01 12:00 to 2026-03-09 12:05, ends within the warm-up of 30d: pass --warmup with less, or more history" {
		t.Error(err)
	}
}

func TestBadHistory(t *testing.T) {
	events := strings.Replace(text(t, "events.ndjson"), `"card.fingerprint"`, `"card.fingerprnt"`, 2)
	events = strings.Replace(events, `"id":"p1"`, `"id":""`, 1) + "{\n"
	_, err := Run(configured(t, events))
	want := `events.ndjson: 4 bad lines
  line 1 and 1 other: there is no field "card.fingerprnt"; did you mean "card.fingerprint"?; a column that is for nobody here begins with _
  line 3: there is no "id"
  line 14: character 2: a name in quotes is missing`
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant\n%s", err, want)
	}
	if _, err := Run(configured(t, "")); err == nil || !strings.Contains(err.Error(), "there is no attempt") {
		t.Errorf("an empty history: %v", err)
	}
}

func TestBadLabels(t *testing.T) {
	for csv, want := range map[string]string{
		"":                "labels: the first line: EOF",
		"payment,fraud\n": `labels: line 1: unknown column "payment"; the columns are id, fraud, amount and date`,
		"id;fraud\n":      `labels: line 1: unknown column "id;fraud"; the columns are id, fraud, amount and date; columns are parted by commas`,
		"fraud\n1\n":      "labels: line 1: there is no column id; the first line names the columns",
		"id,fraud\np1,maybe\np2,perhaps\np3,1,2\n": "labels: 3 bad lines\n  line 2 and 1 other like it: fraud: \"maybe\" is neither true nor false\n  line 4: wrong number of fields",
		"id,amount\np1,5\n":                        "labels: 1 bad line\n  line 2: amount: amount \"5\": want a number, a space and a currency, such as \"10.50 EUR\"",
		"id,amount\np1,-5.00 EUR\n":                "labels: 1 bad line\n  line 2: amount: -5.00 EUR is below zero",
		"id,date\np1,March\n":                      "labels: 1 bad line\n  line 2: date: \"March\" is neither a date such as 2026-03-31 nor a moment such as 2026-03-31T12:00:00Z",
		"id,fraud\np1,1\np1,0\n,1\n":               "labels: 2 bad lines\n  line 3: id \"p1\" stands here as fraud and as good\n  line 4: there is no id",
		"id\n4111111111111111\n":                   "labels: 1 bad line\n  line 2: id: holds a card number; want the payment's id",
	} {
		if _, err := ReadLabels(strings.NewReader(csv)); err == nil || err.Error() != want {
			t.Errorf("%q gives %v\nwant %s", csv, err, want)
		}
	}
}

// TestNothingToMeasure: what no backtest can tell is an error, not a pass.
func TestNothingToMeasure(t *testing.T) {
	const refunds = "version: 1\nstage: refund\nrules:\n  - { name: large_refund, when: payment.amount > money(\"5.00 EUR\"), outcome: hold, on_missing: hold }\n"
	const limits = "version: 1\ngaming_limits:\n  - { kind: deposit, period: day, amounts: [\"1000.00 EUR\"] }\n"
	events := text(t, "events.ndjson")
	for name, c := range map[string]struct{ rules, want string }{
		"refunds": {refunds, "no rule of stage before_authorization, which alone is measured; its rules are of stage refund: "},
		"limits":  {limits, "the rule set has no rules, so there is nothing to measure"},
	} {
		set, err := rules.Compile([]rules.File{{Name: "rules.yaml", Text: []byte(c.rules)}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		tested := configured(t, events)
		tested.Set = set
		if _, err := Run(tested); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := configured(t, events)
	set, err := rules.Compile([]rules.File{{Name: "a.yaml", Text: []byte(text(t, "baseline.yaml"))}, {Name: "b.yaml", Text: []byte(refunds)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Set = set
	r := ran(t, c)
	if !slices.Contains(r.Notes, "1 rule is of stage refund and not measured: large_refund.") || slices.ContainsFunc(r.Rules, func(r RuleRow) bool { return r.Rule == "large_refund" }) {
		t.Errorf("%q, %+v", r.Notes, r.Rules)
	}
	c = configured(t, strings.ReplaceAll(events, `"payment.amount"`, `"_amount"`))
	if r := ran(t, c); !strings.Contains(strings.Join(r.Notes, "\n"), "8 measured attempts are without a payment.amount") {
		t.Errorf("%q", r.Notes)
	}
}

// TestLabelsOfOtherPayments: labels that match nothing are an error, with or without a column fraud; some that do not stand first.
func TestLabelsOfOtherPayments(t *testing.T) {
	for csv, want := range map[string]string{
		"id,fraud\nx1,true\nx2,false\n": `labels: none of 2 ids is in the history: "x1" is not, and the history has ids such as "w1"; both must name payments alike`,
		"id\nx1\nx2\n":                  `labels: none of 2 ids is in the history: "x1" is not, and the history has ids such as "w1"; both must name payments alike`,
		"id\nx1\np3\n":                  "",
	} {
		labels, err := ReadLabels(strings.NewReader(csv))
		if err != nil {
			t.Fatal(err)
		}
		c := configured(t, text(t, "events.ndjson"))
		c.Labels = labels
		r, err := Run(c)
		switch {
		case want != "":
			if err == nil || err.Error() != want {
				t.Errorf("%q gives %v\nwant %s", csv, err, want)
			}
		case err != nil || r.Notes[0] != "1 labelled id is not in the history: no measure knows what was said of it.":
			t.Errorf("%v, %q", err, r.Notes)
		}
	}
}

// TestOneMistakeOnManyLines is told once, whatever the values.
func TestOneMistakeOnManyLines(t *testing.T) {
	var events strings.Builder
	for i := range 30 {
		fmt.Fprintf(&events, `{"time":"2026-03-01T12:00:00Z","id":"p%d","card.country":"Land %d"}`+"\n", i, i)
	}
	events.WriteString(`{"time":"2026-03-01T12:00:00Z","id":"p40","context.country":"Land 7"}`)
	_, err := Run(configured(t, events.String()))
	const want = `events.ndjson: 31 bad lines
  line 1 and 29 others like it: card.country: "Land 0" cannot be; it is a country of two capital letters, such as "DE"
  line 31: context.country: "Land 7" cannot be; it is a country of two capital letters, such as "DE"`
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant\n%s", err, want)
	}
}

// TestYoung: where some fraud cannot be known yet, the report says so.
func TestYoung(t *testing.T) {
	labels, err := ReadLabels(strings.NewReader("id,date\np3,2026-03-09\np4,2026-03-09\np6,2026-03-10\n"))
	if err != nil {
		t.Fatal(err)
	}
	c := configured(t, text(t, "events.ndjson")+`{"time":"2026-03-11T12:00:00Z","id":"p9","payment.amount":"1.00 EUR"}`)
	c.Labels = labels
	r := ran(t, c)
	if *r.Labels.Delay != 1 || r.Labels.Young != 1 {
		t.Errorf("delay %d days, %d young; want 1 and 1", *r.Labels.Delay, r.Labels.Young)
	}
}

// TestOpen: a history is the same however it is compressed.
func TestOpen(t *testing.T) {
	const want = "some history\n"
	var zipped, packed bytes.Buffer
	g := gzip.NewWriter(&zipped)
	z, err := zstd.NewWriter(&packed)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []io.WriteCloser{g, z} {
		if _, err := io.WriteString(w, want); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, data := range map[string][]byte{"plain": []byte(want), "gzip": zipped.Bytes(), "zstd": packed.Bytes(), "one byte": {'{'}, "empty": nil} {
		file := filepath.Join(t.TempDir(), "events")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, from := range []string{file, "-"} {
			in, err := Open(from, bytes.NewReader(data))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got, err := io.ReadAll(in)
			if err := in.Close(); err != nil {
				t.Error(err)
			}
			if expected := map[string]string{"one byte": "{", "empty": ""}; err != nil || string(got) != want && string(got) != expected[name] {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
	}
}

// TestHTML: the report has what the text has, and loads nothing.
func TestHTML(t *testing.T) {
	told := configured(t, strings.ReplaceAll(text(t, "events.ndjson"), `"id":"p4"`, `"id":"<script>alert(1)</script>"`))
	told.LabelsOf = "chargebacks.csv"
	r := ran(t, told)
	var out bytes.Buffer
	if err := r.WriteHTML(&out); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	for _, wanted := range []string{"card_testing", "Precision and recall", "ROC", "Distribution", "By day", "Against the baseline",
		"380.00 EUR, 30.00 USD", "&lt;script&gt;alert(1)", "velocity.card_month", r.RuleSet,
		"</code> testdata/small/rules.yaml</dd>", "</code> testdata/small/baseline.yaml</dd>", "<dd>events.ndjson, 2026-", "<dd>chargebacks.csv</dd>",
		`<td>fraud</td><td><ul><li>large`, `<td>good</td><td><ul><li>card_testing`} {
		if !strings.Contains(page, wanted) {
			t.Errorf("the report has no %q", wanted)
		}
	}
	if n := strings.Count(page, "<svg viewBox=\"0 0 12"); strings.Count(page, "<figure>") != 5 || n == 0 {
		t.Errorf("%d plots, want 5", strings.Count(page, "<figure>"))
	}
	if found := regexp.MustCompile(`(?i)<script|\ssrc=|\shref=|url\(|@import|https?:|NaN|Inf\b|ZgotmplZ|<nil>`).FindString(page); found != "" {
		t.Errorf("the report has %q", found)
	}
	c := configured(t, text(t, "events.ndjson"))
	c.Labels, c.Baseline = nil, nil
	out.Reset()
	if err := ran(t, c).WriteHTML(&out); err != nil || strings.Contains(out.String(), "precision</th>") {
		t.Errorf("without labels: %v", err)
	}
}

// TestJSON: what the report has can be read by programs; amounts are texts, and what has no answer is left out.
func TestJSON(t *testing.T) {
	data, err := topics.Marshal(ran(t, configured(t, text(t, "events.ndjson"))))
	if err != nil {
		t.Fatal(err)
	}
	for _, wanted := range []string{`"amounts":["380.00 EUR","30.00 USD"]`, `"roc_auc":0.9`, `"rules":["card_testing: no hit → hit, block"]`, `"by":["block","hold"]`} {
		if !strings.Contains(string(data), wanted) {
			t.Errorf("no %s in\n%s", wanted, data)
		}
	}
}
