package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/statement"
	"github.com/weirhq/weir/ledger/store"
	"github.com/weirhq/weir/topics"
)

func newLedgerCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ledger",
		Short: "Look at the books: balances, statements, trial balances, entries and the proof that nothing was changed",
		Args:  noCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newBalanceCommand(a), newStatementCommand(a), newExplainCommand(a), newTrialBalanceCommand(a), newEntryCommand(a),
		newRebuildStatementsCommand(a), newClosePeriodCommand(a), newPeriodsCommand(a), newVerifyCommand(a), newKeygenCommand(a))
	return cmd
}

func newEntryCommand(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "entry ID",
		Short: "Print one entry, by partition-position-index as it stands in ledger.entries.v1",
		Args:  one("entry, by its id: weir ledger entry 3-1204-0"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := topics.ParseEventID(args[0])
			if err != nil {
				return usageError{err}
			}
			return a.withDatabase(cmd, func(ctx context.Context, db *database.DB, _ *config.Config, _ *slog.Logger) error {
				e, err := store.Entry(ctx, db.Pool, ledger.EntryID(id))
				if errors.Is(err, store.ErrNoEntry) {
					return fmt.Errorf("entry %s: there is none", id)
				}
				if err != nil {
					return err
				}
				v := statement.ViewEntry(&e)
				if v.Period, err = store.Period(ctx, db.Pool, &e); err != nil {
					return err
				}
				if asJSON {
					return printJSON(a.out, v)
				}
				return printEntry(a.out, &e, v.Period)
			})
		},
	}
	a.addConfigFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, as the HTTP API answers it")
	return cmd
}

func printEntry(out io.Writer, e *ledger.Entry, period string) error {
	payment := e.PaymentID
	if payment == "" {
		payment = "none"
	}
	fmt.Fprintf(out, "entry %s  %s\nbooked %s\n", e.ID, e.Template, e.At.Format(time.RFC3339Nano))
	if !e.Effective.IsZero() {
		fmt.Fprintf(out, "effective %s\n", e.Effective.Format(time.RFC3339Nano))
	}
	if period != "" {
		fmt.Fprintf(out, "period %s, the first that was open when it was booked\n", period)
	}
	if e.Reference != "" {
		fmt.Fprintf(out, "reference %s\n", e.Reference)
	}
	fmt.Fprintf(out, "payment %s\ntenant %s\n", payment, e.Postings[0].Account.Tenant)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "account\towner\tdebit\tcredit")
	for _, p := range e.Postings {
		debit, credit := "", ledger.Money{Minor: -p.Minor, Currency: p.Account.Currency}.String()
		if p.Minor > 0 {
			debit, credit = ledger.Money{Minor: p.Minor, Currency: p.Account.Currency}.String(), ""
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", p.Account.Code, p.Account.Owner, debit, credit)
	}
	return w.Flush()
}
