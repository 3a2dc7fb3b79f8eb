package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/weirhq/weir/api/await"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

// owner is the customer whom the path names.
func (a *API) owner(c *call) (view.Owner, error) {
	partitions := a.hub.Partitions()
	if partitions == 0 {
		return view.Owner{}, await.ErrNotReady
	}
	customer := c.request.PathValue("customer")
	if len(customer) > maxCustomer || !printable(customer) {
		return view.Owner{}, notFound("customer with this id")
	}
	return view.Owner{
		Partition: topics.PartitionOf(c.key.Tenant, customer, partitions), Tenant: c.key.Tenant, Customer: customer,
	}, nil
}

func (a *API) getWallet(c *call) error {
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
	answer := Wallet{CustomerID: owner.Customer, Status: "open", Balances: make([]WalletBalance, len(wallet.Balances))}
	if wallet.Closed {
		answer.Status = "closed"
	}
	for i := range wallet.Balances {
		b := &wallet.Balances[i]
		answer.Balances[i] = balanceOf(b.Currency, &b.WalletBalance)
	}
	return c.reply(http.StatusOK, answer)
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
