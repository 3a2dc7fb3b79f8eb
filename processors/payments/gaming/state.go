package gaming

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// State is what limits know of a customer. The zero State has no limits and has counted nothing. Settings, Days and
// LastStake are the fold of the customer's events; TimeZone and Brand are what the last counted command brought along, for
// readers.
type State struct {
	Settings  []topics.GamingSetting `json:"settings,omitempty"`      // in the order of what names them
	Days      []Day                  `json:"days,omitempty"`          // by date, then currency
	LastStake int64                  `json:"last_stake_ms,omitempty"` // milliseconds since 1970; a part of a second is counted later

	TimeZone string              `json:"time_zone,omitempty"`
	Brand    []topics.GamingTerm `json:"brand,omitempty"`
}

// Day is what was counted on a date: amounts in minor units of Currency, or, without a currency, playing time.
type Day struct {
	Date      string `json:"date"`
	Currency  string `json:"currency,omitempty"`
	Deposited int64  `json:"deposited,omitempty"`
	Lost      int64  `json:"lost,omitempty"` // below zero: won
	Seconds   int64  `json:"seconds,omitempty"`
}

// Empty says that there is nothing to keep.
func (s *State) Empty() bool { return len(s.Settings) == 0 && len(s.Days) == 0 }

// Size is about how many bytes the state takes in memory.
func (s *State) Size() int {
	const fixed, perDay, perLimit = 150, 100, 180
	return fixed + perDay*len(s.Days) + perLimit*(len(s.Settings)+len(s.Brand))
}

// Counts says that commands of a kind are counted whatever the rule set says: the customer has a limit of that kind.
func (s *State) Counts(kinds ...topics.GamingKind) bool {
	return slices.ContainsFunc(s.Settings, func(g topics.GamingSetting) bool { return slices.Contains(kinds, g.Kind) })
}

// Clone shares nothing with s that Count and Set change.
func (s *State) Clone() State {
	c := *s
	c.Settings, c.Days = slices.Clone(s.Settings), slices.Clone(s.Days)
	return c
}

// Learn keeps, for readers, what a command brought along of the brand's limits of these kinds: all of them, with their
// amounts in the command's currency.
func (s *State) Learn(t *topics.GamingTerms, kinds ...topics.GamingKind) {
	var limits []topics.GamingTerm
	if t != nil {
		s.TimeZone, limits = t.TimeZone, t.Limits
	}
	var brand []topics.GamingTerm
	for _, b := range s.Brand {
		if !slices.Contains(kinds, b.Kind) {
			brand = append(brand, b)
		}
	}
	for _, term := range limits {
		if !slices.Contains(kinds, term.Kind) {
			continue
		}
		at := slices.IndexFunc(s.Brand, func(b topics.GamingTerm) bool { return b.Kind == term.Kind && b.Period == term.Period })
		if at >= 0 && len(term.Amounts) > 0 {
			amounts := maps.Clone(s.Brand[at].Amounts)
			if amounts == nil {
				amounts = map[string]int64{}
			}
			maps.Copy(amounts, term.Amounts)
			term.Amounts = amounts
		}
		brand = append(brand, term)
	}
	s.Brand = brand
}

// CountDeposit folds what an event of a payment counts.
func (s *State) CountDeposit(c *topics.GamingCount, currency string) {
	if c.From != "" {
		s.add(Day{Date: c.From, Currency: currency, Deposited: -c.Amount})
	}
	s.add(Day{Date: c.Day, Currency: currency, Deposited: c.Amount})
}

// CountGame folds what an event of a wallet counts; stake says that it took money for a game.
func (s *State) CountGame(c *topics.GamingCount, currency string, stake bool, at time.Time) {
	s.add(Day{Date: c.Day, Currency: currency, Lost: c.Amount})
	if stake {
		s.add(Day{Date: c.Day, Seconds: c.Seconds})
		s.played(at)
	}
}

// played moves the last stake on, by the whole seconds that Playing told: what is left of one counts with the next.
func (s *State) played(at time.Time) {
	switch since := s.since(at); {
	case s.LastStake == 0 || since > Pause:
		s.LastStake = at.UnixMilli()
	case since > 0:
		s.LastStake += since.Truncate(time.Second).Milliseconds()
	}
}

// since is the time since the last stake.
func (s *State) since(at time.Time) time.Duration { return at.Sub(time.UnixMilli(s.LastStake)) }

// add adds to a day. With a new one it forgets those that the day before it has made too old: one that a wrong clock has put
// far ahead makes nobody forget what came before, nor drop what still comes.
func (s *State) add(d Day) {
	at, found := slices.BinarySearchFunc(s.Days, d, func(a, b Day) int {
		return cmp.Or(cmp.Compare(a.Date, b.Date), cmp.Compare(a.Currency, b.Currency))
	})
	if !found {
		if d.Deposited != 0 || d.Lost != 0 || d.Seconds != 0 {
			s.Days = slices.Insert(s.Days, at, d)
			s.forget(at)
		}
		return
	}
	day := &s.Days[at]
	day.Deposited, day.Lost, day.Seconds = plus(day.Deposited, d.Deposited), plus(day.Lost, d.Lost), plus(day.Seconds, d.Seconds)
}

// forget forgets what the day before the one at an index has made too old.
func (s *State) forget(at int) {
	before := at
	for before >= 0 && s.Days[before].Date == s.Days[at].Date { // in another currency
		before--
	}
	if before >= 0 {
		first := oldest(s.Days[before].Date)
		s.Days = slices.DeleteFunc(s.Days, func(d Day) bool { return d.Date < first })
	}
}

// plus is the sum of two numbers, or the bound of 64 bits that it lies beyond: a fact is never put aside because of a limit.
func plus(a, b int64) int64 {
	sum, err := ledger.AddMinor(a, b)
	switch {
	case err == nil:
		return sum
	case a > 0:
		return math.MaxInt64
	}
	return math.MinInt64
}

// used is what was counted in the period that holds a day.
func (s *State) used(kind topics.GamingKind, period topics.GamingPeriod, currency, day string) (sum int64) {
	first, last := span(period, day)
	for i := range s.Days {
		d := &s.Days[i]
		if d.Currency != currency || d.Date < first || d.Date > last {
			continue
		}
		switch kind {
		case topics.GamingDeposit:
			sum = plus(sum, d.Deposited)
		case topics.GamingLoss:
			sum = plus(sum, d.Lost)
		default:
			sum = plus(sum, d.Seconds)
		}
	}
	return sum
}
