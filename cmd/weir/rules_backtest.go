package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/backtest"
	"github.com/weirhq/weir/internal/config"
	replayed "github.com/weirhq/weir/rules/backtest"
	"github.com/weirhq/weir/topics"
)

// backtestFlags are what the command line says.
type backtestFlags struct {
	rules, baseline, input, labels, report string
	warmup                                 string
	cards                                  int
	json                                   bool
	decisions                              bool
	since                                  time.Duration
}

func newRulesBacktestCommand(a *app) *cobra.Command {
	var f backtestFlags
	cmd := &cobra.Command{
		Use:   "backtest --rules DIR --input FILE | --from-decisions",
		Short: "Try a rule set on history: decisions, hits, precision, recall, money",
		Long: `Replay history by the time of its events through velocity and the evaluator that decide live, and report what the rules
would have decided: outcomes, hits and overlap of rules; with --labels precision, recall, F1, average precision, ROC AUC and
money; with --baseline the decisions that differ. The input has one JSON object to a line, as rules/README.md describes, and
may be compressed by gzip or zstd. Labels are a CSV file with the columns id and, where there are any, fraud, amount, date;
without a column fraud the file lists frauds, and what is not in it counts as good.

With --from-decisions the history is the decision log, the commands in the inbox (kept for 45 days) and what became of the
payments; the decisions are compared with those that were made then, where there is no --baseline.

The beginning of the history is left out of all measures, as velocity does not know yet what was before: by default as long
as the longest window of the rules, at most 7d.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runBacktest(a, cmd, &f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.rules, "rules", "", "rule file or directory to try (default the built-in rules)")
	flags.StringVar(&f.baseline, "baseline", "", "rule file or directory to compare with")
	flags.StringVar(&f.input, "input", "", "history, one JSON object to a line; - for standard input")
	flags.StringVar(&f.labels, "labels", "", "CSV file that says which payments were fraud")
	flags.StringVar(&f.report, "report", "", "HTML file to write the whole report to")
	flags.BoolVar(&f.json, "json", false, "print the whole report as JSON")
	flags.StringVar(&f.warmup, "warmup", "", "how much of the beginning is not measured, such as 7d; 0d for nothing")
	flags.IntVar(&f.cards, "top-cards", 100, "how many cards a team can look at in a day")
	flags.BoolVar(&f.decisions, "from-decisions", false, "take the history from the decision log of a cluster")
	flags.DurationVar(&f.since, "since", 0, "with --from-decisions, only this last time, such as 240h (default all)")
	a.addConfigFlags(cmd)
	return cmd
}

func runBacktest(a *app, cmd *cobra.Command, f *backtestFlags) error {
	c := backtest.Config{Input: f.input, Cards: f.cards, Warmup: -1}
	switch {
	case (f.input == "") == !f.decisions:
		return usageError{errors.New("which history? Name a file with --input, or say --from-decisions")}
	case f.cards < 1:
		return usageError{errors.New("--top-cards: want at least 1")}
	}
	var err error
	if f.warmup != "" {
		if c.Warmup, err = parseSpan(f.warmup); err != nil {
			return usageError{fmt.Errorf("--warmup: %w", err)}
		}
	}
	if err := backtestSets(a, f, &c); err != nil {
		return err
	}
	if f.labels != "" {
		if c.Labels, err = readLabels(f.labels); err != nil {
			return err
		}
		c.LabelsOf = f.labels
	}
	if f.decisions {
		return fromDecisions(a, cmd, f, &c)
	}
	in, err := backtest.Open(f.input, cmd.InOrStdin())
	if err != nil {
		return err
	}
	defer in.Close()
	c.Source = replayed.NewReader(in)
	return runAndReport(a, f, &c)
}

// fromDecisions runs a backtest on the decision log.
func fromDecisions(a *app, cmd *cobra.Command, f *backtestFlags, c *backtest.Config) error {
	return a.withRuleTopic(cmd, func(ctx context.Context, kafka []kgo.Opt, configured *config.Config) error {
		var since time.Time
		if f.since > 0 {
			since = time.Now().Add(-f.since)
		}
		log, err := backtest.OpenDecisions(ctx, kafka, since)
		if err != nil {
			return err
		}
		defer log.Close()
		c.Source, c.Input, c.Skew = log, topics.Decisions, configured.Velocity.Skew
		return runAndReport(a, f, c)
	})
}

func runAndReport(a *app, f *backtestFlags, c *backtest.Config) error {
	result, err := backtest.Run(*c)
	if err != nil {
		return err
	}
	return reportBacktest(a, f, result)
}

func backtestSets(a *app, f *backtestFlags, c *backtest.Config) (err error) {
	var paths []string
	if f.rules != "" {
		paths = []string{f.rules}
	}
	if c.Set, err = rulesAt(a, paths); err != nil {
		return err
	}
	if f.baseline != "" {
		c.Baseline, err = loadRules(a, []string{f.baseline})
	}
	return err
}

func readLabels(name string) (*backtest.Labels, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	labels, err := backtest.ReadLabels(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return labels, nil
}

func reportBacktest(a *app, f *backtestFlags, r *backtest.Result) error {
	if f.report != "" {
		if err := writeReport(f.report, r); err != nil {
			return err
		}
	}
	if !f.json {
		return r.WriteText(a.out)
	}
	data, err := topics.Marshal(r)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "%s\n", data)
	return err
}

// writeReport writes the file in one step, so that a reader never sees half of it.
func writeReport(name string, r *backtest.Result) error {
	temporary, err := os.CreateTemp(filepath.Dir(name), ".weir-report-*")
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--report %s: there is no directory %s", name, filepath.Dir(name))
	}
	if err != nil {
		return err
	}
	err = r.WriteHTML(temporary)
	if err := errors.Join(err, temporary.Chmod(0o644), temporary.Close()); err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return os.Rename(temporary.Name(), name)
}

// parseSpan reads a time as rules write it.
func parseSpan(text string) (time.Duration, error) {
	if digits, ok := strings.CutSuffix(text, "d"); ok {
		if days, err := strconv.ParseUint(digits, 10, 16); err == nil {
			return time.Duration(days) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a time such as 36h or 7d", text)
	}
	return d, nil
}
