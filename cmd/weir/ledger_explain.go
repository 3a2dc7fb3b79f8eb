package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/statement"
)

func newExplainCommand(a *app) *cobra.Command {
	var f ledgerFlags
	var from, to string
	cmd := &cobra.Command{
		Use:   "explain CUSTOMER|CODE",
		Short: "Say why an account's balance is what it is",
		Long: `explain prints what an account held at the beginning of a period, what moved it by kind of movement, and what it held at
the end, with the open holds of its customer and the largest movements. Without --to the end is now, and the result is
compared with what the ledger itself says; where the statements lag, it says by how much.

Kinds of movement are described in docs/posting-templates.md. A date of --to means its end, in UTC.`,
		Example: "  weir ledger explain cus_42 --from 2026-01-01\n  weir ledger explain psp_receivable --from 2026-01-01 --to 2026-01-31",
		Args:    one(fmt.Sprintf(whose, "explain")),
		RunE: func(cmd *cobra.Command, args []string) error {
			q := statement.Query{From: time.Unix(0, 0).UTC()}
			if err := readRange(from, to, &q); err != nil {
				return err
			}
			return f.withLedger(a, cmd, func(ctx context.Context, db *database.DB) error {
				account, err := f.account(ctx, db, args[0])
				if err != nil {
					return err
				}
				x, err := statement.Explain(ctx, db, account, q.From, q.To)
				if err != nil {
					return err
				}
				if f.json {
					return printJSON(a.out, x.View())
				}
				return printExplanation(a.out, f.tenant, x.View())
			})
		},
	}
	f.add(a, cmd)
	f.addCode(cmd)
	cmd.Flags().StringVar(&from, "from", "", "first date or time (RFC 3339); without it from the beginning")
	cmd.Flags().StringVar(&to, "to", "", "last date or time; without it now")
	return cmd
}

func printExplanation(out io.Writer, tenant string, v statement.ExplanationView) error {
	currency := ledger.Currency(v.Account.Currency)
	row := func(movement, count, debit, credit, change string) {
		fmt.Fprintln(out, strings.TrimRight(fmt.Sprintf("%-26s %9s %17s %17s %17s", movement, count, debit, credit, change), " "))
	}
	fmt.Fprintln(out, title(v.Account, tenant))
	fmt.Fprintf(out, "from %s to %s\n\n", beginning(v.From), ending(v.To))
	row("movement", "count", "debit", "credit", "balance")
	row("opening balance", "", "", "", number(v.Opening, currency))
	sum := v.Opening
	for _, m := range v.Movements {
		row(m.Template, strconv.FormatInt(m.Count, 10), nonzero(m.Debit, currency), nonzero(m.Credit, currency), signed(m.Net, currency))
		sum += m.Net
	}
	row("closing balance", "", "", "", number(v.Closing, currency))
	if sum != v.Closing {
		fmt.Fprintf(out, "\nNOT EXPLAINED: opening balance and movements come to %s; run weir fsck\n", number(sum, currency))
	}
	printAgainstLedger(out, v, currency)
	printHolds(out, v.OpenHolds, currency)
	printLargest(out, v.Largest, currency)
	printProjection(out, v.Projection)
	if sum != v.Closing {
		return errProblems
	}
	return nil
}

func beginning(t time.Time) string {
	if t.Unix() == 0 {
		return "the beginning"
	}
	return t.Format(time.RFC3339Nano)
}

func ending(t *time.Time) string {
	if t == nil {
		return "now"
	}
	return t.Format(time.RFC3339Nano)
}

func printAgainstLedger(out io.Writer, v statement.ExplanationView, currency ledger.Currency) {
	switch {
	case v.Balance == nil:
	case *v.Missing == 0:
		fmt.Fprintf(out, "\nThe ledger holds the same: %s.\n", number(*v.Balance, currency))
	default:
		fmt.Fprintf(out, "\nThe ledger holds %s: %s moved in records that the statements have not seen yet.\n", number(*v.Balance, currency), signed(*v.Missing, currency))
	}
}

func printHolds(out io.Writer, holds []statement.HoldView, currency ledger.Currency) {
	if len(holds) == 0 {
		return
	}
	fmt.Fprintln(out, "\nopen holds of the customer, on the account customer_hold")
	for _, h := range holds {
		expires := "never expires"
		if h.ExpiresAt != nil {
			expires = "expires " + stamp(h.ExpiresAt)
		}
		fmt.Fprintf(out, "%-36s %17s  %s\n", h.HoldID, number(h.Remaining, currency), expires)
	}
}

func printLargest(out io.Writer, lines []statement.LineView, currency ledger.Currency) {
	if len(lines) > 0 {
		fmt.Fprintln(out, "\nlargest movements")
	}
	for _, l := range lines {
		fmt.Fprintln(out, strings.TrimRight(fmt.Sprintf("%-23s  %-22s  %-14s %15s %15s  %s", stamp(&l.BookedAt), l.Template, l.EntryID, nonzero(l.Debit, currency), nonzero(l.Credit, currency), about(&l)), " "))
	}
	fmt.Fprintln(out)
}

// signed is a change of a balance.
func signed(minor int64, currency ledger.Currency) string {
	if minor > 0 {
		return "+" + number(minor, currency)
	}
	return number(minor, currency)
}
