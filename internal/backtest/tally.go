package backtest

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/rules/backtest"
	"github.com/weirhq/weir/topics"
)

// outcomes are those that a decision may have, the ones that stop a payment first.
var outcomes = [...]topics.Outcome{topics.OutcomeBlock, topics.OutcomeHold, topics.OutcomeStepUp, topics.OutcomeAllow, topics.OutcomePass}

// stopping is how many of outcomes stop a payment, or make it prove itself.
const stopping = 3

func placeOf(o topics.Outcome) int { return max(slices.Index(outcomes[:], o), 0) }

// attempt is one that is measured.
type attempt struct {
	event  *backtest.Event
	label  backtest.Label
	about  label // from the file, where there is one
	amount ledger.Money
}

func amountOf(e *backtest.Event) ledger.Money {
	c := e.Input.Command
	return ledger.Money{Minor: c.Amount, Currency: ledger.Currency(c.Currency)}
}

// tally counts attempts. It takes memory for each rule, day, pair of rules that hit together and different score, for the
// cards of one day, and for each card with fraud; not for attempts.
type tally struct {
	set      []rules.Rule
	measured int64
	outcomes [len(outcomes)]Counts
	lost     [len(outcomes)]Amounts // by fraud
	rules    []ruleCount
	hits     []int // of the attempt at hand
	pairs    map[[2]int]int64
	days     map[int64]*dayCount
	today    *dayCount
	labels   Labelled
	scores   scores
	cards    *cardRanking
	delays   []int64 // of frauds, in days
	changes  changes
}

type ruleCount struct {
	said        [4]int64 // by placeOfStatus
	alone       int64
	fraud, good int64
}

type dayCount struct {
	day      int64 // days since 1970
	outcomes [len(outcomes)]int64
	fraud    int64
	measured bool
}

func newTally(set *rules.Set, cards int) *tally {
	t := &tally{set: set.Rules(), pairs: map[[2]int]int64{}, days: map[int64]*dayCount{}, scores: scores{},
		cards: newCardRanking(cards), changes: changes{}}
	t.rules = make([]ruleCount, len(t.set))
	return t
}

const msPerDay = 24 * 60 * 60 * 1000

// day counts any attempt, those of the warm-up, too.
func (t *tally) day(at time.Time, outcome topics.Outcome, said backtest.Label, warm bool) {
	day := at.UnixMilli() / msPerDay
	if t.today == nil || t.today.day != day {
		if t.today = t.days[day]; t.today == nil {
			t.today = &dayCount{day: day}
			t.days[day] = t.today
		}
	}
	t.today.outcomes[placeOf(outcome)]++
	t.today.measured = t.today.measured || !warm
	if said == backtest.Fraud {
		t.today.fraud++
	}
}

func (t *tally) add(a *attempt, e *rules.Evaluation) {
	t.measured++
	place := placeOf(e.Outcome())
	t.outcomes[place].add(a)
	t.hits = t.hits[:0]
	inForce := 0
	for at, status := range e.Results() {
		r := &t.rules[at]
		r.said[placeOfStatus(status)]++
		if status != topics.RuleHit {
			continue
		}
		switch a.label {
		case backtest.Fraud:
			r.fraud++
		case backtest.Good:
			r.good++
		}
		t.hits = append(t.hits, at)
		if !t.set[at].Shadow {
			inForce++
		}
	}
	for i, at := range t.hits {
		if inForce == 0 || inForce == 1 && !t.set[at].Shadow {
			t.rules[at].alone++
		}
		for _, other := range t.hits[i+1:] {
			t.pairs[[2]int{at, other}]++
		}
	}
	t.label(a, e, place)
}

// label counts what the label of an attempt is needed for.
func (t *tally) label(a *attempt, e *rules.Evaluation, place int) {
	switch a.label {
	case backtest.Unlabelled:
		t.labels.Unlabelled++
		return
	case backtest.Good:
		t.labels.Good++
	default:
		t.labels.Fraud++
		cost := a.amount
		if a.about.amount.Currency != "" {
			cost = a.about.amount
		}
		t.lost[place].add(cost)
		if known := a.about.known; !known.IsZero() {
			t.delays = append(t.delays, max(known.UnixMilli()-a.event.Input.Now.UnixMilli()+msPerDay-1, 0)/msPerDay)
		}
	}
	fraud := a.label == backtest.Fraud
	t.scores.add(e.Score(), fraud)
	card := ""
	if c := a.event.Input.Command.Card; c != nil {
		card = c.Fingerprint
	}
	t.cards.add(t.today.day, card, e.Score(), fraud)
}

func (c *Counts) add(a *attempt) {
	c.Attempts++
	c.Amounts.add(a.amount)
	switch a.label {
	case backtest.Fraud:
		c.Fraud++
		c.Frauds.add(a.amount)
	case backtest.Good:
		c.Good++
		c.Goods.add(a.amount)
	}
}

func placeOfStatus(s topics.RuleStatus) int {
	switch s {
	case topics.RuleHit:
		return 0
	case topics.RuleMiss:
		return 1
	case topics.RuleMissing:
		return 2
	}
	return 3
}

// ruleRows are the rules that are enabled, and measured.
func (t *tally) ruleRows() []RuleRow {
	rows := []RuleRow{}
	for i, r := range t.set {
		if !r.Enabled || !measured(&r) {
			continue
		}
		c := &t.rules[i]
		rows = append(rows, RuleRow{Rule: r.Name, File: r.File, Line: r.Line, Outcome: r.Outcome, Shadow: r.Shadow,
			Hits: c.said[0], Misses: c.said[1], Missing: c.said[2], Errors: c.said[3], Alone: c.alone, Fraud: c.fraud, Good: c.good})
	}
	return rows
}

// maxOverlaps is how many pairs of rules are told.
const maxOverlaps = 50

func (t *tally) overlaps() []Overlap {
	all := []Overlap{}
	for pair, both := range t.pairs {
		a, b := pair[0], pair[1]
		all = append(all, Overlap{Rules: [2]string{t.set[a].Name, t.set[b].Name}, Both: both,
			Of: t.rules[a].said[0] + t.rules[b].said[0] - both})
	}
	slices.SortFunc(all, func(a, b Overlap) int {
		return cmp.Or(cmp.Compare(b.Both, a.Both), slices.Compare(a.Rules[:], b.Rules[:]))
	})
	return all[:min(len(all), maxOverlaps)]
}

func (t *tally) dayRows() []Day {
	rows := []Day{}
	for _, number := range slices.Sorted(maps.Keys(t.days)) {
		d := t.days[number]
		row := Day{Date: time.UnixMilli(number * msPerDay).UTC().Format(time.DateOnly), Outcomes: map[topics.Outcome]int64{},
			Fraud: d.fraud, Warmup: !d.measured}
		for i, n := range d.outcomes {
			if n > 0 {
				row.Outcomes[outcomes[i]] = n
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// stopped are the confusion matrices where block stops, where hold does too, and where step_up does as well.
func (t *tally) stopped() []Stopped {
	var all []Stopped
	for n := 1; n <= stopping; n++ {
		s := Stopped{By: outcomes[:n]}
		for i := range t.outcomes {
			c := &t.outcomes[i]
			if i < n {
				s.FraudHit, s.GoodHit = s.FraudHit+c.Fraud, s.GoodHit+c.Good
				s.Blocked.addAll(c.Frauds)
				s.Hindered.addAll(c.Goods)
			} else {
				s.FraudMissed, s.GoodMissed = s.FraudMissed+c.Fraud, s.GoodMissed+c.Good
				s.Lost.addAll(t.lost[i])
			}
		}
		s.measure()
		all = append(all, s)
	}
	return all
}
