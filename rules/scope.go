package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// maxScopeNames is how many tenants or regions a file may name.
const maxScopeNames = 100

// Scope is whose commands rules are evaluated for. An empty list names all.
type Scope struct {
	Tenants []string
	Regions []string
}

// rank orders scopes: base, tenant, region, both. A rule of a higher rank replaces those of the same name below it.
func (s Scope) rank() int {
	rank := 0
	if len(s.Tenants) > 0 {
		rank++
	}
	if len(s.Regions) > 0 {
		rank += 2
	}
	return rank
}

func (s Scope) covers(tenant, region string) bool {
	return (len(s.Tenants) == 0 || slices.Contains(s.Tenants, tenant)) && (len(s.Regions) == 0 || slices.Contains(s.Regions, region))
}

// overlaps tells whether there may be a command that both scopes cover.
func (s Scope) overlaps(o Scope) bool {
	return meet(s.Tenants, o.Tenants) && meet(s.Regions, o.Regions)
}

func meet(a, b []string) bool {
	return len(a) == 0 || len(b) == 0 || slices.ContainsFunc(a, func(name string) bool { return slices.Contains(b, name) })
}

func (s Scope) String() string {
	if s.rank() == 0 {
		return "all"
	}
	parts := []string{strings.Join(s.Tenants, ","), strings.Join(s.Regions, ",")}
	for i, part := range parts {
		if part == "" {
			parts[i] = "all"
		}
	}
	return parts[0] + "/" + parts[1]
}

// validAt tells whether a rule is valid at a moment; the zero time is one at which every rule is.
func (r *Rule) validAt(now time.Time) bool {
	return now.IsZero() || !now.Before(r.ValidFrom) && (r.ValidUntil.IsZero() || now.Before(r.ValidUntil))
}

// applies tells whether a rule is there for a command, be it to decide or to take another's place.
func (r *Rule) applies(in *Input) bool {
	return r.covers(in.tenant(), in.region()) && r.validAt(in.Now) && r.rolledOut(in)
}

// rolledOut tells whether a rule that is in force for a part of the customers is so for this one. The same customer
// always has the same answer, and keeps it when the percentage grows; a guest's payments are told apart one by one.
func (r *Rule) rolledOut(in *Input) bool {
	if r.Rollout == 0 || in.everyone {
		return true
	}
	who := in.customer()
	if who == "" {
		who = in.id()
	}
	h := fnv1a(fnvOffset, r.Name)
	h = fnv1a((h^0xff)*fnvPrime, in.tenant())
	h = fnv1a((h^0xff)*fnvPrime, who)
	h ^= h >> 32 // the low bits of FNV alone are poor
	h *= 0xd6e8feb86659fd93
	h ^= h >> 32
	return h%100 < uint64(r.Rollout)
}

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func fnv1a(h uint64, text string) uint64 {
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * fnvPrime
	}
	return h
}

// inForce appends those of the rules that are evaluated for an input: their time has come, they are for its tenant and
// region, and no rule of their name that is closer to these takes their place.
func (s *Set) inForce(to, rules []int32, in *Input) []int32 {
	for _, at := range rules {
		if s.enforces(at, in) {
			to = append(to, at)
		}
	}
	return to
}

func (s *Set) enforces(at int32, in *Input) bool {
	r := &s.rules[at]
	if !r.applies(in) {
		return false
	}
	for _, other := range r.replacedBy {
		if s.rules[other].applies(in) {
			return false
		}
	}
	return true
}

// replacements finds for each rule those that take its place. A shadow rule takes nobody's.
func (s *Set) replacements() {
	byName := map[string][]int{}
	for i := range s.rules {
		byName[s.rules[i].Name] = append(byName[s.rules[i].Name], i)
	}
	for i := range s.rules {
		r := &s.rules[i]
		for _, j := range byName[r.Name] {
			other := &s.rules[j]
			if other.Scope.rank() > r.Scope.rank() && other.overlaps(r.Scope) && !other.Shadow {
				r.replacedBy = append(r.replacedBy, j)
				other.replaces = true
			}
		}
	}
}

// scope reads tenants or regions.
func (s *source) scope(n ast.Node, what string) []string {
	var names []string
	for _, e := range s.sequence(n, what) {
		at, name := placeOf(tokenOf(e)), s.text(e, "the name of one of the "+what)
		switch {
		case name == "":
		case len(name) > maxNameLength || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }):
			s.fail(at, "", "%q is not a name that commands can carry", name)
		case slices.Contains(names, name):
			s.fail(at, "", "%q stands here twice", name)
		default:
			names = append(names, name)
		}
	}
	if seq, ok := n.(*ast.SequenceNode); ok && len(seq.Values) == 0 {
		s.fail(placeOf(tokenOf(n)), "leave "+what+" out where the file is for all of them", "%s names none", what)
	}
	if len(names) > maxScopeNames {
		s.fail(placeOf(tokenOf(n)), "", "the file names %d %s; at most %d are allowed", len(names), what, maxScopeNames)
	}
	slices.Sort(names)
	return names
}

// moment reads a date or a moment; a date is its beginning, or its end.
func (s *source) moment(n ast.Node, what string, end bool) time.Time {
	if _, number := n.(*ast.IntegerNode); number {
		s.fail(placeOf(tokenOf(n)), fmt.Sprintf("write a date as %s: \"2027-01-31\"", what), "%s must be a date or a moment, not a number", what)
		return time.Time{}
	}
	text := s.text(n, what)
	at, err := ParseExpiry(text)
	if err != nil {
		if text != "" {
			s.fail(placeOf(tokenOf(n)), hintOf(err), "%s", err)
		}
		return time.Time{}
	}
	if !end && len(text) == len(time.DateOnly) {
		return at.AddDate(0, 0, -1)
	}
	return at
}

// named notes a rule's name: it stands once for the same tenants and regions.
func (c *compiler) named(names map[string][]*draft, d *draft) {
	if d.Name == "" {
		return
	}
	for _, first := range names[d.Name] {
		if first.Stage != d.Stage {
			d.source.fail(d.at["name"], "give it another name: decisions and metrics know a rule by its name", "the rule %q is defined at stage %s already (%s:%d)",
				d.Name, first.Stage, first.source.name, first.at["name"].line)
			return
		}
		if first.rank() == d.rank() && first.overlaps(d.Scope) {
			d.source.fail(d.at["name"], anotherName, "the rule %q is defined twice (first at %s:%d)", d.Name, first.source.name, first.at["name"].line)
			return
		}
	}
	names[d.Name] = append(names[d.Name], d)
}

// removals checks that a rule that says nothing but enabled: false takes another away.
func (c *compiler) removals(names map[string][]*draft) {
	var rules []string
	for name, same := range names {
		if slices.ContainsFunc(same, func(d *draft) bool { return !d.removal }) {
			rules = append(rules, name)
		}
	}
	for _, same := range names {
		for _, d := range same {
			if !d.removal {
				continue
			}
			if len(d.Tests) > 0 {
				d.source.fail(d.at["tests"], "give it a condition, or leave the tests out", "the rule %q has no condition that tests could try", d.Name)
			}
			removes := slices.ContainsFunc(same, func(other *draft) bool { return other.rank() < d.rank() && other.overlaps(d.Scope) })
			if !removes {
				d.source.fail(d.at["name"], cmp.Or(suggest(d.Name, rules), "name a rule of a more general file, or give it a condition"), "there is no rule %q to be removed here", d.Name)
			}
		}
	}
}

// partly tells whether a rule is in force for some payments alone, so that another may have its condition.
func (r *Rule) partly() bool {
	return r.Shadow || r.Rollout > 0 || !r.ValidFrom.IsZero() || !r.ValidUntil.IsZero()
}

// inForce checks what a rule says of when it is in force.
func (c *condition) inForce() {
	if !c.ValidUntil.IsZero() && !c.ValidFrom.Before(c.ValidUntil) {
		c.source.fail(c.at["valid_until"], "exchange them, or leave one out", "valid_until is not after valid_from, so the rule is never in force")
	}
	if c.Shadow && c.Rollout > 0 {
		c.source.fail(c.at["rollout"], "leave one of them out", "a shadow rule changes no outcome, so there is nothing to roll out")
	}
}
