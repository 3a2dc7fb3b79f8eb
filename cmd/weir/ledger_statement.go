package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/statement"
)

func newStatementCommand(a *app) *cobra.Command {
	var f ledgerFlags
	var from, to, after, before string
	q := statement.Query{}
	cmd := &cobra.Command{
		Use:   "statement CUSTOMER|CODE",
		Short: "Print the movements of one account with the balance after each",
		Long: `statement prints a page of an account's movements, oldest first: the last ones, or those of a time from --from on. What
it prints below the page goes on from there, in either direction.

Amounts stand on the side on which they were posted, balances on the account's normal side. A date of --to means its end,
in UTC. The last line says how far the statements are.`,
		Example: "  weir ledger statement cus_42\n  weir ledger statement psp_fees --from 2026-01-01 --to 2026-01-31 --limit 200",
		Args:    one(fmt.Sprintf(whose, "statement")),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if err := readRange(from, to, &q); err != nil {
				return err
			}
			if q.After, q.Before, err = readCursors(after, before); err != nil {
				return err
			}
			if q.Limit < 1 || q.Limit > statement.MaxLines {
				return fmt.Errorf("flag --limit: want 1 to %d", statement.MaxLines)
			}
			return f.withLedger(a, cmd, func(ctx context.Context, db *database.DB) error {
				if q.Account, err = f.account(ctx, db, args[0]); err != nil {
					return err
				}
				page, err := statement.ReadPage(ctx, db, q)
				if err != nil {
					return err
				}
				if f.json {
					return printJSON(a.out, page.View())
				}
				return printStatement(a.out, f.tenant, page)
			})
		},
	}
	f.add(a, cmd)
	f.addCode(cmd)
	cmd.Flags().StringVar(&from, "from", "", "first date or time (RFC 3339)")
	cmd.Flags().StringVar(&to, "to", "", "last date or time")
	cmd.Flags().StringVar(&after, "after", "", "go on behind this place, as a page said")
	cmd.Flags().StringVar(&before, "before", "", "go back in front of this place, as a page said")
	cmd.Flags().IntVar(&q.Limit, "limit", 50, "lines of the page")
	return cmd
}

func readRange(from, to string, q *statement.Query) (err error) {
	if from != "" {
		if q.From, err = statement.ParseTime(from); err != nil {
			return fmt.Errorf("flag --from: %w", err)
		}
	}
	if to != "" {
		if q.To, err = statement.ParseAsOf(to); err != nil {
			return fmt.Errorf("flag --to: %w", err)
		}
	}
	return nil
}

func readCursors(after, before string) (a, b statement.Cursor, err error) {
	if after != "" && before != "" {
		return nil, nil, errors.New("want one of --after and --before")
	}
	if after != "" {
		if a, err = statement.ParseCursor(after); err != nil {
			return nil, nil, fmt.Errorf("flag --after: %w", err)
		}
	}
	if before != "" {
		if b, err = statement.ParseCursor(before); err != nil {
			return nil, nil, fmt.Errorf("flag --before: %w", err)
		}
	}
	return a, b, nil
}

func printStatement(out io.Writer, tenant string, page *statement.Page) error {
	v := page.View()
	currency := ledger.Currency(v.Account.Currency)
	row := func(booked, effective, movement, entry, debit, credit, balance string) {
		fmt.Fprintln(out, strings.TrimRight(fmt.Sprintf("%-23s  %-23s  %-22s  %-14s %15s %15s %17s", booked, effective, movement, entry, debit, credit, balance), " "))
	}
	fmt.Fprintln(out, title(v.Account, tenant))
	row("booked", "effective", "movement", "entry", "debit", "credit", "balance")
	row("", "", "opening balance", "", "", "", number(v.Opening, currency))
	for _, l := range v.Lines {
		row(stamp(&l.BookedAt), stamp(l.EffectiveAt), l.Template, l.EntryID, nonzero(l.Debit, currency), nonzero(l.Credit, currency), number(*l.Balance, currency))
	}
	row("", "", "closing balance", "", "", "", number(v.Closing, currency))
	if page.Backwards && v.More {
		fmt.Fprintf(out, "earlier lines: --before %s\n", v.StartCursor)
	}
	if !page.Backwards && v.More {
		fmt.Fprintf(out, "later lines: --after %s\n", v.EndCursor)
	}
	printProjection(out, v.Projection)
	return nil
}

// nonzero is an amount without its currency, "" for none.
func nonzero(minor int64, currency ledger.Currency) string {
	if minor == 0 {
		return ""
	}
	return number(minor, currency)
}
