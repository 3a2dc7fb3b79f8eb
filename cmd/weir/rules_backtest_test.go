package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/internal/backtest"
	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/replay"
	"github.com/weirhq/weir/topics"
)

// countingRules decide by what was before, on the values of several fields.
const countingRules = `version: 1
velocity:
  - { name: card_attempts, aggregate: count, events: [attempt], by: card.fingerprint, window: 1h }
  - { name: device_cards, aggregate: distinct, of: card.fingerprint, events: [attempt], by: context.device_id, window: 24h }
  - { name: attempted, aggregate: sum, currency: EUR, events: [attempt], by: customer.id, window: 7d }
  - { name: last, aggregate: since_first, events: [attempt], by: context.ip, window: 30d }
rules:
  - { name: card_testing, when: velocity.card_attempts >= 5, outcome: block, on_missing: hold, score: 40 }
  - { name: many_cards, when: velocity.device_cards >= 3, outcome: hold, on_missing: hold, score: 20 }
  - { name: much, when: velocity.attempted > money("900.00 EUR"), outcome: step_up, on_missing: step_up, score: 7 }
  - { name: known_address, when: velocity.last < duration("1h") && context.ip == "203.0.113.1", outcome: pass, on_missing: step_up, score: -3 }
`

// TestBacktestDecidesAsTheEngineDid: what an engine with risk and velocity decided comes out again from its decision log and
// from lines of the same commands, decision by decision.
func TestBacktestDecidesAsTheEngineDid(t *testing.T) {
	w := newDeadLetterWorld(t)
	brokers := strings.Join(w.broker.Config.Brokers, ",")
	rules := writeFile(t, "counting.yaml", countingRules)
	w.start(t, config.Setting{Key: "risk.rules", Value: rules}, config.Setting{Key: "roles", Value: "risk,velocity,payments,psp,statements,sandbox"})
	const attempts = 60
	for i := range attempts {
		w.produce(t, attempted(t, i))
	}
	until(t, func() string {
		_, out, _ := rulesOutput(t, "replay", "--rules", rules, "--brokers", brokers)
		return out
	}, fmt.Sprintf("%d decisions reproduced, 0 different\n", attempts))

	code, out, errOut := rulesOutput(t, "backtest", "--rules", rules, "--from-decisions", "--warmup", "0d", "--brokers", brokers, "--json")
	if code != exitOK {
		t.Fatalf("exit %d\n%s%s", code, out, errOut)
	}
	live := readResult(t, out)
	if live.Measured != attempts || live.Baseline != backtest.AsRecorded || live.Changes.Attempts != 0 {
		t.Errorf("%d of %d measured, %+v", live.Measured, attempts, live.Changes)
	}
	for _, o := range live.Outcomes {
		if o.Attempts == 0 && o.Outcome != topics.OutcomeAllow {
			t.Errorf("nothing came to %s: the test tells too little", o.Outcome)
		}
	}

	code, out, errOut = rulesOutput(t, "backtest", "--rules", rules, "--input", w.lines(t), "--warmup", "0d", "--json")
	if code != exitOK {
		t.Fatalf("exit %d\n%s%s", code, out, errOut)
	}
	lines := readResult(t, out)
	if fmt.Sprint(lines.Outcomes, lines.Rules, lines.Overlap) != fmt.Sprint(live.Outcomes, live.Rules, live.Overlap) {
		t.Errorf("lines give\n%+v %+v\nthe log gives\n%+v %+v", lines.Outcomes, lines.Rules, live.Outcomes, live.Rules)
	}
}

// attempted is the command number i of one customer, with a card, a device and an address of a few.
func attempted(t *testing.T, i int) []byte {
	t.Helper()
	c := topics.Command{CommandID: uuid.Must(uuid.NewV7()).String(), Type: topics.CommandCreate, Tenant: "acme", CustomerID: "cus_1",
		Amount: int64(1000 + 700*(i%5)), Currency: "EUR", Authorize: true, CaptureMethod: topics.CaptureAutomatic,
		Card:    &topics.Card{Token: "tok_approved", Fingerprint: fmt.Sprintf("fp_%d", i*i%11)},
		Context: &topics.Context{DeviceID: fmt.Sprintf("dev_%d", i*7%9)}}
	if i%4 > 0 {
		c.Context.IP = fmt.Sprintf("203.0.113.%d", i%3)
	}
	value, err := topics.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func readResult(t *testing.T, out string) *backtest.Result {
	t.Helper()
	var r backtest.Result
	// Amounts are written for people and programs, and not read back.
	if err := json.Unmarshal([]byte(strings.NewReplacer(`amounts":[`, `amounts_read":[`).Replace(out)), &r); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	return &r
}

// lines writes the commands of the decision log as a history, and returns the file.
func (w *deadLetterWorld) lines(t *testing.T) string {
	t.Helper()
	ends, err := replay.FindEnds(t.Context(), w.broker.Config.Options(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for partition := range ends.Partitions() {
		log, err := ends.Open(partition, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		for {
			e, err := log.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if e == nil {
				break
			}
			c := e.Command.Command
			line := map[string]any{"time": e.Command.AssessedAt.UnixMilli(), "id": c.CommandID, "tenant": c.Tenant, "customer.id": c.CustomerID,
				"payment.amount": fmt.Sprintf("%d.%02d EUR", c.Amount/100, c.Amount%100), "card.fingerprint": c.Card.Fingerprint,
				"context.device_id": c.Context.DeviceID}
			if c.Context.IP != "" {
				line["context.ip"] = c.Context.IP
			}
			data, err := json.Marshal(line)
			if err != nil {
				t.Fatal(err)
			}
			text.Write(append(data, '\n'))
		}
	}
	name := filepath.Join(t.TempDir(), "events.ndjson")
	if err := os.WriteFile(name, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestBacktestCommand: what the command line refuses, and what it writes.
func TestBacktestCommand(t *testing.T) {
	dir, err := filepath.Abs("../../internal/backtest/testdata/small")
	if err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	report := filepath.Join(t.TempDir(), "report.html")
	code, out, errOut := rulesOutput(t, "backtest", "--rules", in("rules.yaml"), "--baseline", in("baseline.yaml"), "--input", in("events.ndjson"),
		"--labels", in("labels.csv"), "--top-cards", "2", "--report", report)
	want, err := os.ReadFile(in("report.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if code != exitOK || out != string(want) {
		t.Errorf("exit %d\n%s%s", code, out, errOut)
	}
	if page, err := os.ReadFile(report); err != nil || !strings.HasPrefix(string(page), "<!DOCTYPE html>") || !strings.HasSuffix(string(page), "</html>\n") {
		t.Errorf("the report is not there: %v", err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{}, "which history?"},
		{[]string{"--input", "x", "--from-decisions"}, "which history?"},
		{[]string{"--input", "x", "--warmup", "soon"}, `--warmup: "soon" is not a time such as 36h or 7d`},
		{[]string{"--input", "x", "--top-cards", "0"}, "--top-cards: want at least 1"},
	} {
		if code, out, errOut := rulesOutput(t, append([]string{"backtest"}, c.args...)...); code != exitUsage || !strings.Contains(errOut, c.want) {
			t.Errorf("%v: exit %d\n%s%s", c.args, code, out, errOut)
		}
	}
	if code, _, errOut := rulesOutput(t, "backtest", "--rules", in("rules.yaml"), "--input", in("events.ndjson"), "--report", "/nowhere/report.html"); code != exitProblem ||
		!strings.Contains(errOut, "--report /nowhere/report.html: there is no directory /nowhere") {
		t.Errorf("exit %d\n%s", code, errOut)
	}
	if code, _, errOut := rulesOutput(t, "backtest", "--input", in("labels.csv")); code != exitProblem || !strings.HasPrefix(errOut, "no path was given: these are the rules that are built in\n") || !strings.Contains(errOut, "line 1 and 4 others: character 1: a line is a JSON object") {
		t.Errorf("exit %d\n%s", code, errOut)
	}
}
