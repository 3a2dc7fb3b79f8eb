package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weirhq/weir/internal/evidence"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

// findDispute reads the dispute that the path names.
func (a *API) findDispute(c *call) (*view.Dispute, error) {
	ctx, cancel := context.WithTimeout(c.request.Context(), databaseWithin)
	defer cancel()
	id := c.request.PathValue("id")
	found, err := view.GetDispute(ctx, a.db.Pool, c.key.Tenant, id)
	if errors.Is(err, view.ErrNotFound) {
		return nil, notFound("dispute with this id")
	}
	if err == nil {
		c.paymentID = id
	}
	return found, err
}

func (a *API) getDispute(c *call) error {
	found, err := a.findDispute(c)
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, disputeOf(found))
}

func (a *API) listDisputes(c *call) error {
	query := c.request.URL.Query()
	filter, limit, err := readDisputeFilter(query)
	if err != nil {
		return err
	}
	filter.Tenant = c.key.Tenant
	ctx, cancel := context.WithTimeout(c.request.Context(), databaseWithin)
	defer cancel()
	page, next, err := view.ListDisputes(ctx, a.db.Pool, filter, query.Get("cursor"), limit)
	if errors.Is(err, view.ErrCursor) {
		return malformed("cursor", "cursor: is not one that a page of this list returned")
	}
	if err != nil {
		return err
	}
	list := DisputeList{Data: make([]Dispute, len(page)), NextCursor: next}
	for i, found := range page {
		list.Data[i] = disputeOf(found)
	}
	return c.reply(http.StatusOK, list)
}

func readDisputeFilter(query url.Values) (filter view.DisputeFilter, limit int, err error) {
	for name := range query {
		if !slices.Contains([]string{"customer_id", "status", "payment_id", "due_before", "limit", "cursor"}, name) {
			return filter, 0, malformed("", "the query has a parameter that is not known; want customer_id, status, payment_id, due_before, limit or cursor")
		}
	}
	limit = defaultPage
	if text := query.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxPage {
			return filter, 0, invalid("limit", "limit: want an integer from 1 to "+strconv.Itoa(maxPage))
		}
	}
	filter.Customer, filter.Status = query.Get("customer_id"), topics.DisputeStatus(query.Get("status"))
	if len(filter.Customer) > maxCustomer || !printable(filter.Customer) {
		return filter, 0, invalid("customer_id", "customer_id: want at most "+strconv.Itoa(maxCustomer)+" printable ASCII characters")
	}
	if filter.Status != "" && !slices.Contains(topics.DisputeStatuses(), filter.Status) {
		return filter, 0, invalid("status", "status: is not the status of a dispute; the document at /openapi.yaml lists them")
	}
	if text := query.Get("payment_id"); text != "" {
		if filter.Payment, err = topics.ParsePaymentID(text); err != nil {
			return filter, 0, invalid("payment_id", "payment_id: is not the id of an intent")
		}
	}
	if text := query.Get("due_before"); text != "" {
		if filter.DueBefore, err = time.Parse(time.RFC3339, text); err != nil || !topics.ValidTime(filter.DueBefore) {
			return filter, 0, invalid("due_before", "due_before: want a time such as 2026-02-03T00:00:00Z")
		}
	}
	return filter, limit, nil
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
