package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/store"
	"github.com/weirhq/weir/topics"
)

func newLedgerCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ledger",
		Short: "Look at the books: the trial balance and single entries",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTrialBalanceCommand(a), newEntryCommand(a), newClosePeriodCommand(a))
	return cmd
}

func newTrialBalanceCommand(a *app) *cobra.Command {
	var tenant string
	cmd := &cobra.Command{
		Use:   "trial-balance",
		Short: "Sum all accounts by tenant, currency and code; debits must equal credits",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withDatabase(cmd, func(ctx context.Context, db *database.DB, _ *config.Config, _ *slog.Logger) error {
				lines, err := store.TrialBalance(ctx, db.Pool, tenant)
				if err != nil {
					return err
				}
				return printTrialBalance(a.out, lines)
			})
		},
	}
	a.addConfigFlags(cmd)
	cmd.Flags().StringVar(&tenant, "tenant", "", "only this tenant")
	return cmd
}

// printTrialBalance prints a table for each tenant and currency, each balance on the normal side of its account.
func printTrialBalance(out io.Writer, lines []store.TrialLine) error {
	if len(lines) == 0 {
		_, err := fmt.Fprintln(out, "no accounts")
		return err
	}
	balanced := true
	for start := 0; start < len(lines); {
		end := start
		for end < len(lines) && lines[end].Tenant == lines[start].Tenant && lines[end].Currency == lines[start].Currency {
			end++
		}
		ok, err := printTrialTable(out, lines[start:end])
		if err != nil {
			return err
		}
		balanced = balanced && ok
		start = end
	}
	if !balanced {
		return errProblems
	}
	return nil
}

func printTrialTable(out io.Writer, lines []store.TrialLine) (balanced bool, err error) {
	currency := lines[0].Currency
	row := func(account string, rows any, debit, credit string) {
		fmt.Fprintln(out, strings.TrimRight(fmt.Sprintf("%-18s %8v %20s %20s", account, rows, debit, credit), " "))
	}
	fmt.Fprintf(out, "%s %s\n", lines[0].Tenant, currency)
	row("account", "rows", "debit", "credit")
	var debits, credits int64
	for _, line := range lines {
		chart, ok := line.Code.Line()
		if !ok {
			return false, fmt.Errorf("account code %q is not in the chart of accounts; weir fsck says more", line.Code)
		}
		if chart.Class.Normal() == ledger.Debit {
			debits, err = ledger.AddMinor(debits, line.Minor)
			row(string(line.Code), line.Accounts, number(line.Minor, currency), "")
		} else {
			credits, err = ledger.SubMinor(credits, line.Minor)
			row(string(line.Code), line.Accounts, "", number(-line.Minor, currency))
		}
		if err != nil {
			return false, fmt.Errorf("sum of %s %s: %w", line.Tenant, currency, err)
		}
	}
	row("sum", "", number(debits, currency), number(credits, currency))
	verdict := "balanced\n"
	if debits != credits {
		verdict = "NOT BALANCED: run weir fsck\n"
	}
	_, err = fmt.Fprintln(out, verdict)
	return debits == credits, err
}

// number is an amount without its currency.
func number(minor int64, currency ledger.Currency) string {
	text, _, _ := strings.Cut(ledger.Money{Minor: minor, Currency: currency}.String(), " ")
	return text
}

func newEntryCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "entry ID",
		Short: "Print one entry, by partition-position-index as it stands in ledger.entries.v1",
		Args:  one("entry, by its id: weir ledger entry 3-1204-0"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := topics.ParseEventID(args[0])
			if err != nil {
				return err
			}
			return a.withDatabase(cmd, func(ctx context.Context, db *database.DB, _ *config.Config, _ *slog.Logger) error {
				e, err := store.Entry(ctx, db.Pool, ledger.EntryID(id))
				if errors.Is(err, store.ErrNoEntry) {
					return fmt.Errorf("entry %s: there is none", id)
				}
				if err != nil {
					return err
				}
				return printEntry(a.out, &e)
			})
		},
	}
	a.addConfigFlags(cmd)
	return cmd
}

func printEntry(out io.Writer, e *ledger.Entry) error {
	payment := e.PaymentID
	if payment == "" {
		payment = "none"
	}
	fmt.Fprintf(out, "entry %s  %s\nbooked %s\npayment %s\ntenant %s\n", e.ID, e.Template, e.At.Format(time.RFC3339Nano), payment,
		e.Postings[0].Account.Tenant)
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
