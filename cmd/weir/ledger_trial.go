package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/statement"
)

func newTrialBalanceCommand(a *app) *cobra.Command {
	var tenant, currency, asOf string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "trial-balance",
		Short: "Sum all accounts by tenant, currency and code; debits must equal credits",
		Long: `trial-balance sums all accounts by tenant, currency and code, each sum on the side on which it stands.

Without --as-of the figures are those of the ledger itself. With it they come from the statements, which may lag; the last
line says whether they do. A date means its end, in UTC.`,
		Example: "  weir ledger trial-balance\n  weir ledger trial-balance --tenant acme --currency EUR --as-of 2026-01-31",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var before time.Time
			if asOf != "" {
				var err error
				if before, err = statement.ParseAsOf(asOf); err != nil {
					return usageError{fmt.Errorf("flag --as-of: %w", err)}
				}
			}
			return a.withDatabase(cmd, func(ctx context.Context, db *database.DB, _ *config.Config, _ *slog.Logger) error {
				v, err := statement.ReadTrial(ctx, db, tenant, ledger.Currency(currency), before)
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(a.out, v)
				}
				return printTrialBalance(a.out, &v)
			})
		},
	}
	a.addConfigFlags(cmd)
	cmd.Flags().StringVar(&tenant, "tenant", "", "only this tenant")
	cmd.Flags().StringVar(&currency, "currency", "", "only this currency")
	cmd.Flags().StringVar(&asOf, "as-of", "", "date or time (RFC 3339); without it now")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, as the HTTP API answers it")
	return cmd
}

// printTrialBalance prints a table for each tenant and currency, each sum on the side on which it stands.
func printTrialBalance(out io.Writer, v *statement.TrialView) error {
	if len(v.Tables) == 0 {
		fmt.Fprintln(out, "no accounts")
	}
	balanced := true
	for i := range v.Tables {
		printTrialTable(out, &v.Tables[i], v.AsOf)
		balanced = balanced && v.Tables[i].Balanced
	}
	if v.Projection != nil {
		printProjection(out, *v.Projection)
	}
	if !balanced {
		return errProblems
	}
	return nil
}

func printTrialTable(out io.Writer, table *statement.TrialTable, asOf *time.Time) {
	currency := ledger.Currency(table.Currency)
	row := func(account string, rows any, debit, credit string) {
		fmt.Fprintln(out, strings.TrimRight(fmt.Sprintf("%-18s %8v %20s %20s", account, rows, debit, credit), " "))
	}
	heading := table.Tenant + " " + table.Currency
	if asOf != nil {
		heading += " as of " + asOf.Format(time.RFC3339Nano)
	}
	fmt.Fprintln(out, heading)
	row("account", "rows", "debit", "credit")
	for _, l := range table.Lines {
		debit, credit := "", ""
		if l.Debit != nil {
			debit = number(*l.Debit, currency)
		} else {
			credit = number(*l.Credit, currency)
		}
		row(l.Code, l.Rows, debit, credit)
	}
	row("sum", "", number(table.Debit, currency), number(table.Credit, currency))
	verdict := "balanced\n"
	if !table.Balanced {
		verdict = "NOT BALANCED: run weir fsck\n"
	}
	fmt.Fprintln(out, verdict)
}

// number is an amount without its currency.
func number(minor int64, currency ledger.Currency) string {
	text, _, _ := strings.Cut(ledger.Money{Minor: minor, Currency: currency}.String(), " ")
	return text
}
