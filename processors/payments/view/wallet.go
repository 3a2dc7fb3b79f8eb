package view

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/topics"
)

// Owner is whose wallet is read.
type Owner struct {
	Partition        int32 // of the customer
	Tenant, Customer string
}

// Wallet is what a customer has and owes.
type Wallet struct {
	Closed   bool
	Balances []Balance // in the order of their currencies
}

// Balance is that of one currency, in minor units.
type Balance struct {
	Currency string
	topics.WalletBalance
}

// GetWallet reads a wallet; its balances are all of one moment. It returns ErrNotFound where the customer never had one.
func GetWallet(ctx context.Context, db Querier, o Owner) (*Wallet, error) {
	currencies, closed, err := o.currencies(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("wallet of %s: %w", o.Customer, err)
	}
	w := &Wallet{Closed: closed, Balances: make([]Balance, len(currencies))}
	var ids [][16]byte
	for i, currency := range currencies {
		w.Balances[i].Currency = currency
		for _, code := range []ledger.AccountCode{ledger.CustomerWallet, ledger.CustomerHold, ledger.CustomerDebt} {
			ids = append(ids, ledger.Account{Tenant: o.Tenant, Code: code, Owner: o.Customer, Currency: ledger.Currency(currency)}.ID())
		}
	}
	rows, err := db.Query(ctx, `SELECT found.* FROM unnest($2::uuid[]) AS wanted(id),
		LATERAL (SELECT code, currency, balance FROM accounts WHERE partition = $1 AND id = wanted.id LIMIT 1) AS found`, o.Partition, ids)
	if err != nil {
		return nil, fmt.Errorf("balances of %s: %w", o.Customer, err)
	}
	var code, currency string
	var balance int64 // debits positive
	if _, err = pgx.ForEachRow(rows, []any{&code, &currency, &balance}, func() error {
		b := &w.Balances[slices.Index(currencies, currency)]
		switch ledger.AccountCode(code) {
		case ledger.CustomerWallet:
			b.Available = -balance
		case ledger.CustomerHold:
			b.Held = -balance
		case ledger.CustomerDebt:
			b.Debt = balance
		}
		return nil
	}); err != nil {
		return nil, fmt.Errorf("balances of %s: %w", o.Customer, err)
	}
	return w, nil
}

// currencies are those in which the wallet was opened, in the order of their codes.
func (o Owner) currencies(ctx context.Context, db Querier) (currencies []string, closed bool, err error) {
	rows, err := db.Query(ctx, `SELECT currencies, closed IS NOT NULL FROM wallets WHERE partition = $1 AND id = $2`,
		o.Partition, wallets.Key(o.Tenant, o.Customer))
	if err != nil {
		return nil, false, err
	}
	var text string
	found := false
	if _, err = pgx.ForEachRow(rows, []any{&text, &closed}, func() error { found = true; return nil }); err != nil {
		return nil, false, err
	}
	if !found {
		return nil, false, ErrNotFound
	}
	return strings.Fields(text), closed, nil
}

// Hold is a hold and its currency.
type Hold struct {
	topics.HoldState
	Currency string
}

// GetHold reads a hold by the id of the command that placed it. It returns ErrNotFound where the customer has none such.
func GetHold(ctx context.Context, db Querier, o Owner, holdID string) (*Hold, error) {
	id, err := uuid.FromString(holdID)
	if err != nil {
		return nil, fmt.Errorf("hold %.64q: %w", holdID, ErrNotFound)
	}
	return one(ctx, db, func(row pgx.CollectableRow) (*Hold, error) {
		h := &Hold{HoldState: topics.HoldState{HoldID: id.String()}}
		var expires *time.Time
		err := row.Scan(&h.Currency, &h.Amount, &h.Captured, &h.Released, &expires)
		if expires != nil {
			h.ExpiresAt = expires.UTC()
		}
		return h, err
	}, "hold "+id.String(), `SELECT currency, amount, captured, released, expires_at FROM holds WHERE partition = $1 AND id = $2`,
		o.Partition, wallets.KeyOf(o.Tenant, o.Customer, id.String()))
}
