package routing

import (
	"fmt"
	"sync"
	"time"

	"github.com/weirhq/weir/ledger"
)

// State is what became of requests: the health of PSPs, what a bandit learnt of routes, and what routes took today. It may
// be used by several goroutines at once. The zero value is that of a beginning: all PSPs are healthy, nothing is known.
type State struct {
	mu   sync.Mutex
	psps map[string]*health
	arms map[string]*arm
	days map[string]*day
}

// day is what a route took on its latest day.
type day struct {
	number  int64 // days since 1970, in the file's time zone
	count   int64
	amounts map[ledger.Currency]int64
}

// Result is what became of a request for an authorisation.
type Result struct {
	Route, PSP string
	Asked, At  time.Time // of the records of request and result
	Took       time.Duration
	Answer     Answer
	Overdue    bool // the request was counted as overdue before
	// Decided is false where the result says nothing of approval: a challenge, an unknown outcome.
	Decided, Approved bool
}

// Observe counts a result under the terms of a set.
func (st *State) Observe(s *Set, r Result) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if s.health.Window > 0 {
		st.psp(r.PSP).observe(s.health, r.Answer, r.Took, r.Overdue, r.At)
	}
	if s.strategy == Bandit && r.Route != "" && r.Decided {
		st.arm(r.Route).learn(s.halfLife, r.Approved, r.Asked, r.At)
	}
}

// Overdue counts a request without an answer within the time that a set's terms of health give 95 of 100.
func (st *State) Overdue(s *Set, psp string, asked, at time.Time) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.psp(psp).overdue(s.health, asked, at)
}

// Asked counts a request for an authorisation towards a route's day.
func (st *State) Asked(s *Set, route string, m ledger.Money, at time.Time) {
	if route == "" {
		return
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if d := st.day(route, dayOf(at, s.zone)); d != nil {
		d.count++
		d.amounts[m.Currency] += m.Minor
	}
}

// Keep forgets what was learnt under other terms than those of a new set: a half-life, the days of another time zone.
func (st *State) Keep(before, now *Set) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if before.health != now.health {
		st.psps = nil
	}
	if before.halfLife != now.halfLife {
		st.arms = nil
	}
	if before.zone.String() != now.zone.String() {
		st.days = nil
	}
}

func (st *State) psp(name string) *health {
	if st.psps == nil {
		st.psps = map[string]*health{}
	}
	if st.psps[name] == nil {
		st.psps[name] = &health{}
	}
	return st.psps[name]
}

func (st *State) arm(route string) *arm {
	if st.arms == nil {
		st.arms = map[string]*arm{}
	}
	if st.arms[route] == nil {
		st.arms[route] = &arm{}
	}
	return st.arms[route]
}

// day is a route's day; nil where it is over.
func (st *State) day(route string, number int64) *day {
	if st.days == nil {
		st.days = map[string]*day{}
	}
	d := st.days[route]
	if d == nil || d.number < number {
		d = &day{number: number, amounts: map[ledger.Currency]int64{}}
		st.days[route] = d
	}
	if d.number > number {
		return nil
	}
	return d
}

// dayOf numbers the day of a moment in a time zone.
func dayOf(at time.Time, zone *time.Location) int64 {
	y, m, d := at.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60)
}

// full says why a payment does not fit into the route's day any more, "" where it does.
func (st *State) full(r *Route, number int64, m ledger.Money) string {
	if r.daily == nil {
		return ""
	}
	used := day{}
	if d := st.days[r.Name]; d != nil && d.number >= number {
		used = *d
	}
	if r.daily.Count > 0 && used.count >= r.daily.Count {
		return fmt.Sprintf("%d of %d payments today", used.count, r.daily.Count)
	}
	if len(r.daily.Amounts) == 0 {
		return ""
	}
	most, ok := r.daily.Amounts[m.Currency]
	switch taken := used.amounts[m.Currency]; {
	case !ok:
		return fmt.Sprintf("no daily amount in %s", m.Currency)
	case taken > most-m.Minor:
		return fmt.Sprintf("%s of %s today", ledger.Money{Minor: taken, Currency: m.Currency}, ledger.Money{Minor: most, Currency: m.Currency})
	}
	return ""
}
