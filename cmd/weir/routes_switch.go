package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/killswitch"
	"github.com/weirhq/weir/topics"
)

// everyPSP is how the command line names all PSPs at once.
const everyPSP = "all"

// withSwitches calls f with a desk for kill switches.
func (a *app) withSwitches(cmd *cobra.Command, f func(context.Context, *killswitch.Desk) error) error {
	return a.withKafka(cmd, func(ctx context.Context, kafka []kgo.Opt, c *config.Config, _ *slog.Logger) error {
		psps := slices.Sorted(maps.Keys(c.PSP))
		if len(psps) == 0 {
			fmt.Fprintln(a.errOut, "this configuration has no PSPs, so that names of PSPs are not checked")
		}
		desk, err := killswitch.Open(kafka, psps)
		if err != nil {
			return err
		}
		defer desk.Close()
		return f(ctx, desk)
	})
}

// newRoutesSwitchCommand turns a kill switch on (disable) or off (enable).
func newRoutesSwitchCommand(a *app, disable bool) *cobra.Command {
	control := topics.RouteControl{Disabled: disable}
	var lasts time.Duration
	cmd := &cobra.Command{
		Use:   "enable PSP --author NAME --reason TEXT",
		Short: "Ask a PSP again that was disabled",
		Long:  `Turn off the kill switch that weir routes disable turned on with the same --method, --country and --tenant.`,
		Args:  one("PSP, or all: weir routes enable acme --author ann --reason \"it is back\""),
		RunE: func(cmd *cobra.Command, args []string) error {
			if control.Scope.PSP = args[0]; args[0] == everyPSP {
				control.Scope.PSP = ""
			}
			return a.withSwitches(cmd, func(ctx context.Context, desk *killswitch.Desk) error {
				now := time.Now()
				if lasts != 0 {
					control.Until = now.Add(lasts).UTC().Truncate(time.Second)
				}
				changed, err := desk.Turn(ctx, control, now)
				if err != nil {
					return err
				}
				what := "is asked again"
				if disable {
					what = "is not asked for authorisations and payouts any more"
				}
				if !control.Until.IsZero() {
					what += ", until " + control.Until.Format(time.RFC3339)
				}
				if changed {
					what += ": in every process within a second"
				} else {
					what += ": it was so before, and there is nothing to do"
				}
				_, err = fmt.Fprintf(a.out, "%s %s\n", control.Scope, what)
				return err
			})
		},
	}
	if disable {
		cmd.Use, cmd.Short = "disable PSP --author NAME --reason TEXT", "Stop asking a PSP for authorisations and payouts, on all processes within a second"
		cmd.Long = `Turn on a kill switch: a PSP, or all of them, is not asked for authorisations and payouts any more, in every process
within a second. Payments that have another route take it; others wait for one where the routing file lets them, or are declined.
Payouts are queued. What follows an authorisation goes on: captures, voids, refunds, polls and challenges under way.

psp.controls.v1 keeps who turned which switch, when and why, for ever.`
		cmd.Args = one("PSP, or all: weir routes disable acme --author ann --reason \"timeouts\"")
		cmd.Flags().DurationVar(&lasts, "for", 0, "how long, such as 2h (default until it is enabled)")
	}
	cmd.Flags().StringVar(&control.Scope.Method, "method", "", "only payments of this method: card, bank_redirect, qr or crypto")
	cmd.Flags().StringVar(&control.Scope.Country, "country", "", "only cards of this country, such as DE")
	cmd.Flags().StringVar(&control.Scope.Tenant, "tenant", "", "only payments of this tenant")
	cmd.Flags().StringVar(&control.Author, "author", "", "who turns the switch")
	cmd.Flags().StringVar(&control.Reason, "reason", "", "why")
	a.addConfigFlags(cmd)
	return cmd
}

func newRoutesSwitchesCommand(a *app) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "switches",
		Short: "Show which PSPs are disabled, since when and why",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if all {
				return a.withKafka(cmd, func(ctx context.Context, kafka []kgo.Opt, _ *config.Config, _ *slog.Logger) error {
					history, err := killswitch.History(ctx, kafka)
					if err != nil {
						return err
					}
					return printSwitches(a.out, history)
				})
			}
			return a.withSwitches(cmd, func(ctx context.Context, desk *killswitch.Desk) error {
				on, err := desk.On(ctx, time.Now())
				if err != nil {
					return err
				}
				if len(on) == 0 {
					_, err := fmt.Fprintln(a.out, "no PSP is disabled")
					return err
				}
				return printSwitches(a.out, on)
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "every switch that was ever turned, the oldest first")
	a.addConfigFlags(cmd)
	return cmd
}

func printSwitches(out io.Writer, controls []topics.RouteControl) error {
	return aligned(out, func(w io.Writer) {
		fmt.Fprintln(w, "AT\tSWITCH\tWHAT\tUNTIL\tAUTHOR\tREASON")
		for _, c := range controls {
			turned, until := "enabled", ""
			if c.Disabled {
				turned, until = "disabled", expiry(c.Until)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", c.At.UTC().Format(time.RFC3339), turned, c.Scope, until, c.Author, c.Reason)
		}
	})
}
