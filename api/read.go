package api

import (
	"context"
	"net/http"

	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

// find reads the payment that the path names.
func (a *API) find(c *call) (*view.Intent, error) {
	id, err := c.named()
	if err != nil {
		return nil, err
	}
	return one(c, id, "intent", view.Get)
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
	q, err := c.listQuery()
	if err != nil {
		return err
	}
	filter := view.Filter{Customer: q.customer}
	if filter.Status, err = statusOf(&q, statuses(), "an intent", inDocument); err != nil {
		return err
	}
	var list IntentList
	list.Data, list.NextCursor, err = pageOf(c, &q, intentOf, func(ctx context.Context, db view.Querier, cursor string, limit int) ([]*view.Intent, string, error) {
		return view.List(ctx, db, c.key.Tenant, filter, cursor, limit)
	})
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, list)
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
