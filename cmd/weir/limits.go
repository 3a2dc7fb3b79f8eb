package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

func newLimitsCommand(a *app) *cobra.Command {
	var tenant string
	cmd := &cobra.Command{
		Use:   "limits CUSTOMER",
		Short: "Print a customer's responsible-gaming limits, and what of them is used",
		Long: `limits prints what a customer may deposit, lose and play: the limits of the brand, as they were when the customer last
paid or played, and the customer's own. The strictest binds. A raise that waits stands under NEXT.`,
		Example: "  weir limits cus_42 --tenant acme",
		Args:    one("customer: weir limits cus_42 --tenant acme"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if tenant == "" {
				return usageError{fmt.Errorf("flag --tenant: is missing; say whose customer it is")}
			}
			return a.withDatabase(cmd, func(ctx context.Context, db *database.DB, c *config.Config, _ *slog.Logger) error {
				owner := view.Owner{Partition: topics.PartitionOf(tenant, args[0], c.Kafka.Partitions), Tenant: tenant, Customer: args[0]}
				limits, err := view.GetLimits(ctx, db.Pool, owner, time.Now())
				if err != nil {
					return err
				}
				return printLimits(a.out, &owner, limits)
			})
		},
	}
	a.addConfigFlags(cmd)
	cmd.Flags().StringVar(&tenant, "tenant", "", "the tenant whose customer it is")
	return cmd
}

func printLimits(out io.Writer, owner *view.Owner, limits *view.Limits) error {
	zone := limits.TimeZone
	if zone == "" {
		zone = "UTC"
	}
	fmt.Fprintf(out, "%s %s on %s (%s)\n", owner.Tenant, owner.Customer, limits.Day, zone)
	if limits.Unknown {
		fmt.Fprintf(out, "nothing is known of such a customer, who has neither paid, played nor set a limit; the first payment meets those of the brand: weir rules show --tenant %s\n", owner.Tenant)
		return nil
	}
	if len(limits.Lines) == 0 {
		fmt.Fprintln(out, "no limit binds the customer")
		return nil
	}
	return aligned(out, func(w io.Writer) {
		fmt.Fprintln(w, "KIND\tPERIOD\tSET BY\tLIMIT\tUSED\tLEFT\tNEXT")
		for i := range limits.Lines {
			l := &limits.Lines[i]
			limit, left, next := gamingAmount(&l.GamingLimit, l.Limit), gamingAmount(&l.GamingLimit, l.Left), ""
			if l.Limit == 0 && l.SetBy != topics.SetByBrand {
				limit, left = "none", ""
			}
			if l.Next != nil {
				if next = "none"; l.Next.Limit > 0 {
					next = gamingAmount(&l.GamingLimit, l.Next.Limit)
				}
				next += " from " + l.Next.From.UTC().Format(time.RFC3339)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.Kind, l.Period, l.SetBy, limit, gamingAmount(&l.GamingLimit, l.Used), left, next)
		}
	})
}

// gamingAmount is an amount or a time of a limit.
func gamingAmount(l *topics.GamingLimit, n int64) string {
	if l.Kind == topics.GamingSession {
		return (time.Duration(n) * time.Second).String()
	}
	return ledger.Money{Minor: n, Currency: ledger.Currency(l.Currency)}.String()
}

// printGamingLimit prints the limit that a decision was closest to, or above.
func printGamingLimit(out io.Writer, l *topics.GamingLimit) {
	if l == nil {
		return
	}
	said := "within it"
	if l.Outcome != "" {
		said = "above it: " + string(l.Outcome)
	}
	fmt.Fprintf(out, "\nresponsible gaming: the %s limit of a %s, set by the %s: %s used of %s, %s asked, %s\n", l.Kind, l.Period, l.SetBy,
		gamingAmount(l, l.Used), gamingAmount(l, l.Limit), gamingAmount(l, l.Asked), said)
}

// showGaming lists the limits of the brand, where there are any.
func showGaming(out io.Writer, limits []rules.GamingLimit) error {
	if len(limits) == 0 {
		return nil
	}
	fmt.Fprintln(out)
	return aligned(out, func(w io.Writer) {
		fmt.Fprintln(w, "LIMIT\tPERIOD\tAT MOST\tOUTCOME\tRAISE AFTER\tTENANTS/REGIONS\tFROM")
		for i := range limits {
			l := &limits[i]
			most, outcome := l.Default(), string(l.Outcome)
			switch {
			case !l.Enabled:
				most, outcome = "no limit", "-" // it only takes another away
			case most == "":
				most, outcome = "what customers set", string(topics.OutcomeBlock)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s:%d\n", l.Kind, l.Period, most, outcome, l.Raise(), l.Scope, l.File, l.Line)
		}
	})
}
