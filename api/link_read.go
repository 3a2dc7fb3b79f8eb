package api

import (
	"context"
	"net/http"

	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

// findLink reads the payment link that the path names.
func (a *API) findLink(c *call) (*view.Link, error) {
	return one(c, c.request.PathValue("id"), "payment link", view.GetLink)
}

func (a *API) getLink(c *call) error {
	found, err := a.findLink(c)
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, a.pages.shown(found))
}

func (a *API) listLinks(c *call) error {
	q, err := c.listQuery()
	if err != nil {
		return err
	}
	status, err := statusOf(&q, linkStatuses(), "a payment link", "want open, paid, cancelled or expired")
	if err != nil {
		return err
	}
	owner, err := q.ofCustomer(c, "payment links")
	if err != nil {
		return err
	}
	var list PaymentLinkList
	list.Data, list.NextCursor, err = pageOf(c, &q, a.pages.shown, func(ctx context.Context, db view.Querier, cursor string, limit int) ([]*view.Link, string, error) {
		return view.ListLinks(ctx, db, owner, status, cursor, limit)
	})
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, list)
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
		ReturnURL: v.ReturnURL, MerchantReference: v.MerchantReference, Metadata: v.Metadata, Invoice: v.Invoice, RequestedBy: v.RequestedBy, Reason: v.Reason,
		Cases: v.Cases, CreatedAt: timeOf(v.CreatedAt), UpdatedAt: timeOf(v.UpdatedAt),
	}
}
