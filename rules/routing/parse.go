package routing

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/rules"
)

var (
	fileKeys    = []string{"strategy", "stable_by", "half_life", "time_zone", "cascade", "defer", "health", "lists", "limits", "routes", "tests"}
	routeKeys   = []string{"name", "description", "psp", "when", "weight", "cost", "daily", "enabled"}
	costKeys    = []string{"when", "fixed", "percent"}
	dailyKeys   = []string{"count", "amount"}
	cascadeKeys = []string{"attempts", "within"}
	healthKeys  = []string{"window", "at_least", "error_rate", "timeout_rate", "p95", "open_for", "probes"}
)

// parser reads one file.
type parser struct {
	*rules.Sheet
	set        *Set
	conditions *rules.Conditions
	psps       []string // nil: any
	names      map[string]int
}

// Compile builds a Set from a file. readList reads a list's CSV file; psps are the providers that there are, nil for any.
// The error is of type rules.Problems and holds every mistake found. Compile does not run the tests in the file; Set.Test does.
func Compile(file rules.File, psps []string, readList func(name string) ([]byte, error)) (*Set, error) {
	var problems rules.Problems
	sheet, entries := rules.NewSheet(file, "a routing file", fileKeys, &problems)
	if len(entries) == 0 && len(problems) > 0 {
		return nil, problems.Sorted()
	}
	conditions, err := rules.NewConditions(sheet, readList)
	if err != nil {
		return nil, err
	}
	p := &parser{Sheet: sheet, conditions: conditions, psps: psps, names: map[string]int{},
		set: &Set{strategy: Priority, stableBy: byCustomer, attempts: 1, zone: time.UTC, sheet: sheet, name: file.Name}}
	p.file(entries)
	if p.set.matcher, err = conditions.Compile(); err != nil {
		return nil, err
	}
	p.tests(entries)
	if err := problems.Sorted(); err != nil {
		return nil, err
	}
	p.set.finish()
	p.warn()
	return p.set, nil
}

// file reads all but the tests, which name routes.
func (p *parser) file(entries []rules.SheetEntry) {
	at := map[string]rules.SheetEntry{}
	for _, e := range entries {
		at[e.Key] = e
	}
	p.conditions.Constants(at["lists"].Value, at["limits"].Value)
	s := p.set
	for _, e := range entries {
		switch e.Key {
		case "strategy":
			s.strategy = Strategy(p.OneOf(e.Value, "strategy", string(Priority), string(LeastCost), string(VolumeSplit), string(Bandit)))
		case "stable_by":
			s.stableBy = p.OneOf(e.Value, "stable_by", byCustomer, byPayment)
		case "half_life":
			s.halfLife = p.Duration(e.Value, "half_life", time.Minute, 90*24*time.Hour)
		case "time_zone":
			if zone := p.Location(e.Value); zone != nil {
				s.zone = zone
			}
		case "cascade":
			p.cascade(e.Value)
		case "defer":
			s.deferred = p.Duration(e.Value, "defer", time.Second, maxDefer)
		case "health":
			p.health(e.Value)
		case "routes":
			for i, n := range p.Sequence(e.Value, "routes") {
				if i == maxRoutes {
					p.Fail(n, "", "the file has more than %d routes", maxRoutes)
					break
				}
				p.route(n)
			}
		}
	}
	if len(s.routes) == 0 && at["routes"].Value == nil {
		p.Fail(nil, "add routes: [{ name: main, psp: acme }]", "the file has no routes")
	}
	p.together(at)
}

// together checks keys that need or exclude each other.
func (p *parser) together(at map[string]rules.SheetEntry) {
	s := p.set
	if e, ok := at["stable_by"]; ok && s.strategy != VolumeSplit {
		p.FailKey(e, "leave it out, or write strategy: volume_split", "stable_by is for strategy volume_split")
	}
	if e, ok := at["half_life"]; ok && s.strategy != Bandit {
		p.FailKey(e, "leave it out, or write strategy: bandit", "half_life is for strategy bandit")
	} else if s.strategy == Bandit && !ok {
		p.FailKey(at["strategy"], "add half_life: 24h", "strategy bandit needs half_life: how fast what was learnt is forgotten")
	}
	if s.strategy != LeastCost {
		return
	}
	for i := range s.routes {
		if r := &s.routes[i]; len(r.costs) == 0 {
			s.warned = append(s.warned, rules.Problem{File: s.name, Line: r.line, Column: 1, Message: "the route \"" + r.Name + "\" has no cost: it comes after all that have one",
				Hint: "add cost: [{ fixed: [\"0.10 EUR\"], percent: 1.4% }]"})
		}
	}
}

func (p *parser) cascade(n rules.Node) {
	within := false
	for _, e := range p.Mapping(n, "cascade", cascadeKeys) {
		switch e.Key {
		case "attempts":
			p.set.attempts = int(p.Integer(e.Value, "attempts", 1, maxAttempts))
		case "within":
			within = true
			p.set.within = p.Duration(e.Value, "within", time.Second, maxWithin)
		}
	}
	if p.set.attempts > 1 && !within {
		p.Fail(n, "add within: 30s", "cascade does not say within which time another PSP may be asked")
	}
}

func (p *parser) health(n rules.Node) {
	h := HealthTerms{AtLeast: 20, OpenFor: 30 * time.Second, Probes: 5}
	for _, e := range p.Mapping(n, "health", healthKeys) {
		switch e.Key {
		case "window":
			h.Window = p.Duration(e.Value, "window", 10*time.Second, time.Hour)
		case "at_least":
			h.AtLeast = p.Integer(e.Value, "at_least", 1, 1_000_000)
		case "error_rate":
			h.ErrorRate = p.Percentage(e.Value, "error_rate")
		case "timeout_rate":
			h.TimeoutRate = p.Percentage(e.Value, "timeout_rate")
		case "p95":
			h.P95 = p.Duration(e.Value, "p95", time.Second, time.Minute)
		case "open_for":
			h.OpenFor = p.Duration(e.Value, "open_for", time.Second, time.Hour)
		case "probes":
			h.Probes = p.Integer(e.Value, "probes", 1, 1_000)
		}
	}
	switch {
	case h.Window == 0:
		p.Fail(n, "add window: 1m", "health does not say over which window results are counted")
	case h.ErrorRate == 0 && h.TimeoutRate == 0 && h.P95 == 0:
		p.Fail(n, "add error_rate: 30%, timeout_rate: 20% or p95: 5s", "health does not say when a PSP is unhealthy")
	}
	p.set.health = h
}

var pspForm = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)

func (p *parser) route(n rules.Node) {
	r := Route{Weight: 1, line: p.Line(n), condition: -1}
	enabled := true
	for _, e := range p.Mapping(n, "a route", routeKeys) {
		switch e.Key {
		case "name":
			r.Name = p.Name(e.Value, "the name")
			if first, ok := p.names[r.Name]; ok && r.Name != "" {
				p.Fail(e.Value, "give one of them another name", "the route %q is defined twice (first at line %d)", r.Name, first)
			}
			p.names[r.Name] = r.line
		case "description":
			p.Text(e.Value, "description")
		case "psp":
			r.PSP = p.psp(e.Value)
		case "when":
			r.condition = p.conditions.Add(e.Value)
		case "weight":
			r.Weight = p.Integer(e.Value, "weight", 0, maxWeight)
		case "cost":
			r.costs = p.costs(e.Value)
		case "daily":
			r.daily = p.daily(e.Value)
		case "enabled":
			enabled = p.Boolean(e.Value, "enabled")
		}
	}
	switch {
	case r.Name == "":
		p.Fail(n, "add it, such as name: main", "the route has no name")
	case r.PSP == "":
		p.Fail(n, "add it, such as psp: acme", "the route has no psp")
	}
	if enabled {
		p.set.routes = append(p.set.routes, r)
	}
}

func (p *parser) psp(n rules.Node) string {
	name := p.Text(n, "psp")
	switch {
	case name == "":
	case !pspForm.MatchString(name):
		p.Fail(n, "write it as in the configuration, where it stands below psp", "psp %q is not a name of a-z, 0-9, - and _ that begins with a letter", name)
	case p.psps != nil && !slices.Contains(p.psps, name):
		p.Fail(n, rules.Suggest(name, p.psps), "the configuration has no PSP %q", name)
	}
	return name
}

func (p *parser) costs(n rules.Node) []cost {
	var costs []cost
	for i, item := range p.Sequence(n, "cost") {
		if i == maxCosts {
			p.Fail(item, "", "the route has more than %d costs", maxCosts)
			break
		}
		if i > 0 && costs[i-1].condition < 0 {
			p.Fail(item, "put the cost without when last", "this cost is never reached: the one before it is for every payment")
		}
		c := cost{condition: -1}
		said := false
		for _, e := range p.Mapping(item, "a cost", costKeys) {
			switch e.Key {
			case "when":
				c.condition = p.conditions.Add(e.Value)
			case "fixed":
				c.fixed, said = p.amounts(e.Value, "fixed"), true
			case "percent":
				c.millionths, said = p.percent(e.Value), true
			}
		}
		if !said {
			p.Fail(item, "add fixed: [\"0.10 EUR\"], percent: 1.4%, or both", "the cost says nothing")
		}
		costs = append(costs, c)
	}
	return costs
}

var percentForm = regexp.MustCompile(`^(\d{1,2})(?:\.(\d{1,4}))?%$`)

// percent reads 1.4% as millionths: 14000.
func (p *parser) percent(n rules.Node) int64 {
	if number, ok := p.Number(n); ok {
		p.Fail(n, "write percent: "+number+"%", "percent must be a percentage, not the number %s", number)
		return 0
	}
	text := p.Text(n, "percent")
	if text == "" {
		return 0
	}
	m := percentForm.FindStringSubmatch(text)
	if m == nil {
		p.Fail(n, "write it as 1.4%, with at most four digits behind the point", "percent must be 0%% to 99.9999%%, not %q", text)
		return 0
	}
	var millionths int64
	for _, d := range m[1] + (m[2] + "0000")[:4] {
		millionths = millionths*10 + int64(d-'0')
	}
	return millionths
}

func (p *parser) amounts(n rules.Node, what string) map[ledger.Currency]int64 {
	amounts := map[ledger.Currency]int64{}
	for _, a := range p.Sequence(n, "amounts") {
		text := p.Text(a, "an amount")
		if text == "" {
			continue
		}
		m, err := ledger.ParseMoney(text)
		switch _, twice := amounts[m.Currency]; {
		case err != nil:
			p.Fail(a, `write an amount as "0.10 EUR"`, "%s", err)
		case m.Minor < 0:
			p.Fail(a, "", "%s: %s is below zero", what, text)
		case twice:
			p.Fail(a, "leave one of them out", "%s has two amounts in %s", what, m.Currency)
		default:
			amounts[m.Currency] = m.Minor
		}
	}
	return amounts
}

func (p *parser) daily(n rules.Node) *Daily {
	d := &Daily{}
	for _, e := range p.Mapping(n, "daily", dailyKeys) {
		switch e.Key {
		case "count":
			d.Count = p.Integer(e.Value, "count", 1, 1<<40)
		case "amount":
			d.Amounts = p.amounts(e.Value, "amount")
		}
	}
	if d.Count == 0 && len(d.Amounts) == 0 {
		p.Fail(n, "add count: 1000, amount: [\"50000.00 EUR\"], or both", "daily says no limit")
	}
	return d
}

// warn tells of payments that no route may take.
func (p *parser) warn() {
	for _, r := range p.set.routes {
		if r.condition < 0 && r.daily == nil {
			return
		}
	}
	p.set.warned = append(p.set.warned, rules.Problem{File: p.set.name, Message: "every route has a condition or a limit: a payment that none takes is declined as no_route",
		Hint: "add a route without when and daily at the end, or mean it"})
}

func joined(names []string) string { return strings.Join(names, ", ") }
