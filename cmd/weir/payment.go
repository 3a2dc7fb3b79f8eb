package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments"
	"github.com/weirhq/weir/topics"
)

func newPaymentCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "payment <id>",
		Short: "Print the life of a payment",
		Long:  `Print every event that changed a payment, one to a line: when, what, the status and the amount after it, and why.`,
		Args:  one("payment, by its id: weir payment pay_0003_019ac1b2f5a87c3e9d10aa5be2c17f44"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := topics.ParsePaymentID(args[0]); err != nil {
				return usageError{err}
			}
			return a.withDatabase(cmd, func(ctx context.Context, db *database.DB, _ *config.Config, _ *slog.Logger) error {
				table := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
				fmt.Fprintln(table, "TIME\tEVENT\tSTATUS\tAMOUNT\tDETAIL")
				err := payments.History(ctx, db.Pool, args[0], func(e *topics.PaymentEvent) error {
					_, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", e.At.UTC().Format(time.RFC3339Nano), e.Type, e.Status,
						amountOf(e), detailOf(e))
					return err
				})
				if err != nil {
					return err
				}
				return table.Flush()
			})
		},
	}
	a.addConfigFlags(cmd)
	return cmd
}

func amountOf(e *topics.PaymentEvent) string {
	if e.Amount == 0 {
		return ""
	}
	return ledger.Money{Minor: e.Amount, Currency: ledger.Currency(e.Currency)}.String()
}

// detailOf is what else a person wants to know of an event.
func detailOf(e *topics.PaymentEvent) string {
	var parts []string
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+" "+value)
		}
	}
	add("outcome", string(e.Outcome))
	add("reasons", strings.Join(e.Reasons, ","))
	add("case", string(e.Refusal))
	if r := e.Request; r != nil {
		add("at", r.PSP)
		add("route", r.Route)
	}
	if p := e.PSP; p != nil {
		add("psp", p.PSPReference)
		add("by", string(p.Source))
		add("code", p.DeclineCode)
		add("category", p.DeclineCategory)
		if p.Fee != 0 {
			add("fee", ledger.Money{Minor: p.Fee, Currency: ledger.Currency(e.Currency)}.String())
		}
	}
	switch r := e.Retry; {
	case r != nil:
		parts = append(parts, fmt.Sprintf("asked for again at %s, %d attempts left until %s", r.At.UTC().Format(time.RFC3339), r.Left, r.Until.UTC().Format(time.RFC3339)))
	case e.Type == topics.EventQueued:
		add("waits for a PSP until", e.ExpiresAt.UTC().Format(time.RFC3339))
	}
	add("command", e.CommandID)
	if e.Detail != "" {
		parts = append(parts, e.Detail)
	}
	return strings.Join(parts, ", ")
}
