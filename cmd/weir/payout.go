package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/spf13/cobra"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

func newPayoutCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "payout",
		Short: "Look at payouts",
		Args:  noCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newPayoutShowCommand(a))
	return cmd
}

func newPayoutShowCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show <id>",
		Short: "Print where a payout stands, and its life",
		Long: `Print what a payout waits for and until when, and every event that changed it, one to a line: when, what, the status
and the amount after it, and why. What rules said of it is told by weir rules explain.`,
		Args: one("payout, by its id: weir payout show po_0003_6f1ac1b2f5a87c3e9d10aa5be2c17f44"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := topics.ParsePayoutID(args[0])
			if err != nil {
				return usageError{err}
			}
			return a.withDatabase(cmd, func(ctx context.Context, db *database.DB, _ *config.Config, _ *slog.Logger) error {
				log, err := view.NewEventLog(db.Pool)
				if err != nil {
					return err
				}
				events, err := log.Payout(ctx, "", id, uuid.Nil)
				if err != nil {
					return err
				}
				if len(events) == 0 {
					return fmt.Errorf("payout %s: there is none", id)
				}
				return showPayout(a.out, events)
			})
		},
	}
	a.addConfigFlags(cmd)
	return cmd
}

// showPayout prints all events that a payout has had.
func showPayout(out io.Writer, events []topics.PayoutEvent) error {
	p, err := view.FoldPayout(events, events[len(events)-1].EventID)
	if err != nil {
		return err
	}
	to := ""
	if d := p.Destination; d != nil {
		to = d.PSP
		if d.Card != nil && d.Card.Last4 != "" {
			to += ", card ending in " + d.Card.Last4
		}
		if !d.Deposited {
			to += ", with which nothing was deposited"
		}
	}
	for _, line := range [...][2]string{
		{"payout", p.ID}, {"tenant", p.Tenant}, {"customer", p.CustomerID}, {"amount", minor(p.Amount, p.Currency)}, {"to", to},
		{"status", string(p.Status) + ": " + p.Explanation}, {"reasons", strings.Join(p.Reasons, ", ")},
		{"asked by", p.RequestedBy}, {"approved", p.ApprovedBy},
	} {
		if line[1] != "" {
			fmt.Fprintf(out, "%-8s  %s\n", line[0], line[1])
		}
	}
	fmt.Fprintln(out)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TIME\tEVENT\tSTATUS\tAMOUNT\tDETAIL")
	for i := range events {
		e := &events[i]
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", e.At.UTC().Format(time.RFC3339Nano), e.Type, e.Status, minor(e.Amount, e.Currency), detailOfPayout(e))
	}
	return table.Flush()
}

func minor(amount int64, currency string) string {
	if amount == 0 {
		return ""
	}
	return ledger.Money{Minor: amount, Currency: ledger.Currency(currency)}.String()
}

// detailOfPayout is what else a person wants to know of an event.
func detailOfPayout(e *topics.PayoutEvent) string {
	var parts []string
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+" "+value)
		}
	}
	add("outcome", string(e.Outcome))
	add("reasons", strings.Join(e.Reasons, ","))
	add("case", string(e.Refusal))
	if p := e.PSP; p != nil {
		add("psp", p.PSPReference)
		add("by", string(p.Source))
		add("code", p.DeclineCode)
		if p.Fee != 0 {
			add("fee", minor(p.Fee, e.Currency))
		}
	}
	add("command", e.CommandID)
	add("asked by", e.RequestedBy)
	add("approved by", e.ApprovedBy)
	if e.Detail != "" {
		parts = append(parts, e.Detail)
	}
	return strings.Join(parts, ", ")
}
