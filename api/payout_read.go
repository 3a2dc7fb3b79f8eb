package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/weirhq/weir/api/await"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

// findPayout reads the payout that the path names.
func (a *API) findPayout(c *call) (*view.Payout, error) {
	ctx, cancel := context.WithTimeout(c.request.Context(), databaseWithin)
	defer cancel()
	id := c.request.PathValue("id")
	found, err := view.GetPayout(ctx, a.db.Pool, c.key.Tenant, id)
	if errors.Is(err, view.ErrNotFound) {
		return nil, notFound("payout with this id")
	}
	if err == nil {
		c.paymentID = id
	}
	return found, err
}

func (a *API) getPayout(c *call) error {
	found, err := a.findPayout(c)
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, payoutOf(found))
}

func (a *API) listPayouts(c *call) error {
	query := c.request.URL.Query()
	customer, status, limit, err := readPayoutFilter(query)
	if err != nil {
		return err
	}
	partitions := a.hub.Partitions()
	if partitions == 0 {
		return await.ErrNotReady
	}
	owner := view.Owner{Partition: topics.PartitionOf(c.key.Tenant, customer, partitions), Tenant: c.key.Tenant, Customer: customer}
	ctx, cancel := context.WithTimeout(c.request.Context(), databaseWithin)
	defer cancel()
	page, next, err := view.ListPayouts(ctx, a.db.Pool, owner, status, query.Get("cursor"), limit)
	if errors.Is(err, view.ErrCursor) {
		return malformed("cursor", "cursor: is not one that a page of this list returned")
	}
	if err != nil {
		return err
	}
	list := PayoutList{Data: make([]Payout, len(page)), NextCursor: next}
	for i, found := range page {
		list.Data[i] = payoutOf(found)
	}
	return c.reply(http.StatusOK, list)
}

func readPayoutFilter(query url.Values) (customer string, status topics.PayoutStatus, limit int, err error) {
	for name := range query {
		if !slices.Contains([]string{"customer_id", "status", "limit", "cursor"}, name) {
			return "", "", 0, malformed("", "the query has a parameter that is not known; want customer_id, status, limit or cursor")
		}
	}
	customer, status, limit = query.Get("customer_id"), topics.PayoutStatus(query.Get("status")), defaultPage
	if text := query.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxPage {
			return "", "", 0, invalid("limit", "limit: want an integer from 1 to "+strconv.Itoa(maxPage))
		}
	}
	switch {
	case customer == "":
		return "", "", 0, invalid("customer_id", "customer_id: is missing; payouts are listed for one customer")
	case len(customer) > maxCustomer || !printable(customer):
		return "", "", 0, invalid("customer_id", "customer_id: want at most "+strconv.Itoa(maxCustomer)+" printable ASCII characters")
	case status != "" && !slices.Contains(payoutStatuses(), status):
		return "", "", 0, invalid("status", "status: is not the status of a payout; the document at /openapi.yaml lists them")
	}
	return customer, status, limit, nil
}

// payoutStatuses are those that a stored payout can have.
func payoutStatuses() []topics.PayoutStatus {
	return []topics.PayoutStatus{
		topics.PayoutStatusBlocked, topics.PayoutStatusHeld, topics.PayoutStatusQueued, topics.PayoutStatusSent,
		topics.PayoutStatusUnknown, topics.PayoutStatusPaid, topics.PayoutStatusFailed, topics.PayoutStatusReturned,
		topics.PayoutStatusRejected, topics.PayoutStatusCancelled, topics.PayoutStatusExpired,
	}
}

// payoutOf is a payout as the document shows it.
func payoutOf(v *view.Payout) Payout {
	to := destinationOf(v.Destination)
	if to != nil {
		to.Amount = 0 // what could go there is of no use when it goes
	}
	return Payout{
		ID: v.ID, Status: string(v.Status), CustomerID: v.CustomerID, Amount: v.Amount, Currency: v.Currency,
		WaitsFor: string(v.WaitsFor), Until: timeOf(v.Until), Explanation: v.Explanation, Reasons: v.Reasons,
		Destination: to, RequestedBy: v.RequestedBy, ApprovedBy: v.ApprovedBy,
		PSPReference: v.PSPReference, DeclineCode: v.DeclineCode, Attempts: v.Attempts,
		MerchantReference: v.MerchantReference, Description: v.Description, Metadata: v.Metadata,
		CreatedAt: timeOf(v.CreatedAt), UpdatedAt: timeOf(v.UpdatedAt),
	}
}

func destinationOf(v *view.Destination) *PayoutDestination {
	if v == nil {
		return nil
	}
	shown := &PayoutDestination{PSP: v.PSP, Deposited: v.Deposited, Amount: v.Amount}
	if c := v.Card; c != nil {
		shown.Card = &MaskedCard{Fingerprint: c.Fingerprint, BIN: c.BIN, Last4: c.Last4, Scheme: c.Scheme, Type: c.Type, Country: c.Country}
	}
	return shown
}
