package api

import (
	"net/http"

	"github.com/weirhq/weir/internal/health"
)

func (a *API) health(c *call) error { return c.reply(http.StatusOK, Health(health.Alive())) }

func (a *API) readiness(c *call) error {
	report, ready := health.Ready(c.request.Context(), a.checks)
	if !ready {
		return c.reply(http.StatusServiceUnavailable, Health(report))
	}
	return c.reply(http.StatusOK, Health(report))
}
