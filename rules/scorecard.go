package rules

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"github.com/goccy/go-yaml/ast"

	"github.com/weirhq/weir/topics"
)

// Limits of a score card.
const (
	maxItems = 50
	maxBands = 10
)

var (
	cardKeys = []string{"name", "description", "owner", "commands", "items", "bands", "reason", "enabled", "shadow", "rollout",
		"valid_from", "valid_until", "tags", "tests"}
	itemKeys = []string{"name", "when", "points", "missing"}
	bandKeys = []string{"from", "outcome"}
)

// scorecard adds points up; the band that the sum reaches says what is asked for.
type scorecard struct {
	items []item
	bands []band // ascending
}

type item struct {
	name      string
	text      string // the condition, normalised
	condition int32  // in the program
	points    int64  // where it is true
	missing   int64  // where it cannot be told
}

type band struct {
	from    int64
	outcome topics.Outcome
}

// points is what an item counts.
func (i *item) counts(t truth) int64 {
	switch t {
	case yes:
		return i.points
	case no:
		return 0
	}
	return i.missing
}

func (s *scorecard) points(m *machine) int64 {
	sum := int64(0)
	for i := range s.items {
		sum += s.items[i].counts(m.truth(s.items[i].condition))
	}
	return sum
}

// outcome is that of the highest band that a sum reaches, "" where it reaches none.
func (s *scorecard) outcome(points int64) topics.Outcome {
	var reached topics.Outcome
	for _, b := range s.bands {
		if points >= b.from {
			reached = b.outcome
		}
	}
	return reached
}

// detail says what made up the sum.
func (s *scorecard) detail(m *machine) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d points", s.points(m))
	separator := ": "
	for i := range s.items {
		t := m.truth(s.items[i].condition)
		if n := s.items[i].counts(t); n != 0 {
			fmt.Fprintf(&b, "%s%s %d", separator, s.items[i].name, n)
			if t != yes {
				b.WriteString(" (" + string(t.status()) + ")")
			}
			separator = ", "
		}
	}
	return shorten(b.String())
}

// canonical is what of a card decides, as texts for the content hash.
func (s *scorecard) canonical() []string {
	texts := []string{"scorecard"}
	for _, i := range s.items {
		texts = append(texts, i.name, i.text, fmt.Sprint(i.points), fmt.Sprint(i.missing))
	}
	for _, b := range s.bands {
		texts = append(texts, fmt.Sprint(b.from), string(b.outcome))
	}
	return texts
}

// cardDraft is a score card as parsed.
type cardDraft struct {
	*draft
	items      []*itemDraft
	bands      []band
	bandAt     []place
	conditions []*condition
}

type itemDraft struct {
	*draft
	points, missing int64
	unread          bool // the points have a mistake
}

func (s *source) scorecard(n ast.Node) *cardDraft {
	c := &cardDraft{draft: s.newDraft(n)}
	for _, p := range s.mapping(n, "a score card") {
		c.at[p.key] = placeOf(tokenOf(p.value))
		switch {
		case p.key == "items":
			for _, e := range s.sequence(p.value, "items") {
				c.items = append(c.items, s.item(e))
			}
		case p.key == "bands":
			for _, e := range s.sequence(p.value, "bands") {
				c.band(e)
			}
		case p.key == "tests":
			c.tests(p.value, fileOutcomes[:4])
		case !slices.Contains(cardKeys, p.key):
			hint := suggest(p.key, cardKeys)
			if p.key == "when" || p.key == "outcome" {
				hint = "a score card has conditions in its items, and outcomes in its bands"
			}
			s.fail(p.at, hint, "unknown key %q in a score card", p.key)
		default:
			c.read(p)
		}
	}
	for _, key := range []string{"name", "items", "bands"} {
		if _, ok := c.at[key]; !ok {
			s.fail(c.at[""], example(key), "the score card has no %s", key)
		}
	}
	if c.Reason == "" {
		c.Reason = c.Name
	}
	c.check()
	return c
}

func (s *source) item(n ast.Node) *itemDraft {
	i := &itemDraft{draft: s.newDraft(n)}
	for _, p := range s.mapping(n, "an item") {
		i.at[p.key] = placeOf(tokenOf(p.value))
		switch p.key {
		case "name", "when":
			i.read(p)
		case "points":
			before := len(*s.problems)
			i.points = s.points(p.value, "points")
			i.unread = len(*s.problems) > before
		case "missing":
			i.missing = s.points(p.value, "missing")
		default:
			s.fail(p.at, suggest(p.key, itemKeys), "unknown key %q in an item", p.key)
		}
	}
	for _, key := range itemKeys[:3] {
		if _, ok := i.at[key]; !ok {
			s.fail(i.at[""], example(key), "the item has no %s", key)
		}
	}
	if _, ok := i.at["missing"]; !ok {
		i.missing = max(i.points, 0) // what is not known counts as what would be worst
	} else if !i.unread && (i.missing > max(i.points, 0) || i.missing < min(i.points, 0)) {
		s.fail(i.at["missing"], "", "missing must lie between 0 and the points of the item")
	}
	return i
}

func (s *source) points(n ast.Node, what string) int64 {
	points := s.integer(n, what)
	if points < -maxScore || points > maxScore {
		s.fail(placeOf(tokenOf(n)), "", "%s %d is not between -%d and %d", what, points, maxScore, maxScore)
		return 0
	}
	return points
}

// band reads a band of the card.
func (c *cardDraft) band(n ast.Node) {
	s, b, at := c.source, band{}, map[string]bool{}
	for _, p := range s.mapping(n, "a band") {
		at[p.key] = true
		switch p.key {
		case "from":
			b.from = s.points(p.value, "from")
		case "outcome":
			b.outcome = s.outcome(p.value, "outcome", topics.OutcomeBlock, topics.OutcomeHold, topics.OutcomeStepUp, topics.OutcomePass)
		default:
			s.fail(p.at, suggest(p.key, bandKeys), "unknown key %q in a band", p.key)
		}
	}
	for _, key := range bandKeys {
		if !at[key] {
			s.fail(placeOf(tokenOf(n)), example(key), "the band has no %s", key)
			return
		}
	}
	c.bands = append(c.bands, b)
	c.bandAt = append(c.bandAt, placeOf(tokenOf(n)))
}

// check looks at items and bands together.
func (c *cardDraft) check() {
	s, names, most, least := c.source, map[string]bool{}, int64(0), int64(0)
	for _, i := range c.items {
		if i.unread {
			return // what follows from it would be told as mistakes, too
		}
		most, least = most+max(i.points, 0), least+min(i.points, 0)
		if i.points == 0 && i.at["points"] != (place{}) {
			s.fail(i.at["points"], "leave the item out", "an item with 0 points changes nothing")
		}
		if names[i.Name] && i.Name != "" {
			s.fail(i.at["name"], "", "the item %q stands in the card twice", i.Name)
		}
		names[i.Name] = true
	}
	if len(c.items) > maxItems {
		s.fail(c.at["items"], "", "the card has %d items; at most %d are allowed", len(c.items), maxItems)
	}
	if len(c.bands) > maxBands {
		s.fail(c.at["bands"], "", "the card has %d bands; at most %d are allowed", len(c.bands), maxBands)
	}
	for i, b := range c.bands {
		switch {
		case i > 0 && b.from <= c.bands[i-1].from:
			s.fail(c.bandAt[i], "", "the band begins at %d, not above the one before it (%d)", b.from, c.bands[i-1].from)
		case b.from > most && len(c.items) > 0:
			s.fail(c.bandAt[i], "lower it, or give the items more points", "the band is never reached: the items have at most %d points together", most)
		case b.from <= least:
			s.fail(c.bandAt[i], "raise it", "the band is always reached: the items have at least %d points together", least)
		}
	}
}

// cardConditions parses the conditions of all cards.
func (c *compiler) cardConditions(names map[string][]*draft) (all []*condition) {
	for _, doc := range c.docs {
		for _, card := range doc.cards {
			c.named(names, card.draft)
			for _, i := range card.items {
				i.Stage, i.Commands, i.Scope = card.Stage, card.Commands, card.Scope
				d := &condition{draft: i.draft, failed: true}
				if i.When != "" {
					d = c.condition(i.draft)
					c.constants(d)
				}
				card.conditions = append(card.conditions, d)
			}
			(&condition{draft: card.draft}).inForce()
			all = append(all, card.conditions...)
		}
	}
	return all
}

// cardPrograms translates the cards, behind the rules.
func (c *compiler) cardPrograms(env *cel.Env, b *builder, fields map[string]*Field) {
	for _, doc := range c.docs {
		for _, card := range doc.cards {
			r := compiled{Rule: card.Rule, card: &scorecard{bands: card.bands}}
			for i, d := range card.conditions {
				if d.failed {
					continue
				}
				from, t := card.items[i], translator{builder: b, condition: d, set: c.set, fields: fields}
				d.node = c.translate(env, &t)
				c.translated = append(c.translated, d)
				r.card.items = append(r.card.items, item{name: from.Name, text: d.text, condition: d.node, points: from.points, missing: from.missing})
				for _, at := range t.converts {
					if !slices.Contains(r.converts, at) {
						r.converts = append(r.converts, at)
					}
				}
				for _, slot := range t.reads {
					if !slices.Contains(r.reads, slot) {
						r.reads = append(r.reads, slot)
					}
				}
			}
			c.set.rules = append(c.set.rules, r)
		}
	}
}
