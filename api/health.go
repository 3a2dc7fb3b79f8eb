package api

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// checkWithin bounds each check of /readyz.
const checkWithin = 2 * time.Second

// Check tells whether something that requests need is there. The error is shown to whoever asks: it holds no secret.
type Check struct {
	Name string
	Func func(context.Context) error
	// Advisory is shown and nothing more: requests are served all the same.
	Advisory bool
}

// health says that the process answers, and nothing else: a process is not to be killed because a broker is away.
func (a *API) health(c *call) error { return c.reply(http.StatusOK, Health{Status: "ok"}) }

// readiness runs all checks at once.
func (a *API) readiness(c *call) error {
	ctx, cancel := context.WithTimeout(c.request.Context(), checkWithin)
	defer cancel()
	results := make([]string, len(a.checks))
	var wg sync.WaitGroup
	for i, check := range a.checks {
		wg.Go(func() {
			results[i] = "ok"
			if err := check.Func(ctx); err != nil {
				results[i] = err.Error()
			}
		})
	}
	wg.Wait()
	health, status := Health{Status: "ok", Checks: map[string]string{}}, http.StatusOK
	for i, check := range a.checks {
		health.Checks[check.Name] = results[i]
		if results[i] != "ok" && !check.Advisory {
			health.Status, status = "unavailable", http.StatusServiceUnavailable
		}
	}
	return c.reply(status, health)
}
