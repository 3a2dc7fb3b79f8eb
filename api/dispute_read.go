package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/weirhq/weir/internal/evidence"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

// findDispute reads the dispute that the path names.
func (a *API) findDispute(c *call) (*view.Dispute, error) {
	return one(c, c.request.PathValue("id"), "dispute", view.GetDispute)
}

func (a *API) getDispute(c *call) error {
	found, err := a.findDispute(c)
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, disputeOf(found))
}

func (a *API) listDisputes(c *call) error {
	q, err := c.listQuery("payment_id", "due_before")
	if err != nil {
		return err
	}
	filter := view.DisputeFilter{Tenant: c.key.Tenant, Customer: q.customer}
	if filter.Status, err = statusOf(&q, topics.DisputeStatuses(), "a dispute", inDocument); err != nil {
		return err
	}
	if text := q.Get("payment_id"); text != "" {
		if filter.Payment, err = topics.ParsePaymentID(text); err != nil {
			return invalid("payment_id", "payment_id: is not the id of an intent")
		}
	}
	if text := q.Get("due_before"); text != "" {
		if filter.DueBefore, err = time.Parse(time.RFC3339, text); err != nil || !topics.ValidTime(filter.DueBefore) {
			return invalid("due_before", "due_before: want a time such as 2026-02-03T00:00:00Z")
		}
	}
	var list DisputeList
	list.Data, list.NextCursor, err = pageOf(c, &q, disputeOf, func(ctx context.Context, db view.Querier, cursor string, limit int) ([]*view.Dispute, string, error) {
		return view.ListDisputes(ctx, db, filter, cursor, limit)
	})
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, list)
}

// disputeOf is a dispute as the document shows it.
func disputeOf(v *view.Dispute) Dispute {
	return Dispute{
		ID: v.ID, PaymentID: v.PaymentID, CustomerID: v.CustomerID, Status: string(v.Status), Stage: string(v.Stage),
		PSP: v.PSP, PSPReference: v.Reference, Amount: v.Amount, Currency: v.Currency, ReasonCode: v.Reason, Category: v.Category,
		EvidenceDue: timeOf(v.EvidenceDue), WaitsFor: string(v.WaitsFor), Until: timeOf(v.Until), Explanation: v.Explanation,
		Withdrawn: v.Totals.Withdrawn, Reinstated: v.Totals.Reinstated, Fees: v.Totals.Fees, FeesReturned: v.Totals.FeesReturned,
		Evidence: v.Evidence, RequestedBy: v.RequestedBy, Cases: v.Cases,
		OpenedAt: timeOf(v.OpenedAt), ClosedAt: timeOf(v.ClosedAt), UpdatedAt: timeOf(v.UpdatedAt),
	}
}

// packetWithin bounds the reading of an evidence packet: earlier payments are looked for among a year's.
const packetWithin = 20 * time.Second

// getEvidence puts together what is known that helps against a dispute, as JSON or as a page to print.
func (a *API) getEvidence(c *call) error {
	found, err := a.findDispute(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.request.Context(), packetWithin)
	defer cancel()
	packet, err := evidence.Assemble(ctx, a.db.Pool, a.events, found, time.Now())
	if err != nil {
		return err
	}
	header := c.writer.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Vary", "Accept")
	if !wantsHTML(c.request.Header.Get("Accept")) {
		return c.reply(http.StatusOK, packet)
	}
	page, err := packet.HTML()
	if err != nil {
		return err
	}
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	return c.sendAs("text/html; charset=utf-8", http.StatusOK, page)
}

// wantsHTML tells whether HTML is named before JSON; who takes anything is given JSON.
func wantsHTML(accept string) bool {
	for _, one := range strings.Split(accept, ",") {
		switch kind, _, _ := strings.Cut(one, ";"); strings.TrimSpace(strings.ToLower(kind)) {
		case "text/html":
			return true
		case "application/json":
			return false
		}
	}
	return false
}
