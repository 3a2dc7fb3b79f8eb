package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirhq/weir/internal/backtest"
	"github.com/weirhq/weir/internal/rulecost"
	"github.com/weirhq/weir/rules"
	replayed "github.com/weirhq/weir/rules/backtest"
)

func newRulesBenchCommand(a *app) *cobra.Command {
	var input string
	cmd := &cobra.Command{
		Use:   "bench [PATH...]",
		Short: "Measure what each rule takes, slowest first, and how many decisions a second that is",
		Long: `Measure on this machine what each rule takes by itself, the slowest first, and what a decision by all of them takes: what
several rules have in common is evaluated once for all. WORST CASE is what a condition may cost at most by the estimate that
bounds it when it is checked. Payments are made up, or come from --input, a history as for weir rules backtest; rules of
other stages than before_authorization are not measured.`,
		RunE: func(cmd *cobra.Command, paths []string) error {
			set, err := rulesAt(a, paths)
			if err != nil {
				return err
			}
			inputs, err := benchInputs(set, input, cmd.InOrStdin())
			if err != nil {
				return err
			}
			report := rulecost.Measure(set, inputs)
			return printCosts(a.out, &report)
		},
	}
	cmd.Flags().StringVar(&input, "input", "", "history whose payments are measured on; - for standard input (default made-up ones)")
	return cmd
}

func benchInputs(set *rules.Set, input string, stdin io.Reader) ([]rules.Input, error) {
	if input == "" {
		return rulecost.MadeUp(set)
	}
	in, err := backtest.Open(input, stdin)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	inputs, err := rulecost.FromHistory(set, replayed.NewReader(in))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", input, err)
	}
	return inputs, nil
}

func printCosts(out io.Writer, r *rulecost.Report) error {
	err := aligned(out, func(w io.Writer) {
		fmt.Fprintln(w, "RULE\tNS\tSHARE\tWORST CASE\tOF LIMIT")
		for _, rule := range r.Rules {
			fmt.Fprintf(w, "%s\t%d\t%.1f %%\t%d\t%.0f %%\n", rule.Name, rule.Time.Nanoseconds(), 100*float64(rule.Time)/float64(max(r.Alone, 1)),
				rule.Worst, 100*float64(rule.Worst)/rules.MaxCost)
		}
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s by themselves %d ns, in one decision %d ns: %d decisions a second on one core, measured on %s\n",
		counted(len(r.Rules), "rule"), r.Alone.Nanoseconds(), r.Decision.Nanoseconds(), time.Second/max(r.Decision, 1), counted(r.Inputs, "payment"))
	if len(r.Unused) > 0 {
		fmt.Fprintf(out, "not evaluated for any of them: %s\n", strings.Join(r.Unused, ", "))
	}
	return nil
}
