package routing

import (
	"slices"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// Why a route is left out of a plan, in the order in which a plan tells them where a PSP has several.
const (
	ReasonDisabled  = "disabled"  // by a switch
	ReasonUnhealthy = "unhealthy" // by what became of requests
	ReasonLimit     = "limit"     // it has taken enough today
	ReasonMissing   = "missing"   // data that its condition reads
	ReasonError     = "error"     // its condition fails
	ReasonCondition = "condition" // its condition is not true
	ReasonSamePSP   = "same_psp"  // a route before it goes to the same PSP; told by Explain alone
)

// toldReasons are those that a plan tells.
var toldReasons = []string{ReasonDisabled, ReasonUnhealthy, ReasonLimit, ReasonMissing, ReasonError, ReasonCondition}

// Query is a payment that is to be authorised.
type Query struct {
	Input   rules.Input // of stage before_authorization; Now is the time
	Payment string      // id: what is drawn is drawn by it
	Later   bool        // the payment is created, and authorised later if at all: it is no probe
	// Off says why a PSP is switched off for the payment, "" where it is not; nil: none is.
	Off func(psp string) string
}

// Verdict is what became of one route.
type Verdict struct {
	Route, PSP string
	Place      int    // among the candidates, from 1; 0: it is left out
	Reason     string // it is left out; "" of a candidate
	Why        string // for people
	Read       map[string]string
}

// option is a route that takes a payment.
type option struct {
	route  *Route
	reason string // it is left out all the same
	detail string
	why    string // it stands where it does

	price              price
	sampled            int64 // billionths
	approved, declined int64 // learnt, in millionths
}

// Plan is the order of the PSPs for a payment. Its first candidate is asked, as far as State is concerned: where a PSP gets
// probes, this is one.
func (s *Set) Plan(q *Query, st *State) topics.RoutePlan {
	m := s.matcher.Begin(&q.Input)
	defer m.End()
	st.mu.Lock()
	defer st.mu.Unlock()
	p := s.plan(q, st, m)
	if len(p.Candidates) > 0 && !q.Later && !p.Partial { // a partial plan gives way to another one
		st.psps[p.Candidates[0].PSP].take()
	}
	return p.RoutePlan
}

// Explain is Plan with what became of each route, in the order of the file. It changes nothing.
func (s *Set) Explain(q *Query, st *State) (topics.RoutePlan, []Verdict) {
	m := s.matcher.Begin(&q.Input)
	defer m.End()
	st.mu.Lock()
	defer st.mu.Unlock()
	p := s.plan(q, st, m)
	verdicts := make([]Verdict, 0, len(s.routes))
	for i := range s.routes {
		r := &s.routes[i]
		v := Verdict{Route: r.Name, PSP: r.PSP}
		if v.Reason = r.miss(m); v.Reason == "" {
			o := p.taking[slices.IndexFunc(p.taking, func(o option) bool { return o.route == r })]
			v.Reason, v.Why = o.reason, o.detail
		} else if r.condition >= 0 {
			v.Why = m.Detail(r.condition)
		}
		if at := slices.IndexFunc(p.Candidates, func(c topics.RouteCandidate) bool { return c.Route == r.Name }); at >= 0 {
			v.Place, v.Reason, v.Why = at+1, "", p.Candidates[at].Why
		}
		if r.condition >= 0 {
			v.Read = m.Read(r.condition)
		}
		verdicts = append(verdicts, v)
	}
	return p.RoutePlan, verdicts
}

// planned is a plan in the making.
type planned struct {
	topics.RoutePlan
	taking []option
	named  []bool // by Route.provider: the plan says something of it
}

func (s *Set) plan(q *Query, st *State, m *rules.Matching) *planned {
	c := q.Input.Command
	amount := ledger.Money{Minor: c.Amount, Currency: ledger.Currency(c.Currency)}
	p := &planned{named: make([]bool, s.providers), taking: make([]option, 0, s.providers), RoutePlan: topics.RoutePlan{
		Version: s.hash, Attempts: s.attempts, WithinSeconds: int64(s.within.Seconds()), DeferSeconds: int64(s.deferred.Seconds()), Country: Country(&q.Input),
		Partial: s.asks && c.Type == topics.CommandAuthorize}}
	for i := range s.routes {
		r := &s.routes[i]
		if r.miss(m) != "" {
			continue
		}
		o := option{route: r}
		if s.strategy == LeastCost {
			o.price = r.price(m, amount)
		}
		p.taking = append(p.taking, o)
	}
	s.order(p.taking, q, st)
	day := dayOf(q.Input.Now, s.zone)
	for i := range p.taking {
		o := &p.taking[i]
		if o.reason, o.detail = s.obstacle(o.route, q, st, day, amount); o.reason == "" {
			p.add(o)
		}
	}
	if len(p.Candidates) == 0 {
		p.lastResort()
	} else if s.deferred > 0 {
		p.later()
	}
	s.leaveOut(p, m)
	return p
}

// miss says why a route's condition keeps it from a payment, "" where it takes it.
func (r *Route) miss(m *rules.Matching) string {
	if r.condition < 0 {
		return ""
	}
	switch m.Result(r.condition) {
	case topics.RuleHit:
		return ""
	case topics.RuleMiss:
		return ReasonCondition
	case topics.RuleMissing:
		return ReasonMissing
	}
	return ReasonError
}

// obstacle says what keeps a route that takes the payment out of the plan, "" where nothing does.
func (s *Set) obstacle(r *Route, q *Query, st *State, day int64, amount ledger.Money) (reason, detail string) {
	if q.Off != nil {
		if why := q.Off(r.PSP); why != "" {
			return ReasonDisabled, why
		}
	}
	if ok, why := st.psps[r.PSP].admits(s.health, q.Input.Now); !ok {
		return ReasonUnhealthy, why
	}
	if why := st.full(r, day, amount); why != "" {
		return ReasonLimit, why
	}
	return "", ""
}

// add puts a route at the end of the candidates, unless its PSP is there already.
func (p *planned) add(o *option) {
	if p.named[o.route.provider] {
		o.reason = ReasonSamePSP
		return
	}
	p.named[o.route.provider] = true
	if p.Candidates == nil {
		p.Candidates = make([]topics.RouteCandidate, 0, len(p.named))
	}
	p.Candidates = append(p.Candidates, topics.RouteCandidate{Route: o.route.Name, PSP: o.route.PSP, Why: o.why, Approved: o.approved, Declined: o.declined})
}

// lastResort names the PSPs that are unhealthy, and after them those that are switched off, where there are no others: the
// gateway knows at once whether one of them can be asked, and the payment may wait for it.
func (p *planned) lastResort() {
	for _, reason := range []string{ReasonUnhealthy, ReasonDisabled} {
		for i := range p.taking {
			if o := &p.taking[i]; o.reason == reason {
				p.add(&option{route: o.route, why: reason + ", and there is no other: " + o.detail, approved: o.approved, declined: o.declined})
			}
		}
	}
}

// later names the PSPs that are left out only for now: a payment that waits outlasts that.
func (p *planned) later() {
	for _, reason := range []string{ReasonUnhealthy, ReasonDisabled} {
		for i := range p.taking {
			o := &p.taking[i]
			if o.reason != reason || p.named[o.route.provider] ||
				slices.ContainsFunc(p.Later, func(c topics.RouteCandidate) bool { return c.PSP == o.route.PSP }) {
				continue
			}
			p.Later = append(p.Later, topics.RouteCandidate{Route: o.route.Name, PSP: o.route.PSP, Why: "when the payment has waited: " + reason + ", " + o.detail})
		}
	}
}

// leaveOut names one route of each PSP that is no candidate: a plan is stored with its payment.
func (s *Set) leaveOut(p *planned, m *rules.Matching) {
	if !slices.Contains(p.named, false) {
		return
	}
	for _, reason := range toldReasons {
		for i := range p.taking {
			if o := &p.taking[i]; o.reason == reason {
				p.leave(o.route, reason, o.detail)
			}
		}
		for i := range s.routes {
			if r := &s.routes[i]; !p.named[r.provider] && r.condition >= 0 && r.miss(m) == reason {
				p.leave(r, reason, m.Detail(r.condition))
			}
		}
	}
}

func (p *planned) leave(r *Route, reason, detail string) {
	if !p.named[r.provider] {
		p.named[r.provider] = true
		p.LeftOut = append(p.LeftOut, topics.RouteLeftOut{Route: r.Name, PSP: r.PSP, Reason: reason, Detail: detail})
	}
}

// Country is the card's, by the producer's word or else the BIN table's.
func Country(in *rules.Input) string {
	if c := in.Command.Card; c != nil && c.Country != "" {
		return c.Country
	}
	if e := in.Enrichment; e != nil && e.BIN != nil {
		return e.BIN.Country
	}
	return ""
}
