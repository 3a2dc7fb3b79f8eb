// Package rulecost measures what rules take: each by itself, and all of them together.
package rulecost

import (
	"cmp"
	"slices"
	"time"

	"github.com/weirhq/weir/rules"
)

// Report is what a rule set takes.
type Report struct {
	Inputs   int
	Rules    []Rule        // slowest first
	Decision time.Duration // of the whole set, with the result of every rule
	Alone    time.Duration // of all rules, each by itself
	Unused   []string      // rules that none of the inputs is for
}

// Rule is what one rule takes by itself: the mean over the inputs that it is for, the least of several rounds.
type Rule struct {
	Name string
	Time time.Duration
	// Worst is its cost by CEL's estimate of the worst case; rules.MaxCost is the most for one condition.
	Worst uint64
}

// A rule takes nanoseconds, so that each clock reading is about many evaluations; other work on the machine lengthens some
// rounds, and the least is taken.
const (
	repeats = 32
	rounds  = 5
)

// Measure takes the time of a set on inputs.
func Measure(set *rules.Set, inputs []rules.Input) Report {
	all := set.Rules()
	least := make([]time.Duration, len(all)) // of the sum over the inputs
	used := make([]int, len(all))
	report := Report{Inputs: len(inputs)}
	e := set.NewEvaluation()
	for round := range rounds {
		sums := make([]time.Duration, len(all))
		clear(used)
		for _, in := range inputs {
			e.Evaluate(in)
			empty := alone(e, -1)
			for at := range e.Results() {
				sums[at] += max(alone(e, at)-empty, 0)
				used[at]++
			}
		}
		for at, sum := range sums {
			if round == 0 || sum < least[at] {
				least[at] = sum
			}
		}
		if took := decisions(e, inputs); round == 0 || took < report.Decision {
			report.Decision = took
		}
	}
	for at, r := range all {
		switch {
		case used[at] == 0 && r.Enabled:
			report.Unused = append(report.Unused, r.Name)
		case used[at] > 0:
			mean := least[at] / time.Duration(used[at]*repeats)
			report.Rules = append(report.Rules, Rule{r.Name, mean, set.WorstCost(at)})
			report.Alone += mean
		}
	}
	slices.SortStableFunc(report.Rules, func(a, b Rule) int { return cmp.Compare(b.Time, a.Time) })
	return report
}

// alone takes the time of repeated evaluations of one rule.
func alone(e *rules.Evaluation, rule int) time.Duration {
	began := time.Now()
	for range repeats {
		e.Alone(rule)
	}
	return time.Since(began)
}

// decisions takes the mean time of a decision.
func decisions(e *rules.Evaluation, inputs []rules.Input) time.Duration {
	began := time.Now()
	for range repeats {
		for _, in := range inputs {
			e.Evaluate(in)
		}
	}
	return time.Since(began) / time.Duration(repeats*len(inputs))
}
