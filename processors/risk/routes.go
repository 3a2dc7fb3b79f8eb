package risk

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirhq/weir/internal/filewatch"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/rules/routing"
	"github.com/weirhq/weir/topics"
)

// routes makes the plans of payments that are to be authorised, by the routing file in force. A file with any mistake, or
// with a failing test, never comes into force: the last good one stays.
type routes struct {
	path     string
	psps     []string               // that are configured; nil: any
	controls func() topics.Controls // the kill switches that are on
	log      *slog.Logger
	metrics  *metrics
	current  atomic.Pointer[routesInForce]
	force    sync.Mutex // held while current changes

	mu   sync.Mutex
	err  error            // why what is on disk is not in force; nil where it is
	seen filewatch.Stamps // of the files, when they were last read
}

// routesInForce go together: what was learnt was counted under the terms of the set.
type routesInForce struct {
	set   *routing.Set
	state *routing.State
}

// CheckRoutes says what New would say of the routing file at a path.
func CheckRoutes(path string, psps []string) error {
	_, err := (&routes{path: path, psps: psps}).first()
	return err
}

// openRoutes loads the routing file at a path. An error is one of the file and stops the start.
func openRoutes(path string, psps []string, controls func() topics.Controls, log *slog.Logger, m *metrics) (*routes, error) {
	r := &routes{path: path, psps: psps, controls: controls, log: log, metrics: m}
	set, err := r.first()
	if err != nil {
		return nil, err
	}
	r.take(set)
	return r, nil
}

func (r *routes) first() (set *routing.Set, err error) {
	if set, r.seen, err = r.read(); err != nil {
		return nil, fmt.Errorf("routes cannot be used:\n%w", err)
	}
	return set, nil
}

// read compiles the file and runs its tests. seen is how the files were before they were read.
func (r *routes) read() (set *routing.Set, seen filewatch.Stamps, err error) {
	began := time.Now()
	seen = r.look()
	if set, err = routing.Load(r.path, r.psps); err != nil {
		return nil, seen, err
	}
	lists := filewatch.Stamps{}
	for _, f := range set.Files() {
		lists.Note(filepath.FromSlash(f))
	}
	seen.AddOlder(lists, began)
	if _, failures := set.Test(); len(failures) > 0 {
		return nil, seen, failures
	}
	return set, seen, nil
}

// take puts a set into force. What was learnt under the same terms stays.
func (r *routes) take(set *routing.Set) {
	r.force.Lock()
	defer r.force.Unlock()
	state := &routing.State{}
	if before := r.current.Load(); before != nil {
		state = before.state
		state.Keep(before.set, set)
	}
	r.current.Store(&routesInForce{set, state})
	r.log.Info("routes in force", "hash", set.Hash(), "routes", len(set.Routes()), "strategy", set.Strategy(), "path", r.path)
}

// forget begins to learn anew.
func (r *routes) forget() {
	r.force.Lock()
	defer r.force.Unlock()
	r.current.Store(&routesInForce{r.current.Load().set, &routing.State{}})
}

// reload reads the file again and takes it into force if it is good.
func (r *routes) reload() {
	set, seen, err := r.read()
	r.mu.Lock()
	repaired := r.err != nil && err == nil
	told := r.err != nil && err != nil && r.err.Error() == err.Error() // a broken file is read again and again
	r.seen, r.err = seen, err
	r.mu.Unlock()
	if told {
		return
	}
	r.metrics.reloaded("routes", err)
	inForce := r.current.Load().set
	switch {
	case err != nil:
		r.log.Error("the new routes are broken; the last good ones stay in force", "hash", inForce.Hash(), "error", err)
	case set.Hash() != inForce.Hash():
		r.take(set)
	case repaired:
		r.log.Info("the routes are good again", "hash", set.Hash())
	}
}

// broken is why what is on disk is not in force, nil where it is.
func (r *routes) broken() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return fmt.Errorf("the last good routes stay in force: %w", r.err)
	}
	return nil
}

// watch reloads the file when it changes, until the context ends.
func (r *routes) watch(ctx context.Context) {
	filewatch.Watch{
		What: "routing file", Log: r.log, Directories: r.directories,
		Stale:  func() bool { return r.changed() || r.broken() != nil }, // what a broken file names may stand anywhere
		Reload: r.reload,
	}.Run(ctx)
}

func (r *routes) directories() []string {
	directories := []string{filepath.Dir(r.path)}
	for _, f := range r.current.Load().set.Files() {
		directories = append(directories, filepath.Dir(filepath.FromSlash(f)))
	}
	return directories
}

func (r *routes) changed() bool {
	now := r.look()
	r.mu.Lock()
	defer r.mu.Unlock()
	return !now.Same(r.seen)
}

func (r *routes) look() filewatch.Stamps {
	stamps := filewatch.Stamps{}
	stamps.Note(r.path)
	if current := r.current.Load(); current != nil {
		for _, f := range current.set.Files() {
			stamps.Note(filepath.FromSlash(f))
		}
	}
	return stamps
}

// plan is the order of PSPs for a payment that a command creates or wants authorised; nil for any other command, and for one
// that the rules block.
func (r *routes) plan(payment string, in rules.Input, d *topics.Decision) *topics.RoutePlan {
	c := in.Command
	if r == nil || c == nil || d.Outcome == topics.OutcomeBlock || c.Type != topics.CommandAuthorize && c.Type != topics.CommandCreate || c.Mandate != "" {
		return nil // the PSP of a mandate is the one that keeps its card
	}
	in.Score = rules.Score{Known: d.RuleSet != "", Value: d.Score}
	if d.RuleSet != "" {
		in.Score.Outcome = d.Outcome
	}
	q := &routing.Query{Input: in, Payment: payment, Later: c.Type == topics.CommandCreate && !c.Authorize}
	if controls := r.controls(); len(controls) > 0 {
		asked := topics.RouteScope{Method: c.PaymentMethod.Kind(), Country: routing.Country(&in), Tenant: c.Tenant}
		q.Off = func(psp string) string {
			asked.PSP = psp
			return controls.Disabled(asked, in.Now)
		}
	}
	current := r.current.Load()
	plan := current.set.Plan(q, current.state)
	r.metrics.planned(&plan)
	return &plan
}
