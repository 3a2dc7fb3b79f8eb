package gaming_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/processors/payments/gaming"
	"github.com/weirhq/weir/topics"
)

var periods = []topics.GamingPeriod{topics.GamingDay, topics.GamingWeek, topics.GamingMonth}

// samePeriod is a second opinion on whether two dates lie in one period.
func samePeriod(p topics.GamingPeriod, a, b string) bool {
	s, _ := time.Parse(time.DateOnly, a)
	t, _ := time.Parse(time.DateOnly, b)
	switch p {
	case topics.GamingWeek:
		y1, w1 := s.ISOWeek()
		y2, w2 := t.ISOWeek()
		return y1 == y2 && w1 == w2
	case topics.GamingMonth:
		return s.Year() == t.Year() && s.Month() == t.Month()
	}
	return a == b
}

// deposit is one that the model knows: counted on a day, or given back.
type deposit struct {
	day, currency string
	amount        int64
}

// TestNothingPassesBeyondALimit interleaves deposits, those that fail, limits that are raised and lowered, and time.
func TestNothingPassesBeyondALimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s gaming.State
		var counted []deposit
		asked := map[topics.GamingSetting][]request{} // of a limit, by what names it
		brand := topics.GamingTerms{}
		for _, p := range periods {
			if rapid.Bool().Draw(t, "brand") {
				brand.Limits = append(brand.Limits, topics.GamingTerm{Kind: topics.GamingDeposit, Period: p, Outcome: topics.OutcomeBlock,
					Amounts: map[string]int64{"EUR": rapid.Int64Range(0, 60).Draw(t, "brand's")}, RaiseAfter: 36 * 3600})
			}
		}
		now := time.Date(2026, 1, 29, 20, 0, 0, 0, time.UTC)
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			if rapid.IntRange(0, 3).Draw(t, "waits") == 0 {
				now = now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "hours")) * time.Hour)
			}
			brand.Day = gaming.DayOf(now)
			currency := rapid.SampledFrom([]string{"EUR", "EUR", "JPY"}).Draw(t, "currency")
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0:
				of := topics.GamingSetting{Kind: topics.GamingDeposit, Period: rapid.SampledFrom(periods).Draw(t, "period"),
					SetBy: rapid.SampledFrom([]topics.GamingSetter{topics.SetByCustomer, topics.SetByOperator}).Draw(t, "by"), Currency: currency}
				want := of
				want.Limit = rapid.Int64Range(0, 60).Draw(t, "limit")
				s.Set(s.Change(want, gaming.RaiseAfter(&brand, of.Kind, of.Period), now), now)
				asked[of] = append(asked[of], request{now, want.Limit})
			case 1:
				if len(counted) > 0 { // one fails
					i := rapid.IntRange(0, len(counted)-1).Draw(t, "fails")
					s.CountDeposit(&topics.GamingCount{Day: counted[i].day, Amount: -counted[i].amount}, counted[i].currency)
					counted = append(counted[:i], counted[i+1:]...)
				}
			default:
				ask := gaming.Ask{Kind: topics.GamingDeposit, Currency: currency, Amount: rapid.Int64Range(1, 40).Draw(t, "amount"), Day: brand.Day, Now: now}
				l := s.Check(&ask, &brand)
				want := allowed(&ask, &brand, counted, asked)
				if passes := l == nil || l.Outcome == ""; passes != want {
					t.Fatalf("%+v: passes %v, the model says %v (%+v)", ask, passes, want, l)
				}
				if want {
					s.CountDeposit(&topics.GamingCount{Day: ask.Day, Amount: ask.Amount}, currency)
					counted = append(counted, deposit{ask.Day, currency, ask.Amount})
				}
			}
		}
	})
}

// request is a limit that was asked for; 0 is none.
type request struct {
	at    time.Time
	limit int64
}

// allowed adds everything up again.
func allowed(ask *gaming.Ask, brand *topics.GamingTerms, counted []deposit, asked map[topics.GamingSetting][]request) bool {
	for _, p := range periods {
		sum := ask.Amount
		for _, d := range counted {
			if d.currency == ask.Currency && samePeriod(p, d.day, ask.Day) {
				sum += d.amount
			}
		}
		delay := gaming.DefaultRaiseAfter
		for _, b := range brand.Limits {
			if b.Period == p {
				delay = time.Duration(b.RaiseAfter) * time.Second
				if sum > b.Amounts[ask.Currency] {
					return false
				}
			}
		}
		for _, by := range []topics.GamingSetter{topics.SetByCustomer, topics.SetByOperator} {
			of := topics.GamingSetting{Kind: ask.Kind, Period: p, SetBy: by, Currency: ask.Currency}
			if limit := inForce(asked[of], delay, ask.Now); limit > 0 && sum > limit {
				return false
			}
		}
	}
	return true
}

// inForce is what a limit is at a moment, by the rule alone: a stricter one at once, any other when it was not called off
// or outbid for the whole delay.
func inForce(requests []request, delay time.Duration, now time.Time) int64 {
	number := func(limit int64) int64 { // none is the largest
		if limit == 0 {
			return math.MaxInt64
		}
		return limit
	}
	force, waiting, due := int64(math.MaxInt64), int64(0), time.Time{}
	ripen := func(at time.Time) {
		if waiting != 0 && !at.Before(due) {
			force, waiting = waiting, 0
		}
	}
	for _, r := range requests {
		ripen(r.at)
		switch want := number(r.limit); {
		case want <= force:
			force, waiting = want, 0
		case waiting != 0 && want <= waiting:
			waiting = want
		default:
			waiting, due = want, r.at.Add(delay)
		}
	}
	ripen(now)
	if force == math.MaxInt64 {
		return 0
	}
	return force
}

// TestLimitsAreLoosenedOnlyAfterTheDelay: whatever is asked for in whatever order, for the whole delay after a limit was
// asked for, none that is looser is in force.
func TestLimitsAreLoosenedOnlyAfterTheDelay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s gaming.State
		of := topics.GamingSetting{Kind: topics.GamingLoss, Period: topics.GamingWeek, SetBy: topics.SetByCustomer, Currency: "EUR"}
		now := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
		const delay = 24 * time.Hour
		var requests []request
		var last topics.GamingSetting
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "hours")) * time.Hour)
			want := of
			want.Limit = rapid.Int64Range(0, 9).Draw(t, "limit")
			last = s.Change(want, delay, now)
			s.Set(last, now)
			requests = append(requests, request{now, want.Limit})
			for after := time.Duration(0); after < 2*delay; after += time.Hour {
				limit := gaming.InForce(&last, now.Add(after))
				for _, r := range requests {
					if now.Add(after).Before(r.at.Add(delay)) && r.limit != 0 && (limit == 0 || limit > r.limit) {
						t.Fatalf("%s after %+v the limit is %d: %+v", after, requests, limit, last)
					}
				}
			}
			if limit := gaming.InForce(&last, now.Add(delay)); limit != want.Limit {
				t.Fatalf("a day after %d was asked for, the limit is %d: %+v", want.Limit, limit, last)
			}
		}
	})
}

func TestPeriods(t *testing.T) {
	for _, test := range []struct {
		period   topics.GamingPeriod
		day, ask string
		same     bool
	}{
		{topics.GamingDay, "2026-03-01", "2026-03-01", true},
		{topics.GamingDay, "2026-02-28", "2026-03-01", false},
		{topics.GamingWeek, "2026-03-02", "2026-03-08", true}, // Monday to Sunday
		{topics.GamingWeek, "2026-03-01", "2026-03-02", false},
		{topics.GamingWeek, "2025-12-29", "2026-01-04", true}, // over the year's end
		{topics.GamingMonth, "2026-02-01", "2026-02-28", true},
		{topics.GamingMonth, "2026-02-28", "2026-03-01", false},
		{topics.GamingMonth, "2028-02-29", "2028-02-01", true},
		{topics.GamingMonth, "2026-01-31", "2026-01-01", true},
	} {
		var s gaming.State
		s.CountDeposit(&topics.GamingCount{Day: test.day, Amount: 100}, "EUR")
		terms := &topics.GamingTerms{Limits: []topics.GamingTerm{{Kind: topics.GamingDeposit, Period: test.period,
			Amounts: map[string]int64{"EUR": 150}, Outcome: topics.OutcomeHold}}}
		l := s.Check(&gaming.Ask{Kind: topics.GamingDeposit, Currency: "EUR", Amount: 60, Day: test.ask}, terms)
		if same := l.Outcome == topics.OutcomeHold; same != test.same {
			t.Errorf("%s: %s and %s: %+v", test.period, test.day, test.ask, l)
		}
	}
}

// TestTheLeastLeftDecides: of several limits the one is told that leaves least, a block before a hold; a brand's limit
// without an amount in the currency lets nothing through.
func TestTheLeastLeftDecides(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	var s gaming.State
	s.CountDeposit(&topics.GamingCount{Day: "2026-03-03", Amount: 500}, "EUR")
	s.CountDeposit(&topics.GamingCount{Day: "2026-03-04", Amount: 100}, "EUR")
	s.Set(topics.GamingSetting{Kind: topics.GamingDeposit, Period: topics.GamingWeek, SetBy: topics.SetByCustomer, Currency: "EUR", Limit: 650}, time.Time{})
	terms := &topics.GamingTerms{Limits: []topics.GamingTerm{
		{Kind: topics.GamingDeposit, Period: topics.GamingDay, Amounts: map[string]int64{"EUR": 120}, Outcome: topics.OutcomeHold}}}
	for _, test := range []struct {
		amount   int64
		currency string
		want     string
	}{
		{10, "EUR", "day brand left 20 "}, {20, "EUR", "day brand left 20 "}, {21, "EUR", "day brand left 20 hold"},
		{51, "EUR", "week customer left 50 block"}, {1, "JPY", "day brand left 0 hold"},
	} {
		l := s.Check(&gaming.Ask{Kind: topics.GamingDeposit, Currency: test.currency, Amount: test.amount, Day: "2026-03-04", Now: now}, terms)
		if got := fmt.Sprint(l.Period, " ", l.SetBy, " left ", l.Left, " ", l.Outcome); got != test.want {
			t.Errorf("%d %s: %s, want %s", test.amount, test.currency, got, test.want)
		}
	}
	// What is counted already, of a payment that is authorised now, is not counted twice.
	ask := gaming.Ask{Kind: topics.GamingDeposit, Currency: "EUR", Amount: 100, Day: "2026-03-04", Now: now, Counted: topics.GamingCount{Day: "2026-03-04", Amount: 100}}
	if l := s.Check(&ask, terms); l.Used != 0 || l.Outcome != "" {
		t.Errorf("a payment is in its own way: %+v", l)
	}
}

// TestQuickStakesCount: time that is less than a second counts with what follows it.
func TestQuickStakesCount(t *testing.T) {
	var s gaming.State
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	total := int64(0)
	for range 101 {
		c := topics.GamingCount{Day: "2026-03-01", Amount: 1, Seconds: s.Playing(at)}
		total += c.Seconds
		s.CountGame(&c, "EUR", true, at)
		at = at.Add(900 * time.Millisecond)
	}
	if total != 90 {
		t.Errorf("100 times 0.9 s count as %d s, want 90", total)
	}
}

// TestOldDaysAreForgotten: no period needs a day that is not kept, and what comes back to one is soon forgotten again.
func TestOldDaysAreForgotten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s gaming.State
		day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		sums := map[string]int64{}
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			day = day.AddDate(0, 0, rapid.IntRange(0, 9).Draw(t, "days"))
			on := day.AddDate(0, 0, -rapid.IntRange(0, 60).Draw(t, "back"))
			amount := rapid.Int64Range(-50, 50).Draw(t, "amount")
			for _, d := range []time.Time{on, day} {
				date := gaming.DayOf(d)
				s.CountDeposit(&topics.GamingCount{Day: date, Amount: amount}, "EUR")
				if d == day || on.AddDate(0, 0, 31).After(day) {
					sums[date] += amount
				}
			}
			for _, p := range periods {
				want := int64(0)
				for date, sum := range sums {
					if samePeriod(p, date, gaming.DayOf(day)) {
						want += sum
					}
				}
				terms := &topics.GamingTerms{Limits: []topics.GamingTerm{{Kind: topics.GamingDeposit, Period: p, Amounts: map[string]int64{"EUR": 1}}}}
				if l := s.Check(&gaming.Ask{Kind: topics.GamingDeposit, Currency: "EUR", Day: gaming.DayOf(day)}, terms); l.Used != want {
					t.Fatalf("%s of %s: %d, want %d: %+v", p, day, l.Used, want, s.Days)
				}
			}
			if len(s.Days) > 61 { // no day comes back that is further away
				t.Fatalf("%d days are kept", len(s.Days))
			}
		}
	})
}

// TestADayFarAheadBlindsNothing: one day that a wrong clock has counted in leaves what is counted before it as it is, then and
// later.
func TestADayFarAheadBlindsNothing(t *testing.T) {
	var s gaming.State
	count := func(day string, amount int64) {
		s.CountDeposit(&topics.GamingCount{Day: day, Amount: amount}, "EUR")
	}
	used := func(period topics.GamingPeriod, day string) int64 {
		terms := &topics.GamingTerms{Limits: []topics.GamingTerm{{Kind: topics.GamingDeposit, Period: period, Amounts: map[string]int64{"EUR": 1}}}}
		return s.Check(&gaming.Ask{Kind: topics.GamingDeposit, Currency: "EUR", Day: day}, terms).Used
	}
	count("2026-03-01", 100)
	count("2027-03-01", 1)
	s.CountGame(&topics.GamingCount{Day: "2027-03-01", Amount: 1, Seconds: 1}, "USD", true, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	count("2026-03-01", 20)
	count("2026-03-02", 3)
	if day, month := used(topics.GamingDay, "2026-03-01"), used(topics.GamingMonth, "2026-03-02"); day != 120 || month != 123 {
		t.Errorf("beside a day far ahead, %d is counted on the day and %d in the month", day, month)
	}
	count("2027-03-01", -1)
	for day := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC); day.Year() == 2026; day = day.AddDate(0, 0, 1) {
		count(gaming.DayOf(day), 1)
	}
	if month := used(topics.GamingMonth, "2026-12-31"); month != 31 || len(s.Days) > 36 {
		t.Errorf("a day each, %d is counted in a month, and %d days are kept", month, len(s.Days))
	}
}

// TestDayIn: a day of any time zone is taken, one that no time zone has is not.
func TestDayIn(t *testing.T) {
	for _, test := range []struct{ now, day, want string }{
		{"2026-03-01T12:00:00Z", "2026-03-01", "2026-03-01"},
		{"2026-03-01T12:00:00Z", "2026-03-02", "2026-03-02"}, // Kiritimati is 14 hours ahead
		{"2026-03-01T12:00:00Z", "2026-02-28", "2026-02-28"},
		{"2026-03-01T12:00:00Z", "2026-03-03", "2026-03-01"},
		{"2026-03-01T12:00:00Z", "2026-02-27", "2026-03-01"},
		{"2026-03-01T00:00:00+02:00", "", "2026-02-28"},
		{"2026-03-01T12:00:00Z", "tomorrow", "2026-03-01"},
	} {
		now, err := time.Parse(time.RFC3339, test.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := gaming.DayIn(&topics.GamingTerms{Day: test.day}, now); got != test.want {
			t.Errorf("%s of a command of %q: %s, want %s", test.now, test.day, got, test.want)
		}
	}
}
