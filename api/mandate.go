package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

func (a *API) getMandate(c *call) error {
	ctx, cancel := context.WithTimeout(c.request.Context(), databaseWithin)
	defer cancel()
	m, err := view.GetMandate(ctx, a.db.Pool, c.key.Tenant, c.request.PathValue("id"), time.Now())
	if errors.Is(err, view.ErrNotFound) {
		return noMandate()
	}
	if err != nil {
		return err
	}
	c.paymentID = m.PaymentID
	return c.reply(http.StatusOK, mandateOf(m))
}

func (a *API) listMandates(c *call) error {
	owner, err := a.owner(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.request.Context(), databaseWithin)
	defer cancel()
	found, err := view.ListMandates(ctx, a.db.Pool, owner, time.Now())
	if err != nil {
		return err
	}
	list := MandateList{Data: make([]Mandate, len(found))}
	for i, m := range found {
		list.Data[i] = mandateOf(m)
	}
	return c.reply(http.StatusOK, list)
}

func noMandate() *Problem { return notFound("mandate with this id") }

// named is the payment that the path names: by its id, or by that of the mandate that it set up.
func (c *call) named() (id string, err error) {
	id = c.request.PathValue("id")
	if !strings.Contains(c.pattern, "/mandates/") {
		return id, nil
	}
	of, err := topics.ParseMandateID(id)
	if err != nil {
		return "", noMandate()
	}
	return of.String(), nil
}

// mandateOf is a mandate as the document shows it.
func mandateOf(v *view.Mandate) Mandate {
	m := Mandate{
		ID: v.ID, Status: string(v.Status), CustomerID: v.CustomerID, IntentID: v.PaymentID, Type: string(v.Terms.Kind),
		Currency: v.Currency, MaxAmount: v.Terms.MaxAmount, Description: v.Terms.Description, ExpiresAt: timeOf(v.Terms.ExpiresAt),
		PSP: v.PSP, NetworkReference: v.NetworkReference, EndedAt: timeOf(v.EndedAt), CreatedAt: timeOf(v.CreatedAt),
	}
	if c := v.Change; c != nil {
		m.EndedBy, m.DeclineCategory = c.PaymentID, c.DeclineCategory
	}
	if c := v.Card; c != nil {
		m.Card = &MaskedCard{Fingerprint: c.Fingerprint, BIN: c.BIN, Last4: c.Last4, Scheme: c.Scheme, Type: c.Type, Country: c.Country}
	}
	return m
}
