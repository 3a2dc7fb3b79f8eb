// Package health answers for a process to those who watch over it: that it is alive, whether it is ready, and its metrics.
package health

import (
	"context"
	"sync"
	"time"
)

// within bounds all checks of one question together.
const within = 2 * time.Second

// Check tells whether something that the process needs is there. The error is shown to whoever asks: it holds no secret.
type Check struct {
	Name string
	Func func(context.Context) error
	// Advisory is shown and nothing more: the process serves all the same.
	Advisory bool
}

// Report is the answer to a question: every check by its name, "ok" or what is wrong.
type Report struct {
	Status string            `json:"status"` // ok or unavailable
	Checks map[string]string `json:"checks,omitempty"`
}

// Alive says that the process answers, and nothing else: a process is not to be killed because a broker is away.
func Alive() Report { return Report{Status: "ok"} }

// Ready runs all checks at once. ready is false where one fails that is not advisory.
func Ready(ctx context.Context, checks []Check) (report Report, ready bool) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	results := make([]string, len(checks))
	var wg sync.WaitGroup
	for i, check := range checks {
		wg.Go(func() {
			results[i] = "ok"
			if err := check.Func(ctx); err != nil {
				results[i] = err.Error()
			}
		})
	}
	wg.Wait()
	report, ready = Report{Status: "ok", Checks: map[string]string{}}, true
	for i, check := range checks {
		report.Checks[check.Name] = results[i]
		if results[i] != "ok" && !check.Advisory {
			report.Status, ready = "unavailable", false
		}
	}
	return report, ready
}
