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

// findLink reads the payment link that the path names.
func (a *API) findLink(c *call) (*view.Link, error) {
	ctx, cancel := context.WithTimeout(c.request.Context(), databaseWithin)
	defer cancel()
	id := c.request.PathValue("id")
	found, err := view.GetLink(ctx, a.db.Pool, c.key.Tenant, id)
	if errors.Is(err, view.ErrNotFound) {
		return nil, notFound("payment link with this id")
	}
	if err == nil {
		c.paymentID = id
	}
	return found, err
}

func (a *API) getLink(c *call) error {
	found, err := a.findLink(c)
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, a.pages.shown(found))
}

func (a *API) listLinks(c *call) error {
	query := c.request.URL.Query()
	customer, status, limit, err := readLinkFilter(query)
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
	page, next, err := view.ListLinks(ctx, a.db.Pool, owner, status, query.Get("cursor"), limit)
	if errors.Is(err, view.ErrCursor) {
		return malformed("cursor", "cursor: is not one that a page of this list returned")
	}
	if err != nil {
		return err
	}
	list := PaymentLinkList{Data: make([]PaymentLink, len(page)), NextCursor: next}
	for i, found := range page {
		list.Data[i] = a.pages.shown(found)
	}
	return c.reply(http.StatusOK, list)
}

func readLinkFilter(query url.Values) (customer string, status topics.LinkStatus, limit int, err error) {
	for name := range query {
		if !slices.Contains([]string{"customer_id", "status", "limit", "cursor"}, name) {
			return "", "", 0, malformed("", "the query has a parameter that is not known; want customer_id, status, limit or cursor")
		}
	}
	customer, status, limit = query.Get("customer_id"), topics.LinkStatus(query.Get("status")), defaultPage
	if text := query.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxPage {
			return "", "", 0, invalid("limit", "limit: want an integer from 1 to "+strconv.Itoa(maxPage))
		}
	}
	switch {
	case customer == "":
		return "", "", 0, invalid("customer_id", "customer_id: is missing; payment links are listed for one customer")
	case len(customer) > maxCustomer || !printable(customer):
		return "", "", 0, invalid("customer_id", "customer_id: want at most "+strconv.Itoa(maxCustomer)+" printable ASCII characters")
	case status != "" && !slices.Contains(linkStatuses(), status):
		return "", "", 0, invalid("status", "status: is not the status of a payment link; want open, paid, cancelled or expired")
	}
	return customer, status, limit, nil
}

func linkStatuses() []topics.LinkStatus {
	return []topics.LinkStatus{topics.LinkStatusOpen, topics.LinkStatusPaid, topics.LinkStatusCancelled, topics.LinkStatusExpired}
}

// shown is a link as the document shows it, with its address where the key still yields the secret that it was made with.
func (p *LinkPages) shown(v *view.Link) PaymentLink {
	l := shownLink(v)
	if len(p.Key) > 0 && v.TokenHash != "" && topics.HashLinkSecret(p.secret(v.ID)) == v.TokenHash {
		l.URL = p.address(v.ID)
	}
	return l
}

// shownLink is a link as the document shows it, but for its address.
func shownLink(v *view.Link) PaymentLink {
	return PaymentLink{
		ID: v.ID, Status: string(v.Status), CustomerID: v.CustomerID, Amount: v.Amount, Currency: v.Currency, Description: v.Description,
		MaxUses: v.MaxUses, Reserved: v.Uses.Reserved, Captured: v.Uses.Captured, LatestIntent: v.LatestPayment, ExpiresAt: v.ExpiresAt,
		ReturnURL: v.ReturnURL, MerchantReference: v.MerchantReference, Metadata: v.Metadata, RequestedBy: v.RequestedBy, Reason: v.Reason,
		Cases: v.Cases, CreatedAt: timeOf(v.CreatedAt), UpdatedAt: timeOf(v.UpdatedAt),
	}
}
