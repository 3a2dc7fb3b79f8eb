package rules

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// How long a raise of a customer's own limit may wait.
const (
	minRaiseAfter = 24 * time.Hour
	maxRaiseAfter = 90 * 24 * time.Hour
)

var (
	gamingKeys    = []string{"kind", "period", "amounts", "time", "raise_after", "outcome", "description", "owner", "enabled"}
	gamingKinds   = []string{string(topics.GamingDeposit), string(topics.GamingLoss), string(topics.GamingSession)}
	gamingPeriods = []string{string(topics.GamingDay), string(topics.GamingWeek), string(topics.GamingMonth)}
	periodLengths = map[topics.GamingPeriod]time.Duration{topics.GamingDay: 24 * time.Hour, topics.GamingWeek: 7 * 24 * time.Hour, topics.GamingMonth: 31 * 24 * time.Hour}
)

// gamingDraft is a responsible-gaming limit as parsed.
type gamingDraft struct {
	GamingLimit
	source *source
	at     map[string]place // of the values, by key; "" is the limit itself
}

// zoneDraft is a file's time zone as parsed.
type zoneDraft struct {
	zone
	at place
}

// gamingLimit reads one responsible-gaming limit; nil where it has a mistake.
func (s *source) gamingLimit(n ast.Node) *gamingDraft {
	before := len(*s.problems)
	d := &gamingDraft{source: s, at: map[string]place{"": placeOf(tokenOf(n))}}
	d.Enabled, d.RaiseAfter, d.File, d.Line = true, int64(minRaiseAfter/time.Second), s.name, d.at[""].line
	for _, p := range s.mapping(n, "a gaming limit") {
		d.at[p.key] = placeOf(tokenOf(p.value))
		switch p.key {
		case "kind":
			d.Kind = topics.GamingKind(s.oneOf(p.value, "kind", gamingKinds))
		case "period":
			d.Period = topics.GamingPeriod(s.oneOf(p.value, "period", gamingPeriods))
		case "amounts":
			d.Amounts = s.gamingAmounts(p.value)
		case "time":
			d.Seconds = s.seconds(p.value, "time")
		case "raise_after":
			d.RaiseAfter = s.seconds(p.value, "raise_after")
		case "outcome":
			d.Outcome = s.outcome(p.value, "outcome", topics.OutcomeBlock, topics.OutcomeHold)
		case "description":
			d.Description = s.text(p.value, "description")
		case "owner":
			d.Owner = s.text(p.value, "owner")
		case "enabled":
			d.Enabled = s.boolean(p.value, "enabled")
		default:
			s.fail(p.at, suggest(p.key, gamingKeys), "unknown key %q in a gaming limit", p.key)
		}
	}
	if len(*s.problems) > before {
		return nil
	}
	for key, value := range map[string]string{"kind": "deposit", "period": "week"} {
		if _, ok := d.at[key]; !ok {
			s.fail(d.at[""], fmt.Sprintf("add it, such as %s: %s", key, value), "the gaming limit has no %s", key)
			return nil
		}
	}
	if d.check(); len(*s.problems) > before {
		return nil
	}
	if d.Outcome == "" && d.Default() != "" {
		d.Outcome = topics.OutcomeBlock
	}
	return d
}

// check looks at what belongs together.
func (d *gamingDraft) check() {
	fail := func(key, hint, format string, args ...any) { d.source.fail(d.at[key], hint, format, args...) }
	if !d.Enabled {
		for _, key := range []string{"amounts", "time", "raise_after", "outcome"} {
			if _, ok := d.at[key]; ok {
				fail(key, "leave it out, or leave enabled out", "a gaming limit with enabled: false takes another away and says nothing else")
				return
			}
		}
		return
	}
	_, amounts := d.at["amounts"]
	_, hasTime := d.at["time"]
	_, outcome := d.at["outcome"]
	length, raise := periodLengths[d.Period], time.Duration(d.RaiseAfter)*time.Second
	switch {
	case d.Kind == topics.GamingSession && amounts:
		fail("amounts", "write time: 4h", "a session is limited to a time, not to amounts")
	case d.Kind != topics.GamingSession && hasTime:
		fail("time", `write amounts: ["1000.00 EUR"]`, "a limit of kind %s has amounts, not a time", d.Kind)
	case hasTime && (d.Seconds == 0 || time.Duration(d.Seconds)*time.Second >= length):
		fail("time", "write a shorter time, such as 4h", "time %s limits nothing in a %s of %s", shortDuration(time.Duration(d.Seconds)*time.Second), d.Period, shortDuration(length))
	case raise < minRaiseAfter || raise > maxRaiseAfter:
		fail("raise_after", "write raise_after: 24h", "raise_after %s is not between 24h and 90d", shortDuration(raise))
	case outcome && !amounts && !hasTime:
		fail("outcome", "add amounts or a time, or leave it out", "the outcome is of what is above the brand's limit, and the brand sets none here")
	case d.Outcome == topics.OutcomeHold && d.Kind != topics.GamingDeposit:
		fail("outcome", "write outcome: block, or leave it out", "a stake cannot wait for a reviewer")
	}
}

func (s *source) oneOf(n ast.Node, what string, allowed []string) string {
	text := s.text(n, what)
	if text != "" && !slices.Contains(allowed, text) {
		s.fail(placeOf(tokenOf(n)), suggest(text, allowed), "%s cannot be %q; it is one of %s", what, text, strings.Join(allowed, ", "))
	}
	return text
}

// seconds reads a time such as 24h.
func (s *source) seconds(n ast.Node, what string) int64 {
	text := s.text(n, what)
	t, err := parseDuration(text)
	if err != nil && text != "" {
		s.fail(placeOf(tokenOf(n)), hintOf(err), "%s", err)
	}
	return int64(t / time.Second)
}

func (s *source) gamingAmounts(n ast.Node) map[string]int64 {
	amounts := map[string]int64{}
	for _, a := range s.sequence(n, "amounts") {
		at, text := placeOf(tokenOf(a)), s.text(a, "an amount")
		m, err := ledger.ParseMoney(text)
		_, twice := amounts[string(m.Currency)]
		switch {
		case text == "":
		case err != nil:
			s.fail(at, amountHint, "%s", err)
		case m.Minor < 0:
			s.fail(at, "write the largest amount that is let through", "a limit is not below zero")
		case twice:
			s.fail(at, "leave one of them out", "the limit has two amounts in %s", m.Currency)
		default:
			amounts[string(m.Currency)] = m.Minor
		}
	}
	if seq, ok := n.(*ast.SequenceNode); ok && len(seq.Values) == 0 {
		s.fail(placeOf(tokenOf(n)), "write one for each currency, or leave amounts out where only customers set limits", "amounts names none")
	}
	return amounts
}

// timeZone reads the zone whose days count.
func (s *source) timeZone(n ast.Node) *zoneDraft {
	at, name := placeOf(tokenOf(n)), s.text(n, "time_zone")
	if name == "" {
		return nil
	}
	location, err := time.LoadLocation(name)
	if _, known := countriesOfZone()[name]; err != nil || !known && name != "UTC" {
		s.fail(at, cmp.Or(suggest(name, slices.Sorted(maps.Keys(countriesOfZone()))), "write an IANA name such as Europe/Malta"), "unknown time zone %q", name)
		return nil
	}
	return &zoneDraft{zone{name: name, location: location}, at}
}

// gaming checks what concerns the limits of the set as a whole, and puts them into it.
func (c *compiler) gaming() {
	for i := range c.docs {
		d := &c.docs[i]
		for _, l := range d.gaming {
			if l == nil {
				continue
			}
			l.Scope = d.scope
			c.gamingLimit(l)
		}
		if d.zone == nil {
			continue
		}
		d.zone.Scope = d.scope
		for _, other := range c.set.gaming.zones {
			if other.rank() == d.scope.rank() && other.overlaps(d.scope) && other.name != d.zone.name {
				d.source.fail(d.zone.at, "a day has one beginning: write the same one in both files", "the same tenants and regions have the time zone %s already", other.name)
			}
		}
		c.set.gaming.zones = append(c.set.gaming.zones, d.zone.zone)
	}
	for _, d := range c.docs {
		if d.zone != nil && len(c.set.gaming.limits) == 0 {
			d.source.fail(d.zone.at, "leave it out", "nothing reads the time zone: the rule set has no gaming_limits")
		}
	}
	for i := range c.docs {
		for _, l := range c.docs[i].gaming {
			if l != nil {
				c.gamingWithin(l)
			}
		}
	}
}

// gamingLimit adds a limit, unless there is one of its kind and period for the same tenants and regions.
func (c *compiler) gamingLimit(l *gamingDraft) {
	for _, first := range c.set.gaming.limits {
		if first.Kind == l.Kind && first.Period == l.Period && first.rank() == l.rank() && first.overlaps(l.Scope) {
			l.source.fail(l.at[""], "leave one of them out", "there are two limits of kind %s for a %s (first at %s:%d)", l.Kind, l.Period, first.File, first.Line)
			return
		}
	}
	c.set.gaming.limits = append(c.set.gaming.limits, l.GamingLimit)
}

// gamingWithin checks a limit against the others: that one with enabled: false takes something away, and that the one of a
// shorter period binds at all.
func (c *compiler) gamingWithin(l *gamingDraft) {
	removes := false
	for i := range c.set.gaming.limits {
		other := &c.set.gaming.limits[i]
		removes = removes || other.Kind == l.Kind && other.Period == l.Period && other.Enabled && other.rank() < l.rank() && other.overlaps(l.Scope)
		if other.Kind != l.Kind || other.rank() != l.rank() || !other.overlaps(l.Scope) ||
			slices.Index(gamingPeriods, string(other.Period)) <= slices.Index(gamingPeriods, string(l.Period)) {
			continue
		}
		c.gamingPair(l, other)
	}
	if !l.Enabled && !removes {
		l.source.fail(l.at[""], "name a limit of a more general file", "there is no limit of kind %s for a %s to be taken away here", l.Kind, l.Period)
	}
}

// gamingPair compares a limit with the one of a longer period: it must be able to bind, and name the same currencies, as one
// without an amount is limited to zero.
func (c *compiler) gamingPair(l *gamingDraft, longer *GamingLimit) {
	above, at := longer.Seconds > 0 && l.Seconds > longer.Seconds, "time"
	lacking, of := "", ""
	for _, currency := range currenciesOf(l.Amounts, longer.Amounts) {
		minor, here := l.Amounts[currency]
		most, there := longer.Amounts[currency]
		switch {
		case len(l.Amounts) == 0 || len(longer.Amounts) == 0:
		case !here:
			lacking, of = currency, string(l.Period)
		case !there:
			lacking, of = currency, string(longer.Period)
		case minor > most:
			above, at = true, "amounts"
		}
	}
	if above {
		l.source.fail(l.at[at], "exchange them, or leave one out", "the limit for a %s is above that for a %s (%s:%d), so it never binds", l.Period, longer.Period, longer.File, longer.Line)
	} else if lacking != "" {
		l.source.fail(l.at["amounts"], `name it in both; write "0 `+lacking+`" where that is meant`,
			"the limits for a %s and for a %s (%s:%d) name different currencies: that for a %s would let nothing through in %s", l.Period, longer.Period, longer.File, longer.Line, of, lacking)
	}
}

func currenciesOf(a, b map[string]int64) []string {
	both := maps.Clone(a)
	if both == nil {
		both = map[string]int64{}
	}
	maps.Copy(both, b)
	return slices.Sorted(maps.Keys(both))
}
