package rules

import (
	"fmt"
	"hash"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/weirhq/weir/topics"
)

// Limits of a bound.
const (
	minBoundInterval = time.Minute
	maxBoundInterval = 24 * time.Hour
	minBoundCommands = 10 // fewer say nothing about a rate
	maxBoundCommands = 1_000_000
)

var boundKeys = []string{"max_block_rate", "interval", "at_least", "trip_to"}

// tripToShadow is how a file says that what has tripped is in the shadow.
const tripToShadow = "shadow"

// bound reads a circuit breaker; nil where it has a mistake.
func (s *source) bound(n ast.Node) *Bound {
	before, at := len(*s.problems), placeOf(tokenOf(n))
	var b Bound
	for _, p := range s.mapping(n, "a breaker") {
		at := placeOf(tokenOf(p.value))
		switch p.key {
		case "max_block_rate":
			b.MaxBlockRate = s.percentage(p.value, "max_block_rate", "write max_block_rate: 20%")
		case "interval":
			interval, ok := s.duration(p.value, "interval")
			if b.Interval = interval; ok && (interval < minBoundInterval || interval > maxBoundInterval) {
				s.fail(at, "write interval: 10m", "interval %s is not between 1m and 24h", shortDuration(interval))
			}
		case "at_least":
			n := s.integer(p.value, "at_least")
			if b.AtLeast = int(n); n < minBoundCommands || n > maxBoundCommands {
				s.fail(at, "write at_least: 100", "at_least %d is not between %d and %d commands", n, minBoundCommands, maxBoundCommands)
			}
		case "trip_to":
			b.said = true
			if b.TripTo = topics.Outcome(s.text(p.value, "trip_to")); b.TripTo == tripToShadow {
				b.TripTo = ""
			} else if b.TripTo != topics.OutcomeHold && b.TripTo != "" {
				s.fail(at, "write trip_to: hold, or trip_to: shadow", "trip_to cannot be %q", b.TripTo)
			}
		default:
			s.fail(p.at, suggest(p.key, boundKeys), "unknown key %q in a breaker", p.key)
		}
	}
	if len(*s.problems) == before && (b.MaxBlockRate == 0 || b.Interval == 0 || b.AtLeast == 0) {
		s.fail(at, "write breaker: { max_block_rate: 20%, interval: 10m, at_least: 100 }", "a breaker needs max_block_rate, interval and at_least")
	}
	if len(*s.problems) > before {
		return nil
	}
	return &b
}

// percentage reads 1% to 99%, 0 where it is something else; instead says what to write for none and for all.
func (s *source) percentage(n ast.Node, what, instead string) int {
	at := placeOf(tokenOf(n))
	switch n.(type) {
	case *ast.IntegerNode:
		s.fail(at, fmt.Sprintf("write %s: %s%%", what, tokenOf(n).Value), "%s must be a percentage", what)
		return 0
	case *ast.FloatNode:
		s.fail(at, fmt.Sprintf("write %s: %s", what, wholePercentage(tokenOf(n).Value)), "%s must be a percentage without a fraction", what)
		return 0
	}
	text := s.text(n, what)
	digits, percent := strings.CutSuffix(text, "%")
	if text == "" {
		return 0
	}
	if !percent || len(digits) == 0 || len(digits) > 2 || strings.Trim(digits, "0123456789") != "" || digits[0] == '0' {
		s.fail(at, instead, "%s must be 1%% to 99%%, not %q", what, text)
		return 0
	}
	percentage := 0
	for _, d := range digits {
		percentage = percentage*10 + int(d-'0')
	}
	return percentage
}

// breaker checks that a rule's breaker can ever do anything.
func (c *condition) breaker() {
	blocks := c.Outcome == topics.OutcomeBlock || c.OnMissing == topics.OutcomeBlock || c.OnError == topics.OutcomeBlock
	switch {
	case c.Breaker == nil:
	case !c.Overridable:
		c.source.fail(c.at["breaker"], "leave one of them out", "a rule with overridable: false blocks whatever happens, so no breaker lifts it")
	case c.Shadow:
		c.source.fail(c.at["breaker"], "leave it out until the rule is in force", "a shadow rule blocks nothing that a breaker could stop")
	case !blocks:
		c.source.fail(c.at["breaker"], "leave it out", "only a rule that can block has a breaker")
	}
}

// bypass warns of a breaker that lets pass what it stops blocking, where the file does not say that this is meant: whoever is
// blocked often enough trips it.
func (c *compiler) bypass(s *source, at place, b *Bound) {
	if b != nil && !b.said {
		c.warn(s, at, "add trip_to: hold to have them wait for a reviewer, or trip_to: shadow if they may pass",
			"once this breaker has tripped, what was blocked passes, and whoever is blocked often enough can trip it")
	}
}

// breaker finds the breaker of all rules of a stage, which one file may declare.
func (c *compiler) breaker() {
	c.set.bounds = map[topics.Stage]*Bound{}
	declared := map[topics.Stage]*document{}
	for i := range c.docs {
		d := &c.docs[i]
		first := declared[d.stage]
		switch {
		case d.bound == nil:
		case d.scope.rank() > 0:
			d.source.fail(d.boundAt, "move it to a file without tenants and regions, or give the rules breakers", "the breaker of the whole rule set stands in a file for some of its payments")
		case first != nil:
			d.source.fail(d.boundAt, "leave one of them out", "the rule set has a breaker already (%s:%d)", first.source.name, first.boundAt.line)
		default:
			declared[d.stage], c.set.bounds[d.stage] = d, d.bound
			c.bypass(d.source, d.boundAt, d.bound)
		}
	}
}

// hash adds the bound, where there is one, to the content hash.
func (b *Bound) hash(h hash.Hash, what string) {
	if b != nil {
		put(h, what, fmt.Sprint(b.MaxBlockRate), fmt.Sprint(int64(b.Interval/time.Second)), fmt.Sprint(b.AtLeast))
		if b.TripTo != "" {
			put(h, string(b.TripTo))
		}
	}
}

// wholePercentage is the percentage that was probably meant by a fraction such as 0.1; 20% where none was.
func wholePercentage(fraction string) string {
	part, err := strconv.ParseFloat(fraction, 64)
	if percent := math.Round(100 * part); err == nil && percent >= 1 && percent <= 99 {
		return fmt.Sprintf("%.0f%%", percent)
	}
	return "20%"
}
