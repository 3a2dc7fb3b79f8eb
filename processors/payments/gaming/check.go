package gaming

import (
	"math"
	"time"

	"github.com/weirhq/weir/topics"
)

// Pause is the longest time between two stakes that counts as playing time.
const Pause = 30 * time.Minute

// Ask is what is to be counted. Of a session nothing is asked for but to go on.
type Ask struct {
	Kind     topics.GamingKind
	Currency string // "" of a session
	Amount   int64  // minor units
	Day      string
	Now      time.Time
	// Counted is what of it is counted already, of a payment that was created before it is authorised.
	Counted topics.GamingCount
}

// Playing is how much playing time a stake at a moment adds, in whole seconds.
func (s *State) Playing(now time.Time) int64 {
	since := s.since(now)
	if s.LastStake == 0 || since <= 0 || since > Pause {
		return 0
	}
	return int64(since / time.Second)
}

// Check is the limit of which least is left to what is asked for, of all that bind the customer; nil where none does. Of
// several of which as little is left it is that of the shortest period, and of the brand before the customer's.
func (s *State) Check(a *Ask, terms *topics.GamingTerms) (least *topics.GamingLimit) {
	consider := func(period topics.GamingPeriod, by topics.GamingSetter, limit int64, above topics.Outcome) {
		l := s.measure(a, period, limit)
		l.SetBy = by
		if l.Outcome != "" {
			l.Outcome = above
		}
		if least == nil || stricter(l, least) {
			least = l
		}
	}
	for _, period := range [...]topics.GamingPeriod{topics.GamingDay, topics.GamingWeek, topics.GamingMonth} {
		if terms != nil {
			for i := range terms.Limits {
				if t := &terms.Limits[i]; t.Kind == a.Kind && t.Period == period {
					if limit, ok := limitOf(t, a.Currency); ok {
						consider(period, topics.SetByBrand, limit, t.Outcome)
					}
				}
			}
		}
		for i := range s.Settings {
			if g := &s.Settings[i]; g.Kind == a.Kind && g.Period == period && g.Currency == a.Currency {
				if limit := InForce(g, a.Now); limit > 0 {
					consider(period, g.SetBy, limit, topics.OutcomeBlock)
				}
			}
		}
	}
	return least
}

// measure compares what is asked for with a limit. Its outcome is block where that is above it.
func (s *State) measure(a *Ask, period topics.GamingPeriod, limit int64) *topics.GamingLimit {
	l := &topics.GamingLimit{Kind: a.Kind, Period: period, Currency: a.Currency, Limit: limit, Asked: a.Amount,
		Used: s.used(a.Kind, period, a.Currency, a.Day)}
	if first, last := span(period, a.Day); a.Counted.Day >= first && a.Counted.Day <= last {
		l.Used -= a.Counted.Amount
	}
	above := plus(l.Used, l.Asked) > limit
	if a.Kind == topics.GamingSession {
		l.Used += s.Playing(a.Now)
		above = l.Used >= limit
	}
	if l.Used < limit {
		l.Left = limit - max(l.Used, math.MinInt64+limit+1)
	}
	if above {
		l.Outcome = topics.OutcomeBlock
	}
	return l
}

// stricter says that l decides rather than least: a block before a hold, then what leaves less.
func stricter(l, least *topics.GamingLimit) bool {
	if a, b := severity(l.Outcome), severity(least.Outcome); a != b {
		return a > b
	}
	return l.Left < least.Left
}

func severity(o topics.Outcome) int {
	switch o {
	case topics.OutcomeBlock:
		return 2
	case topics.OutcomeHold:
		return 1
	}
	return 0
}

// limitOf is the brand's limit in a currency; ok is false where the brand leaves it to the customers.
func limitOf(t *topics.GamingTerm, currency string) (limit int64, ok bool) {
	if t.Kind == topics.GamingSession {
		return t.Seconds, t.Seconds > 0
	}
	return t.Amounts[currency], len(t.Amounts) > 0
}
