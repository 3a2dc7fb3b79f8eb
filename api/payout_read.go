package api

import (
	"context"
	"net/http"

	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

// findPayout reads the payout that the path names.
func (a *API) findPayout(c *call) (*view.Payout, error) {
	return one(c, c.request.PathValue("id"), "payout", view.GetPayout)
}

func (a *API) getPayout(c *call) error {
	found, err := a.findPayout(c)
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, payoutOf(found))
}

func (a *API) listPayouts(c *call) error {
	q, err := c.listQuery()
	if err != nil {
		return err
	}
	status, err := statusOf(&q, payoutStatuses(), "a payout", inDocument)
	if err != nil {
		return err
	}
	owner, err := q.ofCustomer(c, "payouts")
	if err != nil {
		return err
	}
	var list PayoutList
	list.Data, list.NextCursor, err = pageOf(c, &q, payoutOf, func(ctx context.Context, db view.Querier, cursor string, limit int) ([]*view.Payout, string, error) {
		return view.ListPayouts(ctx, db, owner, status, cursor, limit)
	})
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, list)
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
