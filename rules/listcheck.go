package rules

import (
	"errors"
	"fmt"
	"strings"
)

// lists declares every list; a name stands once in the whole set. Their entries are read once it is known which fields
// are looked up in them.
func (c *compiler) lists() {
	seen := map[string]place{}
	for _, d := range c.docs {
		for _, l := range d.lists {
			if first, ok := seen[l.Name]; ok {
				l.source.fail(l.at, anotherName, "the list %q is defined twice (first at line %d)", l.Name, first.line)
				continue
			}
			seen[l.Name] = l.at
			l.list = &List{Name: l.Name, Match: l.Match, Editable: l.Editable, FourEyes: l.FourEyes}
			l.list.prepare()
			c.set.lists = append(c.set.lists, l.list)
		}
	}
}

// entries reads and indexes the entries of every list.
func (c *compiler) entries(conditions []*condition) {
	for _, d := range conditions {
		for _, use := range d.lookUps {
			if l := c.list(use.list); l != nil {
				l.lookedUp(use.field)
			}
		}
	}
	for _, d := range c.docs {
		for _, l := range d.lists {
			if l.list == nil {
				continue
			}
			if l.file != "" {
				c.listFile(l, l.list)
			}
			for i, e := range l.Entries {
				if e.Value != "" {
					addEntry(l.source, l.entryAt[i], l.list, e)
				}
			}
		}
	}
}

// lookedUp notes a field that is looked up in the list. One that compares otherwise is a mistake of its condition.
func (l *List) lookedUp(f Field) {
	if f.Match != l.Match {
		return
	}
	for _, have := range l.fields {
		if have.Name == f.Name {
			return
		}
	}
	l.fields = append(l.fields, f)
}

// fits says why a value cannot be an entry: no field that is looked up in the list can ever have it.
func (l *List) fits(value string) error {
	if strings.TrimSpace(value) != value {
		return &hinted{fmt.Sprintf("%q begins or ends with a space", value), fmt.Sprintf("write %q", strings.TrimSpace(value))}
	}
	if l.Match == MatchBINPrefix || l.Match == MatchNetwork {
		return nil // an entry is not a value of the field; add looks at it
	}
	value = l.Match.form(value)
	for _, f := range l.fields {
		if f.literal == nil {
			continue
		}
		if wrong := f.literal(value); wrong != "" {
			return &hinted{fmt.Sprintf("%s can never equal %q", f.Name, value), wrong}
		}
	}
	return nil
}

// unusedConstants warns of lists, limits and rates that nothing uses.
func (c *compiler) unusedConstants(conditions []*condition) {
	named := map[string]bool{}
	for _, d := range conditions {
		if d.failed && !d.removal {
			return // it may be the one that was to name them
		}
		for name := range d.constants {
			named[name] = true
		}
	}
	for _, d := range c.docs {
		for _, l := range d.lists {
			if l.list != nil && !named[listPrefix+l.Name] {
				c.warn(l.source, l.at, "look a field up in it, or leave it out", "no rule uses the list %q", l.Name)
			}
		}
		for _, l := range d.limits {
			if !named[limitPrefix+l.Name] {
				c.warn(l.source, l.at, "compare an amount with it, or leave it out", "no rule uses the limit %q", l.Name)
			}
		}
	}
	c.uselessRates(conditions)
}

// Canonical is a value as an edit of the list writes it; the error says why it cannot be an entry, and what would be right.
func (l *List) Canonical(value string) (string, error) {
	if holdsCardNumber(value) { // before anything that would name the value
		return "", errors.New("a card number must not stand in a list: use a BIN or a fingerprint")
	}
	err := l.fits(value)
	if err == nil {
		_, err = editKey(l.Match, value)
	}
	switch {
	case err != nil && hintOf(err) != "":
		return "", fmt.Errorf("%w: %s", err, hintOf(err))
	case err != nil:
		return "", err
	case value == "":
		return "", errors.New("the entry has no value")
	case holdsCardNumber(value):
		return "", errors.New("a card number must not stand in a list: use a BIN or a fingerprint")
	}
	if l.Match == MatchNetwork {
		p, _ := parseNetwork(value)
		if value = p.String(); p.IsSingleIP() {
			value = p.Addr().String()
		}
	}
	return l.Match.form(value), nil
}

// List is the list of a name; the error names the one that was meant, perhaps.
func (s *Set) List(name string) (*List, error) {
	var known []string
	for _, l := range s.lists {
		if l.Name == name {
			return l, nil
		}
		known = append(known, l.Name)
	}
	if hint := suggest(name, known); hint != "" {
		return nil, fmt.Errorf("the rule set has no list %q: %s", name, hint)
	}
	return nil, fmt.Errorf("the rule set has no list %q", name)
}
