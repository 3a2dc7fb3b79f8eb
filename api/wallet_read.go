package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/weirhq/weir/api/await"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/statement"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

// owner is the customer whom the path names.
func (a *API) owner(c *call) (view.Owner, error) {
	customer := c.request.PathValue("customer")
	if len(customer) > maxCustomer || !printable(customer) {
		return view.Owner{}, notFound("customer with this id")
	}
	return a.ownerOf(c, customer)
}

func (a *API) ownerOf(c *call, customer string) (view.Owner, error) {
	partitions := a.hub.Partitions()
	if partitions == 0 {
		return view.Owner{}, await.ErrNotReady
	}
	return view.Owner{
		Partition: topics.PartitionOf(c.key.Tenant, customer, partitions), Tenant: c.key.Tenant, Customer: customer,
	}, nil
}

func (a *API) getWallet(c *call) error {
	before, err := readAsOf(c.request.URL.Query())
	if err != nil {
		return err
	}
	owner, err := a.owner(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.request.Context(), databaseWithin)
	defer cancel()
	wallet, err := view.GetWallet(ctx, a.db.Pool, owner)
	if errors.Is(err, view.ErrNotFound) {
		return notFound("wallet of this customer")
	}
	if err != nil {
		return err
	}
	answer := Wallet{CustomerID: owner.Customer, Status: "open"}
	if wallet.Closed {
		answer.Status = "closed"
	}
	if !before.IsZero() {
		complete, err := a.asOf(ctx, owner, wallet.Balances, before)
		if err != nil {
			return err
		}
		answer.AsOf, answer.Complete = timeOf(before.Add(-time.Microsecond)), &complete
	}
	answer.Balances = make([]WalletBalance, len(wallet.Balances))
	for i := range wallet.Balances {
		b := &wallet.Balances[i]
		answer.Balances[i] = balanceOf(b.Currency, &b.WalletBalance)
	}
	return c.reply(http.StatusOK, answer)
}

// readAsOf returns the time before which what was booked counts, zero for now.
func readAsOf(query url.Values) (before time.Time, err error) {
	for name := range query {
		if name != "as_of" {
			return before, malformed("", "the query has a parameter that is not known; want as_of")
		}
	}
	if !query.Has("as_of") {
		return before, nil
	}
	if before, err = statement.ParseAsOf(query.Get("as_of")); err != nil {
		return before, invalid("as_of", "as_of: want a date or an RFC 3339 time between 1970 and 9998, such as 2026-01-31T23:59:59Z")
	}
	return before, nil
}

// asOf sets the balances to what they were when all that was booked before a time was. It is the same at every reading
// where it is complete.
func (a *API) asOf(ctx context.Context, owner view.Owner, balances []view.Balance, before time.Time) (complete bool, err error) {
	complete = true
	for i := range balances {
		b := &balances[i]
		for _, part := range []struct {
			code   ledger.AccountCode
			sign   int64 // of its normal side
			amount *int64
		}{
			{ledger.CustomerWallet, -1, &b.Available}, {ledger.CustomerHold, -1, &b.Held}, {ledger.CustomerDebt, 1, &b.Debt},
		} {
			account := ledger.Account{Tenant: owner.Tenant, Code: part.code, Owner: owner.Customer, Currency: ledger.Currency(b.Currency)}
			then, err := statement.AsOf(ctx, a.db, account, before)
			if errors.Is(err, statement.ErrNoAccount) {
				continue // zero now, and ever
			}
			if err != nil {
				return false, err
			}
			*part.amount = part.sign * then.Minor
			complete = complete && then.Complete
		}
	}
	return complete, nil
}

func (a *API) getHold(c *call) error {
	owner, err := a.owner(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.request.Context(), databaseWithin)
	defer cancel()
	hold, err := view.GetHold(ctx, a.db.Pool, owner, c.request.PathValue("hold"))
	if errors.Is(err, view.ErrNotFound) {
		return notFound("hold with this id of this customer")
	}
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, holdOf(owner.Customer, hold.Currency, &hold.HoldState))
}
