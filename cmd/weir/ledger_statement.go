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
it prints below the page goes on from there, in either direction. A page that others precede or follow says brought forward
and carried forward instead of opening and closing balance.

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
				return usageError{fmt.Errorf("flag --limit: want 1 to %d", statement.MaxLines)}
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
				return printStatement(a.out, f.tenant, page, &q)
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
			return usageError{fmt.Errorf("flag --from: %w", err)}
		}
	}
	if to != "" {
		if q.To, err = statement.ParseAsOf(to); err != nil {
			return usageError{fmt.Errorf("flag --to: %w", err)}
		}
		if !q.From.Before(q.To) {
			return usageError{fmt.Errorf("flag --to: %s is before --from", to)}
		}
	}
	return nil
}

func readCursors(after, before string) (a, b statement.Cursor, err error) {
	if after != "" && before != "" {
		return nil, nil, usageError{errors.New("want one of --after and --before")}
	}
	if after != "" {
		if a, err = statement.ParseCursor(after); err != nil {
			return nil, nil, usageError{fmt.Errorf("flag --after: %w", err)}
		}
	}
	if before != "" {
		if b, err = statement.ParseCursor(before); err != nil {
			return nil, nil, usageError{fmt.Errorf("flag --before: %w", err)}
		}
	}
	return a, b, nil
}

// printStatement prints a page. What it begins and ends with is brought forward or carried forward where more lines of the
// range that was asked for are, or were, on another page.
func printStatement(out io.Writer, tenant string, page *statement.Page, q *statement.Query) error {
	v := page.View()
	currency := ledger.Currency(v.Account.Currency)
	first, last := "opening balance", "closing balance"
	if q.After != nil || page.Backwards && v.More {
		first = "brought forward"
	}
	if q.Before != nil || !page.Backwards && v.More {
		last = "carried forward"
	}
	row := func(booked, effective, movement, entry, debit, credit, balance, about string) {
		fmt.Fprintln(out, strings.TrimRight(fmt.Sprintf("%-23s  %-23s  %-22s  %-14s %15s %15s %17s  %s", booked, effective, movement, entry, debit, credit, balance, about), " "))
	}
	fmt.Fprintln(out, title(v.Account, tenant))
	row("booked", "effective", "movement", "entry", "debit", "credit", "balance", "payment, reference")
	row("", "", first, "", "", "", number(v.Opening, currency), "")
	for _, l := range v.Lines {
		row(stamp(&l.BookedAt), stamp(l.EffectiveAt), l.Template, l.EntryID, nonzero(l.Debit, currency), nonzero(l.Credit, currency), number(*l.Balance, currency), about(&l))
	}
	row("", "", last, "", "", "", number(v.Closing, currency), "")
	if page.Backwards && v.More {
		fmt.Fprintf(out, "earlier lines: --before %s\n", v.StartCursor)
	}
	if !page.Backwards && v.More {
		fmt.Fprintf(out, "later lines: --after %s\n", v.EndCursor)
	}
	printProjection(out, v.Projection)
	return nil
}

// about is what a line belongs to.
func about(l *statement.LineView) string { return strings.TrimSpace(l.PaymentID + " " + l.Reference) }

// nonzero is an amount without its currency, "" for none.
func nonzero(minor int64, currency ledger.Currency) string {
	if minor == 0 {
		return ""
	}
	return number(minor, currency)
}
