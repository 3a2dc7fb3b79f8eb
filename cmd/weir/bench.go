package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirhq/weir/internal/bench"
)

// newBenchCommand measures the engine on this machine.
func newBenchCommand(a *app) *cobra.Command {
	o := bench.Options{For: time.Minute, Payments: 1_000_000, Rate: 500}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure rates, latencies, bytes, memory and recovery on this machine",
		Long: `Measure an engine process beside an embedded broker, a database with fsync on, the sandbox PSP and the load, all of
them on this machine. Prints each figure as it is measured, then a table with minimum, median and maximum of the
10-second intervals and what is wanted, then the same as JSON lines. The parts routing, backtest, screening and aml measure
what decides alone, in this process; they take as long as their fixed amounts of made-up data do, whatever --for says.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			engine, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find the engine's binary: %w", err)
			}
			if o.Only != "" && !slices.Contains(bench.Parts(), o.Only) {
				return fmt.Errorf("--only %s: want one of %s", o.Only, strings.Join(bench.Parts(), ", "))
			}
			o.Engine, o.Out = engine, a.out
			return bench.Run(cmd.Context(), o)
		},
	}
	flags := cmd.Flags()
	flags.DurationVar(&o.For, "for", o.For, "how long each rate is measured")
	flags.Int64Var(&o.Payments, "payments", o.Payments, "payments to store before rate, memory and restart are measured; 0 leaves this out")
	flags.IntVar(&o.Rate, "rate", o.Rate, "requests per second of the API measurement")
	flags.StringVar(&o.Only, "only", "", "measure this part alone: "+strings.Join(bench.Parts(), ", "))
	cmd.AddCommand(newBenchLedgerCommand(a))
	return cmd
}

// newBenchLedgerCommand measures the ledger alone.
func newBenchLedgerCommand(a *app) *cobra.Command {
	o := bench.LedgerOptions{Runs: 5, For: 2 * time.Second, Entries: 5_000_000, Statement: 1_000_000}
	cmd := &cobra.Command{
		Use:   "ledger",
		Short: "Measure the ledger beside a raw probe: rates, bytes, growth, checks, statements",
		Long: `Measure the ledger on a database with fsync on. In each run the bare statements are measured too, without the ledger
around them: on a machine that others use, the ratio of the two says more than either. Prints each figure as it is
measured, then a table with minimum, median and maximum of the runs and what is wanted, then the same as JSON lines.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			engine, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find the engine's binary: %w", err)
			}
			if o.Runs < 1 || o.For <= 0 || o.Entries < 0 || o.Statement < 0 {
				return errors.New("want at least one run, of more than no time, and no number of entries below zero")
			}
			o.Engine, o.Out = engine, a.out
			return bench.RunLedger(cmd.Context(), o)
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&o.Runs, "runs", o.Runs, "how often each measurement is made")
	flags.DurationVar(&o.For, "for", o.For, "how long each of them takes")
	flags.Int64Var(&o.Entries, "entries", o.Entries, "entries to store before the rate is measured again, 20000000 for the real thing; 0 leaves this out")
	flags.Int64Var(&o.Statement, "statement", o.Statement, "entries on the account whose statement is read; 0 leaves this out")
	return cmd
}
