package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/spf13/cobra"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

func newLinksCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "links",
		Short: "Look at payment links",
		Args:  noCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newLinksShowCommand(a))
	return cmd
}

func newLinksShowCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show <id>",
		Short: "Print where a payment link stands, and its life",
		Long: `Print how many uses of a payment link are taken, and every event that changed it, one to a line: when, what, the status and
the uses after it, and the payment. The address of its page is not told: nobody stores its secret.`,
		Args: one("payment link, by its id: weir links show lnk_0003_6f1ac1b2f5a87c3e9d10aa5be2c17f44"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := topics.ParseLinkID(args[0])
			if err != nil {
				return usageError{err}
			}
			return a.withDatabase(cmd, func(ctx context.Context, db *database.DB, _ *config.Config, _ *slog.Logger) error {
				log, err := view.NewEventLog(db.Pool)
				if err != nil {
					return err
				}
				events, err := log.Link(ctx, "", id, uuid.Nil)
				if err != nil {
					return err
				}
				if len(events) == 0 {
					return fmt.Errorf("payment link %s: there is none", id)
				}
				return showLink(a.out, events)
			})
		},
	}
	a.addConfigFlags(cmd)
	return cmd
}

// showLink prints all events that a payment link has had.
func showLink(out io.Writer, events []topics.LinkEvent) error {
	l, err := view.FoldLink(events, events[len(events)-1].EventID)
	if err != nil {
		return err
	}
	for _, line := range [...][2]string{
		{"link", l.ID}, {"tenant", l.Tenant}, {"customer", l.CustomerID}, {"amount", minor(l.Amount, l.Currency)}, {"for", l.Description},
		{"until", l.ExpiresAt.UTC().Format(time.RFC3339)}, {"status", string(l.Status)},
		{"uses", fmt.Sprintf("%d reserved and %d captured of %d", l.Uses.Reserved, l.Uses.Captured, l.MaxUses)},
		{"made by", l.RequestedBy}, {"reason", l.Reason},
	} {
		if line[1] != "" {
			fmt.Fprintf(out, "%-8s  %s\n", line[0], line[1])
		}
	}
	showInvoice(out, l)
	fmt.Fprintln(out)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TIME\tEVENT\tSTATUS\tRESERVED\tCAPTURED\tDETAIL")
	for i := range events {
		e := &events[i]
		detail := e.PaymentID
		if e.Refusal != "" {
			detail += ", case " + string(e.Refusal)
		}
		if e.Late {
			detail += ", late"
		}
		if e.Detail != "" {
			detail += " " + e.Detail
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%s\n", e.At.UTC().Format(time.RFC3339Nano), e.Type, e.Status, e.Uses.Reserved, e.Uses.Captured, detail)
	}
	return table.Flush()
}

// showInvoice prints what a link bills.
func showInvoice(out io.Writer, l *view.Link) {
	if l.Invoice == nil {
		return
	}
	fmt.Fprintf(out, "%-8s  %s", "invoice", l.Invoice.Number)
	if due := l.Invoice.DueAt; !due.IsZero() {
		fmt.Fprintf(out, ", due %s", due.UTC().Format(time.RFC3339))
	}
	for i := range l.Invoice.Lines {
		line := &l.Invoice.Lines[i]
		fmt.Fprintf(out, "\n%-8s  %d × %s, tax %s: %s", "", line.Quantity, minor(line.UnitPrice, l.Currency), minor(line.Tax, l.Currency), line.Description)
	}
	fmt.Fprintln(out)
}
