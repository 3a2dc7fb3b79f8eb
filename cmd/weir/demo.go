package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/weirhq/weir/internal/demo"
)

// newDemoCommand shows everything at work.
func newDemoCommand(a *app) *cobra.Command {
	o := demo.Options{Payments: 2400, Seed: 1}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Start everything in this process, drive traffic from both sides, report and check",
		Long: `Start an embedded broker and database, the sandbox PSP and every role in this process, with data that is thrown away.
Then write commands as a Kafka producer and call the API as HTTP clients, for payments and for wallets, and once for a
mandate, a dispute, a payment link and a QR code, wait until every payment has come to the end that its story has and every
wallet holds what its story has, report, and run fsck. Exit status 1 if anything is wrong.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Progress, o.Report = a.errOut, a.out
			problems, err := demo.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			if problems > 0 {
				fmt.Fprintf(a.errOut, "weir: demo: %d problems, listed under Checks\n", problems)
				return errProblems
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&o.Payments, "payments", o.Payments, "how many payments; for every sixteen of them one more customer moves a wallet")
	flags.Uint64Var(&o.Seed, "seed", o.Seed, "the same seed gives the same payments")
	flags.StringSliceVar(&o.Brokers, "brokers", nil, "Kafka brokers; without them an embedded one")
	flags.StringVar(&o.Database, "database-url", "", "postgres:// URL; without it an embedded database")
	return cmd
}
