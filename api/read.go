package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

const (
	defaultPage = 20
	maxPage     = 100
	maxCustomer = 64
)

// find reads the payment that the path names.
func (a *API) find(c *call) (*view.Intent, error) {
	ctx, cancel := context.WithTimeout(c.request.Context(), databaseWithin)
	defer cancel()
	id, err := c.named()
	if err != nil {
		return nil, err
	}
	intent, err := view.Get(ctx, a.db.Pool, c.key.Tenant, id)
	if errors.Is(err, view.ErrNotFound) {
		return nil, notFound("intent with this id")
	}
	if err == nil {
		c.paymentID = id
	}
	return intent, err
}

func (a *API) getIntent(c *call) error {
	intent, err := a.find(c)
	if err != nil {
		return err
	}
	shown := intentOf(intent)
	if intent.Status == topics.StatusDeclined || intent.Status == topics.StatusQueued {
		if err := a.explain(c, &shown); err != nil {
			return err
		}
	}
	return c.reply(http.StatusOK, shown)
}

// explain adds what kind of decline ended a payment, or has it wait for its next attempt, which its events tell.
func (a *API) explain(c *call, shown *Intent) error {
	id, err := topics.ParsePaymentID(shown.ID)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.request.Context(), databaseWithin)
	defer cancel()
	events, err := a.events.Read(ctx, c.key.Tenant, id, id.UUID)
	if err != nil {
		return err
	}
	told := topics.EventDeclined
	if shown.Status == string(topics.StatusQueued) {
		told = topics.EventAttemptDeclined
	}
	for i := range events {
		if e := &events[i]; e.Type == told && e.PaymentID == shown.ID && e.PSP != nil {
			shown.DeclineCode = e.PSP.DeclineCode
			shown.DeclineCategory, shown.CustomerMessage = explained(e.PSP)
		}
	}
	return nil
}

func (a *API) listRefunds(c *call) error {
	intent, err := a.find(c)
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, RefundList{Data: refundsOf(intent)})
}

func (a *API) listDecisions(c *call) error {
	intent, err := a.find(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.request.Context(), databaseWithin)
	defer cancel()
	decisions, err := a.events.Decisions(ctx, intent.ID)
	if err != nil {
		return err
	}
	body, err := topics.Marshal(DecisionList{Data: decisions}) // as the records stand in their topic
	if err != nil {
		return err
	}
	return c.send(http.StatusOK, append(body, '\n'))
}

func (a *API) listIntents(c *call) error {
	query := c.request.URL.Query()
	filter, limit, err := readFilter(query)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.request.Context(), databaseWithin)
	defer cancel()
	page, next, err := view.List(ctx, a.db.Pool, c.key.Tenant, filter, query.Get("cursor"), limit)
	if errors.Is(err, view.ErrCursor) {
		return malformed("cursor", "cursor: is not one that a page of this list returned")
	}
	if err != nil {
		return err
	}
	list := IntentList{Data: make([]Intent, len(page)), NextCursor: next}
	for i, intent := range page {
		list.Data[i] = intentOf(intent)
	}
	return c.reply(http.StatusOK, list)
}

func readFilter(query url.Values) (filter view.Filter, limit int, err error) {
	for name := range query {
		if !slices.Contains([]string{"customer_id", "status", "limit", "cursor"}, name) {
			return filter, 0, malformed("", "the query has a parameter that is not known; want customer_id, status, limit or cursor")
		}
	}
	filter = view.Filter{Customer: query.Get("customer_id"), Status: topics.PaymentStatus(query.Get("status"))}
	limit = defaultPage
	if text := query.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxPage {
			return filter, 0, invalid("limit", "limit: want an integer from 1 to "+strconv.Itoa(maxPage))
		}
	}
	if len(filter.Customer) > maxCustomer || !printable(filter.Customer) {
		return filter, 0, invalid("customer_id", "customer_id: want at most "+strconv.Itoa(maxCustomer)+" printable ASCII characters")
	}
	if filter.Status != "" && !slices.Contains(statuses(), filter.Status) {
		return filter, 0, invalid("status", "status: is not the status of an intent; the document at /openapi.yaml lists them")
	}
	return filter, limit, nil
}

// statuses are those that a stored payment can have.
func statuses() []topics.PaymentStatus {
	return []topics.PaymentStatus{
		topics.StatusCreated, topics.StatusHeld, topics.StatusBlocked, topics.StatusRejected, topics.StatusAuthorizing, topics.StatusQueued,
		topics.StatusRequiresAction, topics.StatusUnknown, topics.StatusDeclined, topics.StatusReviewing, topics.StatusAuthorized,
		topics.StatusPartiallyCaptured, topics.StatusCaptured, topics.StatusPartiallyRefunded, topics.StatusRefunded,
		topics.StatusVoided, topics.StatusExpired, topics.StatusCancelled,
	}
}
