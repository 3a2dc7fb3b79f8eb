package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/periods"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/statement"
	"github.com/weirhq/weir/ledger/store"
	"github.com/weirhq/weir/topics"
)

func newClosePeriodCommand(a *app) *cobra.Command {
	request := topics.PeriodClose{}
	var within time.Duration
	cmd := &cobra.Command{
		Use:   "close-period",
		Short: "Close a month of a tenant, and all before it, and print its trial balance",
		Long: `close-period freezes a month: nothing that is booked later counts in it. What took place in it and comes late keeps its
effective time and counts in the first open month. Income and expenses are carried to retained earnings by an entry of the
month in each partition, and the trial balance before that entry is published to ledger.periods.v1 and printed.

It needs a running engine. A closed month stays closed.`,
		Example: "  weir ledger close-period --tenant acme --month 2026-10 --requested-by ana --approved-by bo",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkClose(&request); err != nil {
				return err
			}
			return a.withBooks(cmd, request.Tenant, func(ctx context.Context, options []kgo.Opt) error {
				ctx, cancel := context.WithTimeout(ctx, within)
				defer cancel()
				closed, err := periods.Close(ctx, options, request)
				if err != nil {
					return err
				}
				return printClosed(a.out, closed)
			})
		},
	}
	a.addConfigFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&request.Tenant, "tenant", "", "whose month")
	flags.StringVar(&request.Month, "month", "", "the month, in UTC, such as 2026-10")
	flags.StringVar(&request.RequestedBy, "requested-by", "", "who asks for it")
	flags.StringVar(&request.ApprovedBy, "approved-by", "", "who approves it; another person")
	flags.DurationVar(&within, "within", 30*time.Second, "how long to wait for all partitions")
	return cmd
}

// withBooks calls f with the options of a client of the configured cluster, where the tenant has accounts.
func (a *app) withBooks(cmd *cobra.Command, tenant string, f func(context.Context, []kgo.Opt) error) error {
	return a.withDatabase(cmd, func(ctx context.Context, db *database.DB, c *config.Config, log *slog.Logger) error {
		known, err := store.HasAccounts(ctx, db.Pool, tenant)
		if err == nil && !known {
			err = fmt.Errorf("%w: --tenant: %q has no accounts", errConfiguration, tenant)
		}
		if err != nil {
			return err
		}
		return a.withBroker(c, log, func(options []kgo.Opt) error { return f(ctx, options) })
	})
}

func newPeriodsCommand(a *app) *cobra.Command {
	var tenant, month string
	cmd := &cobra.Command{
		Use:   "periods",
		Short: "List the months of a tenant that are closed, or print the trial balance of one",
		Example: "  weir ledger periods --tenant acme\n" +
			"  weir ledger periods --tenant acme --month 2026-10",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if month != "" {
				if _, err := ledger.ParseMonth(month); err != nil {
					return fmt.Errorf("%w: --month: %w", errConfiguration, err)
				}
			}
			return a.withBooks(cmd, tenant, func(ctx context.Context, options []kgo.Opt) error {
				closed, err := periods.Read(ctx, options, tenant)
				if err != nil {
					return err
				}
				if month == "" {
					return listPeriods(a.out, closed)
				}
				closed = slices.DeleteFunc(closed, func(c topics.PeriodClosed) bool { return c.Month != month })
				if len(closed) == 0 {
					return fmt.Errorf("%s of %s was not closed; a month that was closed with a later one has no trial balance of its own", month, tenant)
				}
				return printClosed(a.out, closed)
			})
		},
	}
	a.addConfigFlags(cmd)
	cmd.Flags().StringVar(&tenant, "tenant", "", "whose months")
	cmd.Flags().StringVar(&month, "month", "", "the month, in UTC, such as 2026-10; without it all are listed")
	return cmd
}

func listPeriods(out io.Writer, closed []topics.PeriodClosed) error {
	slices.SortStableFunc(closed, func(a, b topics.PeriodClosed) int { return cmp.Compare(a.Month, b.Month) })
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MONTH\tPARTITIONS\tCLOSED\tREQUESTED BY\tAPPROVED BY")
	for start := 0; start < len(closed); {
		end := start
		for end < len(closed) && closed[end].Month == closed[start].Month {
			end++
		}
		first := &closed[start]
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\n", first.Month, end-start, first.At.Format(time.RFC3339), first.RequestedBy, first.ApprovedBy)
		start = end
	}
	return w.Flush()
}

// checkClose refuses what the fold would refuse in every partition, and names the request.
func checkClose(r *topics.PeriodClose) error {
	month, err := ledger.ParseMonth(r.Month)
	switch {
	case r.Tenant == "":
		return fmt.Errorf("%w: --tenant: want the tenant whose month is closed", errConfiguration)
	case err != nil:
		return fmt.Errorf("%w: --month: %w", errConfiguration, err)
	case time.Now().Before(month.End()):
		return fmt.Errorf("%w: --month: %s ends at %s", errConfiguration, month, month.End().Format(time.RFC3339))
	case topics.SamePerson(r.RequestedBy, r.ApprovedBy) || topics.MixedScripts(r.RequestedBy) || topics.MixedScripts(r.ApprovedBy):
		return fmt.Errorf("%w: --requested-by and --approved-by: want two different people, whose names do not look alike and are each of one script", errConfiguration)
	}
	id, err := uuid.NewV7()
	r.CommandID = id.String()
	return err
}

// printClosed prints the trial balance of all partitions, or why the month was not closed.
func printClosed(out io.Writer, closed []topics.PeriodClosed) error {
	var refused error
	for _, c := range closed {
		if c.Refusal != "" {
			partition, _, _ := strings.Cut(c.EventID, "-")
			refused = errors.Join(refused, fmt.Errorf("partition %s: %s: %s", partition, c.Refusal, c.Detail))
		}
	}
	if refused != nil {
		return fmt.Errorf("%w\nweir ledger periods shows what is closed", refused)
	}
	lines, err := trialOf(closed)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s of %s is closed in %d partitions. Its trial balance:\n\n", closed[0].Month, closed[0].Tenant, len(closed))
	v, err := statement.ViewTrial(lines, time.Time{}, nil, true)
	if err != nil {
		return err
	}
	return printTrialBalance(out, &v)
}

// trialOf adds the partitions up, by currency and code.
func trialOf(closed []topics.PeriodClosed) ([]store.TrialLine, error) {
	sums := map[store.CodeIn]store.TrialLine{}
	for _, c := range closed {
		for _, line := range c.Lines {
			of := store.CodeIn{Code: ledger.AccountCode(line.Code), Currency: ledger.Currency(line.Currency)}
			sum, err := ledger.AddMinor(sums[of].Minor, line.Amount)
			if err != nil {
				return nil, fmt.Errorf("%s in %s: %w", line.Code, line.Currency, err)
			}
			sums[of] = store.TrialLine{Tenant: c.Tenant, Currency: of.Currency, Code: of.Code, Accounts: sums[of].Accounts + 1, Minor: sum}
		}
	}
	return slices.SortedFunc(maps.Values(sums), func(a, b store.TrialLine) int {
		return cmp.Or(cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.Code, b.Code))
	}), nil
}
