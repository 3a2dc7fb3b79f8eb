package main

import (
	"fmt"
	"os"
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
10-second intervals and what is wanted, then the same as JSON lines.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			engine, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find the engine's binary: %w", err)
			}
			o.Engine, o.Out = engine, a.out
			return bench.Run(cmd.Context(), o)
		},
	}
	flags := cmd.Flags()
	flags.DurationVar(&o.For, "for", o.For, "how long each rate is measured")
	flags.Int64Var(&o.Payments, "payments", o.Payments, "payments to store before rate, memory and restart are measured; 0 leaves this out")
	flags.IntVar(&o.Rate, "rate", o.Rate, "requests per second of the API measurement")
	return cmd
}
