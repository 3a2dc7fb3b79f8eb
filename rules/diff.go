package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Change is one difference between two rule sets in what they decide.
type Change struct {
	What   string // rule foreign_card, list blocked_bins, …
	Key    string // what of it: when, outcome, an entry; "" where all of it is new or gone
	Before string // "" where it was not there
	After  string // "" where it is gone
}

// Diff are the differences in what two sets decide, by kind and name. Descriptions, owners, tags and tests are none.
func Diff(before, after *Set) []Change {
	old, changed := before.parts(), after.parts()
	names := slices.Collect(maps.Keys(old))
	for name := range changed {
		if _, ok := old[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var changes []Change
	for _, name := range names {
		a, inOld := old[name]
		b, inNew := changed[name]
		switch {
		case !inOld:
			changes = append(changes, Change{What: name, After: b.summary()})
		case !inNew:
			changes = append(changes, Change{What: name, Before: a.summary()})
		default:
			changes = append(changes, differences(name, a, b)...)
		}
	}
	return changes
}

// part is what one named thing of a set says, by key.
type part map[string]string

// summary is what a part says in short: its condition or what stands for it.
func (p part) summary() string {
	for _, key := range []string{"when", "items", "amounts", "definition"} {
		if p[key] != "" {
			return p[key]
		}
	}
	if p["raise_after"] != "" { // of a gaming limit
		return "no amount of the brand's, raised after " + p["raise_after"]
	}
	entries, rates := 0, 0
	for key := range p {
		switch {
		case strings.HasPrefix(key, "entry "):
			entries++
		case strings.HasPrefix(key, "rate "):
			rates++
		}
	}
	if rates > 0 {
		return fmt.Sprintf("%d rates", rates)
	}
	return fmt.Sprintf("%d entries", entries)
}

func differences(name string, a, b part) (changes []Change) {
	keys := map[string]bool{}
	for _, p := range []part{a, b} {
		for key := range p {
			keys[key] = true
		}
	}
	for _, key := range sortedNames(keys) {
		if a[key] != b[key] {
			changes = append(changes, Change{What: name, Key: key, Before: a[key], After: b[key]})
		}
	}
	return changes
}

// parts are all that decides, by kind and name.
func (s *Set) parts() map[string]part {
	parts := map[string]part{}
	for i := range s.rules {
		r := &s.rules[i]
		name := "rule " + r.Name
		if r.Scope.rank() > 0 {
			name += " of " + r.Scope.String()
		}
		parts[name] = r.part()
	}
	for _, l := range s.lists {
		p := part{"match": string(l.Match), "editable": editable(l)}
		for _, e := range l.Entries {
			value := "listed"
			if !e.Expires.IsZero() {
				value = "until " + moment(e.Expires)
			}
			p["entry "+e.Value] = value
		}
		parts["list "+l.Name] = p
	}
	for stage, b := range s.bounds {
		parts["breaker of "+string(stage)] = part{"definition": b.String()}
	}
	for _, l := range s.limits {
		parts["limit "+l.Name] = part{"amounts": strings.Join(l.Amounts, ", ")}
	}
	if s.rates != nil {
		parts["rates"] = s.rates.part()
	}
	s.gaming.parts(parts)
	for _, d := range s.velocity {
		text := fmt.Sprintf("%s of %s by %s in %s", d.Aggregate, strings.Join(d.Kinds, ", "), d.By, shortDuration(d.Window))
		if d.Of != "" {
			text = fmt.Sprintf("%s %s of %s by %s in %s", d.Aggregate, d.Of, strings.Join(d.Kinds, ", "), d.By, shortDuration(d.Window))
		}
		if d.Currency != "" {
			text += " in " + string(d.Currency)
		}
		if d.Reserve {
			text += ", reserved"
		}
		parts["velocity "+d.Name] = part{"definition": text}
	}
	return parts
}

func editable(l *List) string {
	switch {
	case l.FourEyes:
		return "by two people"
	case l.Editable:
		return "yes"
	}
	return ""
}

func (r *compiled) part() part {
	p := part{"when": r.When, "outcome": string(r.Outcome), "on_missing": string(r.OnMissing), "on_error": string(r.OnError),
		"reason": r.Reason, "score": fmt.Sprint(r.Score), "overridable": fmt.Sprint(r.Overridable), "in force": r.inForce(),
		"commands": fmt.Sprint(r.Commands), "stage": string(r.Stage), "breaker": r.Breaker.String()}
	if r.card != nil {
		delete(p, "when")
		var items, bands []string
		for _, i := range r.card.items {
			items = append(items, fmt.Sprintf("%s %d/%d: %s", i.name, i.points, i.missing, i.text))
		}
		for _, b := range r.card.bands {
			bands = append(bands, fmt.Sprintf("%d %s", b.from, b.outcome))
		}
		p["items"], p["bands"] = strings.Join(items, "; "), strings.Join(bands, ", ")
	}
	return p
}
