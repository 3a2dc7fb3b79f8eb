package gaming

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/weirhq/weir/topics"
)

// Line is a limit of a customer as people read it.
type Line struct {
	topics.GamingLimit                      // Asked and Outcome are not set
	Next               *topics.GamingChange // a raise or a removal that waits
}

// Lines are all limits that bind the customer on a day, or wait to, by kind and period. The brand's are those that the last
// commands brought along.
func (s *State) Lines(day string, now time.Time) (lines []Line) {
	add := func(kind topics.GamingKind, period topics.GamingPeriod, by topics.GamingSetter, currency string, limit int64, next *topics.GamingChange) {
		l := Line{GamingLimit: *s.measure(&Ask{Kind: kind, Currency: currency, Day: day}, period, limit), Next: next}
		l.SetBy, l.Outcome = by, ""
		lines = append(lines, l)
	}
	for _, t := range s.Brand {
		if t.Seconds > 0 {
			add(t.Kind, t.Period, topics.SetByBrand, "", t.Seconds, nil)
		}
		for _, currency := range slices.Sorted(maps.Keys(t.Amounts)) {
			add(t.Kind, t.Period, topics.SetByBrand, currency, t.Amounts[currency], nil)
		}
	}
	for i := range s.Settings {
		g := &s.Settings[i]
		limit, next := InForce(g, now), g.Next
		if next != nil && !now.Before(next.From) {
			next = nil
		}
		if limit > 0 || next != nil {
			add(g.Kind, g.Period, g.SetBy, g.Currency, limit, next)
		}
	}
	periods := []topics.GamingPeriod{topics.GamingDay, topics.GamingWeek, topics.GamingMonth}
	slices.SortStableFunc(lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(slices.Index(periods, a.Period), slices.Index(periods, b.Period)),
			cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.SetBy, b.SetBy))
	})
	return lines
}
