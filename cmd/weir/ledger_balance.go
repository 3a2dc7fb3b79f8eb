package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/statement"
)

const whose = "customer, or the code of a system account: weir ledger %s cus_42"

func newBalanceCommand(a *app) *cobra.Command {
	var f ledgerFlags
	var asOf string
	cmd := &cobra.Command{
		Use:   "balance CUSTOMER|CODE",
		Short: "Print what a customer's accounts, or a system account, hold: now or as of a time",
		Long: `balance prints each account of a customer, or a system account in each currency, on its normal side.

Without --as-of the figures are those of the ledger itself. With it they come from the statements, which may lag; the last
line says whether they do. A date means its end, in UTC.`,
		Example: "  weir ledger balance cus_42\n  weir ledger balance psp_receivable --as-of 2026-01-31",
		Args:    one(fmt.Sprintf(whose, "balance")),
		RunE: func(cmd *cobra.Command, args []string) error {
			var before time.Time
			if asOf != "" {
				var err error
				if before, err = statement.ParseAsOf(asOf); err != nil {
					return usageError{fmt.Errorf("flag --as-of: %w", err)}
				}
			}
			return f.withLedger(a, cmd, func(ctx context.Context, db *database.DB) error {
				accounts, err := f.accounts(ctx, db, args[0])
				if err != nil {
					return err
				}
				views := make([]statement.BalanceView, len(accounts))
				for i, account := range accounts {
					balance, err := balanceOf(ctx, db, account, before)
					if err != nil {
						return err
					}
					views[i] = balance.View(before)
				}
				if f.json {
					return printJSON(a.out, views)
				}
				return printBalances(a.out, f.tenant, args[0], views)
			})
		},
	}
	f.add(a, cmd)
	cmd.Flags().StringVar(&asOf, "as-of", "", "date or time (RFC 3339); without it now")
	return cmd
}

func balanceOf(ctx context.Context, db *database.DB, account ledger.Account, before time.Time) (statement.Balance, error) {
	if before.IsZero() {
		return statement.Now(ctx, db, account)
	}
	return statement.AsOf(ctx, db, account, before)
}

func printBalances(out io.Writer, tenant, who string, views []statement.BalanceView) error {
	when := "now"
	if asOf := views[0].AsOf; asOf != nil {
		when = asOf.Format(time.RFC3339Nano)
	}
	fmt.Fprintf(out, "%s %s as of %s\n", tenant, who, when)
	fmt.Fprintf(out, "%-18s %-8s %20s  %s\n", "account", "currency", "balance", "normal side")
	for _, v := range views {
		balance := number(v.Balance, ledger.Currency(v.Account.Currency))
		fmt.Fprintf(out, "%-18s %-8s %20s  %s\n", v.Account.Code, v.Account.Currency, balance, v.Account.NormalSide)
	}
	if views[0].AsOf != nil {
		printProjection(out, worst(views))
	}
	return nil
}

// worst is the projection that lags most: those of a customer's accounts are the same but for accounts that came later.
func worst(views []statement.BalanceView) statement.ProjectionView {
	p := views[0].Projection
	for _, v := range views[1:] {
		if v.Projection.Lag > p.Lag || !v.Projection.Complete && p.Complete {
			p = v.Projection
		}
	}
	return p
}
