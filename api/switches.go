package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/weirhq/weir/internal/killswitch"
	"github.com/weirhq/weir/topics"
)

// everyPSP stands in the path of a kill switch for all PSPs.
const everyPSP = "all"

func (a *API) listSwitches(c *call) error {
	if err := known(c.request.URL.Query()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.request.Context(), listsWithin)
	defer cancel()
	on, err := a.switches.On(ctx, a.now())
	if err != nil {
		return unturned(err)
	}
	page := KillSwitchList{Data: []KillSwitch{}}
	for i := range on {
		s := &on[i]
		if s.Scope.Tenant != "" && s.Scope.Tenant != c.key.Tenant {
			continue
		}
		shown := KillSwitch{PSP: s.Scope.PSP, Method: s.Scope.Method, Country: s.Scope.Country, Of: entryOfEveryone, Reason: s.Reason,
			Author: s.Author, TurnedAt: s.At, Until: timeOf(s.Until)}
		if shown.PSP == "" {
			shown.PSP = everyPSP
		}
		if s.Scope.Tenant != "" {
			shown.Of = entryOfTenant
		}
		page.Data = append(page.Data, shown)
	}
	return c.reply(http.StatusOK, page)
}

func (a *API) disablePSP(c *call) error {
	body, err := c.readJSON()
	if err != nil {
		return err
	}
	var put DisablePSP
	if err := decode(body, &put); err != nil {
		return err
	}
	if err := known(c.request.URL.Query(), "method", "country"); err != nil {
		return err
	}
	control := topics.RouteControl{Disabled: true, Reason: put.Reason}
	if put.Until != nil {
		control.Until = *put.Until
	}
	return a.turn(c, control)
}

func (a *API) enablePSP(c *call) error {
	query := c.request.URL.Query()
	if err := known(query, "method", "country", "reason"); err != nil {
		return err
	}
	return a.turn(c, topics.RouteControl{Reason: query.Get("reason")})
}

// turn turns the switch that the path and the key name: a key's switches are its tenant's.
func (a *API) turn(c *call, control topics.RouteControl) error {
	query := c.request.URL.Query()
	control.Scope = topics.RouteScope{PSP: c.request.PathValue("psp"), Method: query.Get("method"), Country: query.Get("country"), Tenant: c.key.Tenant}
	if control.Scope.PSP == everyPSP {
		control.Scope.PSP = ""
	}
	control.Author = c.key.Name
	ctx, cancel := context.WithTimeout(c.request.Context(), listsWithin)
	defer cancel()
	changed, err := a.switches.Turn(ctx, control, a.now())
	if err != nil {
		return unturned(err)
	}
	if !changed {
		return c.reply(http.StatusOK, SwitchTurned{Status: editUnchanged})
	}
	return c.reply(http.StatusOK, SwitchTurned{Status: editInForce})
}

// unturned is the answer to a request about kill switches that failed.
func unturned(err error) error {
	var refused *killswitch.Refused
	switch {
	case errors.As(err, &refused):
		return invalid("", refused.Why)
	case errors.Is(err, killswitch.ErrUncertain):
		return unavailable("the switch is written, and is not in force here yet; look at the switches", err)
	}
	return unavailable("the broker is away; repeat the request", err)
}
