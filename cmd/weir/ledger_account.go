package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/encoding/json"
	"github.com/spf13/cobra"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/statement"
)

// ledgerFlags say which accounts a command is about, and how it prints.
type ledgerFlags struct {
	tenant, code, currency string
	json                   bool
}

func (f *ledgerFlags) add(a *app, cmd *cobra.Command) {
	a.addConfigFlags(cmd)
	cmd.Flags().StringVar(&f.tenant, "tenant", "", "tenant of the account; without it that of the configured API keys, where there is one")
	cmd.Flags().StringVar(&f.currency, "currency", "", "only this currency")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON, as the HTTP API answers it")
}

// addCode adds the flag for commands about one account of a customer.
func (f *ledgerFlags) addCode(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.code, "code", string(ledger.CustomerWallet), "code of the customer's account")
}

// withLedger calls do with the database, once the tenant is known.
func (f *ledgerFlags) withLedger(a *app, cmd *cobra.Command, do func(context.Context, *database.DB) error) error {
	return a.withDatabase(cmd, func(ctx context.Context, db *database.DB, c *config.Config, _ *slog.Logger) error {
		if f.tenant == "" {
			var tenants []string
			for _, key := range c.API.Keys {
				tenants = append(tenants, key.Tenant)
			}
			slices.Sort(tenants)
			if tenants = slices.Compact(tenants); len(tenants) != 1 {
				return usageError{errors.New("pass --tenant: the configured API keys do not name exactly one")}
			}
			f.tenant = tenants[0]
		}
		return do(ctx, db)
	})
}

// accounts finds the accounts of a customer, or those of a system account's code, that something was booked on.
func (f *ledgerFlags) accounts(ctx context.Context, db *database.DB, who string) ([]ledger.Account, error) {
	currencies := ledger.Currencies()
	if f.currency != "" {
		if _, ok := ledger.Currency(f.currency).Exponent(); !ok {
			return nil, usageError{fmt.Errorf("flag --currency: %q is not an ISO 4217 currency, such as EUR", f.currency)}
		}
		currencies = []ledger.Currency{ledger.Currency(f.currency)}
	}
	owner, lines := who, ledger.Chart()
	if line, ok := ledger.AccountCode(who).Line(); ok {
		if line.Holder == ledger.HeldByCustomer {
			return nil, usageError{fmt.Errorf("each customer has a %s: name the customer", who)}
		}
		owner, lines = "", []ledger.ChartLine{line}
	}
	var candidates []ledger.Account
	for _, line := range lines {
		if (owner == "") != (line.Holder == ledger.HeldBySystem) || owner != "" && f.code != "" && string(line.Code) != f.code {
			continue
		}
		for _, currency := range currencies {
			candidates = append(candidates, ledger.Account{Tenant: f.tenant, Code: line.Code, Owner: owner, Currency: currency})
		}
	}
	if len(candidates) == 0 {
		return nil, usageError{fmt.Errorf("flag --code: %q is not the code of a customer's account", f.code)}
	}
	existing, err := statement.Existing(ctx, db, candidates)
	if err == nil && len(existing) == 0 {
		err = f.noAccount(who, owner != "")
	}
	return existing, err
}

// noAccount says what was looked for and not found.
func (f *ledgerFlags) noAccount(who string, customer bool) error {
	if !customer {
		return fmt.Errorf("%s %s: %w", f.tenant, who, statement.ErrNoAccount)
	}
	where := cmp.Or(f.code, "any account")
	if f.currency != "" {
		where += " in " + f.currency
	}
	return fmt.Errorf("%s %s: neither the code of a system account nor a customer with bookings on %s", f.tenant, who, where)
}

// account finds the one account that a command is about.
func (f *ledgerFlags) account(ctx context.Context, db *database.DB, who string) (ledger.Account, error) {
	found, err := f.accounts(ctx, db, who)
	if err != nil {
		return ledger.Account{}, err
	}
	if len(found) > 1 {
		var currencies []string
		for _, account := range found {
			currencies = append(currencies, string(account.Currency))
		}
		return ledger.Account{}, usageError{fmt.Errorf("%s has accounts in %s: pass --currency", who, strings.Join(currencies, ", "))}
	}
	return found[0], nil
}

// title names an account for people.
func title(a statement.AccountView, tenant string) string {
	if a.Owner == "" {
		return fmt.Sprintf("%s %s, %s (normal side: %s)", tenant, a.Code, a.Currency, a.NormalSide)
	}
	return fmt.Sprintf("%s %s of %s, %s (normal side: %s)", tenant, a.Code, a.Owner, a.Currency, a.NormalSide)
}

func printJSON(out io.Writer, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\n", text)
	return err
}

// printProjection says how far the statements are.
func printProjection(out io.Writer, p statement.ProjectionView) {
	var through time.Time
	rebuilding := false
	for _, position := range p.Positions {
		if position.Through != nil && position.Through.After(through) {
			through = *position.Through
		}
		rebuilding = rebuilding || position.Rebuilding
	}
	text := "statements: every booked record is in them"
	switch {
	case rebuilding:
		text = fmt.Sprintf("statements: being rebuilt, %d records to go", p.Lag)
	case p.Lag > 0:
		text = fmt.Sprintf("statements: %d records behind", p.Lag)
	}
	if !through.IsZero() {
		text += ", up to " + through.Format(time.RFC3339Nano)
	}
	if !p.Complete {
		text += "; figures above may change"
	}
	fmt.Fprintln(out, text)
}

// stamp is a time as tables show it.
func stamp(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05.000")
}
