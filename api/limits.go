package api

import (
	"context"
	"net/http"
	"time"

	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

// getLimits answers with the responsible-gaming limits that bind a customer now.
func (a *API) getLimits(c *call) error {
	owner, err := a.owner(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.request.Context(), databaseWithin)
	defer cancel()
	limits, err := view.GetLimits(ctx, a.db.Pool, owner, time.Now())
	if err != nil {
		return err
	}
	answer := CustomerLimits{CustomerID: owner.Customer, Day: limits.Day, TimeZone: limits.TimeZone, Limits: make([]CustomerLimit, len(limits.Lines))}
	for i := range limits.Lines {
		l := &limits.Lines[i]
		line := &answer.Limits[i]
		*line = CustomerLimit{Kind: l.Kind, Period: l.Period, SetBy: l.SetBy, Currency: l.Currency, Used: l.Used, Next: l.Next}
		if l.Limit > 0 || l.SetBy == topics.SetByBrand {
			line.Limit, line.Left = &l.Limit, &l.Left
		}
	}
	return c.reply(http.StatusOK, answer)
}
