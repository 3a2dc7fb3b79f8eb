package gaming

import (
	"cmp"
	"slices"
	"time"

	"github.com/weirhq/weir/topics"
)

// DefaultRaiseAfter is how long a raise waits where no rule file says.
const DefaultRaiseAfter = 24 * time.Hour

// InForce is what a setting limits to at a moment; 0: it does not.
func InForce(g *topics.GamingSetting, now time.Time) int64 {
	if g.Next != nil && !now.Before(g.Next.From) {
		return g.Next.Limit
	}
	return g.Limit
}

// Change says what becomes of a setting where the customer, or the operator for them, asks for another limit; 0 asks for
// none. What is stricter than the limit in force, or the same, holds at once and calls off a raise that waits. Anything else
// waits for raiseAfter; to ask for less than the raise that waits already, or for the same again, keeps its time.
func (s *State) Change(want topics.GamingSetting, raiseAfter time.Duration, now time.Time) topics.GamingSetting {
	before := want
	before.Limit, before.Next = 0, nil
	if at, found := s.find(&want); found {
		before = s.Settings[at]
	}
	after := before
	after.Limit, after.Next = InForce(&before, now), nil
	if !looser(want.Limit, after.Limit) {
		after.Limit = want.Limit
		return after
	}
	next := topics.GamingChange{Limit: want.Limit, From: now.Add(raiseAfter)}
	if waiting := before.Next; waiting != nil && now.Before(waiting.From) && !looser(want.Limit, waiting.Limit) && waiting.From.Before(next.From) {
		next.From = waiting.From
	}
	after.Next = &next
	return after
}

// looser says that a limit lets more through than another; 0 is none.
func looser(a, b int64) bool { return b != 0 && (a == 0 || a > b) }

// maxSettings bounds the settings of one customer.
const maxSettings = 100

// Full says that what a change makes of a setting is one too many: only one that is not there can be. A limit that is there
// can be changed and removed whatever there is beside it.
func (s *State) Full(after *topics.GamingSetting, now time.Time) bool {
	if at, found := s.find(after); over(after, now) || found && !over(&s.Settings[at], now) {
		return false
	}
	left := 0
	for i := range s.Settings {
		if !over(&s.Settings[i], now) {
			left++
		}
	}
	return left >= maxSettings
}

// over says that a setting limits nothing any more, nor will.
func over(g *topics.GamingSetting, now time.Time) bool {
	return InForce(g, now) == 0 && (g.Next == nil || !now.Before(g.Next.From))
}

// Set folds a setting as the event of a moment tells it, and forgets those whose removal has come into force.
func (s *State) Set(g topics.GamingSetting, now time.Time) {
	if at, found := s.find(&g); found {
		s.Settings[at] = g
	} else {
		s.Settings = slices.Insert(s.Settings, at, g)
	}
	s.Settings = slices.DeleteFunc(s.Settings, func(g topics.GamingSetting) bool { return over(&g, now) })
}

func (s *State) find(g *topics.GamingSetting) (int, bool) {
	return slices.BinarySearchFunc(s.Settings, g, func(a topics.GamingSetting, b *topics.GamingSetting) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Period, b.Period), cmp.Compare(a.SetBy, b.SetBy), cmp.Compare(a.Currency, b.Currency))
	})
}

// RaiseAfter is how long a raise of a customer's limit waits.
func RaiseAfter(terms *topics.GamingTerms, kind topics.GamingKind, period topics.GamingPeriod) time.Duration {
	if terms != nil {
		for i := range terms.Limits {
			if t := &terms.Limits[i]; t.Kind == kind && t.Period == period && t.RaiseAfter > 0 {
				return time.Duration(t.RaiseAfter) * time.Second
			}
		}
	}
	return DefaultRaiseAfter
}
