package backtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/weirhq/weir/topics"
)

// AsRecorded is the baseline of a history that holds what was decided.
const AsRecorded = "as recorded"

// result puts together what was counted.
func (r *run) result() (*Result, error) {
	t := r.tally
	r.history.Unmatched = r.tested.replay.Unmatched()
	switch {
	case r.history.Attempts == 0:
		return nil, fmt.Errorf("%s: there is no attempt in it, so there is nothing that rules could decide", r.config.Input)
	case t.measured == 0:
		return nil, fmt.Errorf("%s: the history, %s to %s, ends within the warm-up of %s: pass --warmup with less, or more history",
			r.config.Input, moment(r.history.From), moment(r.history.To), span(r.warmup))
	}
	if err := r.config.Labels.missed(r.someID); err != nil {
		return nil, err
	}
	result := &Result{RuleSet: r.config.Set.Hash(), History: r.history, Measured: t.measured, Rules: t.ruleRows(), Overlap: t.overlaps(),
		Days: t.dayRows(), Warmup: Warmup{Seconds: int64(r.warmup / time.Second), Until: r.until, Attempts: r.warming}}
	result.Sources = Sources{Rules: r.config.Set.Files(), History: r.config.Input, Labels: r.config.LabelsOf}
	if r.config.Baseline != nil {
		result.Sources.Baseline = r.config.Baseline.Files()
	}
	for _, d := range r.config.Set.Velocity() {
		if until := r.history.From.Add(d.Window); until.After(r.until) {
			result.Warmup.Incomplete = append(result.Warmup.Incomplete, Incomplete{"velocity." + d.Name, until})
		}
	}
	for i, c := range t.outcomes {
		result.Outcomes = append(result.Outcomes, OutcomeRow{outcomes[i], c})
	}
	if r.compared > 0 {
		result.Baseline, result.Changes = AsRecorded, t.changes.result()
		if r.baseline.set != nil {
			result.Baseline = r.config.Baseline.Hash()
		}
	}
	r.labelled(result)
	if names, stages := elsewhere(r.config.Set.Rules()); len(names) > 0 {
		result.note("%s of stage %s and not measured: %s.", subject(int64(len(names)), "rule"), strings.Join(stages, ", "), strings.Join(names, ", "))
	}
	if n := r.noAmount; n > 0 {
		result.note("%s without a payment.amount, which every live payment has: rules that read it missed data there.", subject(n, "measured attempt"))
	}
	if len(r.countsOutcomes) > 0 && r.history.Outcomes == 0 {
		result.note("The history says of no attempt what became of it: %s found nothing to count.", strings.Join(r.countsOutcomes, ", "))
	}
	if len(r.countsCustom) > 0 && r.history.Custom == 0 {
		result.note("The history has no events of your own: %s found nothing to count.", strings.Join(r.countsCustom, ", "))
	}
	if d, ok := r.config.Source.(*Decisions); ok && d.Gone > 0 {
		result.note("%s left out: the inbox does not hold their commands any more.", plural(d.Gone, "decision"))
	}
	if n := r.history.Unmatched; n > 0 {
		result.note("%s left out: their attempts are not in the history, or more than 1,048,576 attempts came between.", plural(n, "outcome"))
	}
	return result, nil
}

// labelled adds what takes labels.
func (r *run) labelled(result *Result) {
	t := r.tally
	if t.labels.Fraud+t.labels.Good == 0 {
		if r.config.Labels != nil {
			result.note("All attempts that are labelled lie in the warm-up, so precision, recall and the rest have no answer: pass --warmup with less, or more history.")
			return
		}
		result.note("No attempt is labelled, so precision, recall, F1, average precision, ROC AUC, top cards and money lost have no answer: " +
			"pass --labels, or a column fraud.")
		return
	}
	l := t.labels
	if r.config.Labels != nil {
		l.Assumed = r.config.Labels.listsFrauds
		l.NotFound = r.config.Labels.unseen()
		r.delay(&l, r.config.Labels.latest)
	}
	if l.NotFound > 0 {
		result.note("%s not in the history: no measure knows what was said of it.", subject(l.NotFound, "labelled id"))
	}
	result.Labels, result.Stopped, result.Score = &l, t.stopped(), t.scores.measure()
	switch {
	case result.Score != nil:
		if result.Cards = t.cards.measure(); result.Cards == nil {
			result.note("No attempt has a card.fingerprint, so top cards have no answer.")
		}
	case l.Fraud == 0 || l.Good == 0:
		result.note("All labelled attempts are alike, so there is nothing to tell apart: the score has no measures.")
	default:
		result.note("Every attempt has the same score, so it ranks nothing: average precision, ROC AUC and top cards have no answer. Give rules a score.")
	}
	if l.Delay != nil && l.Young > 0 {
		result.note("Nine of ten frauds became known within %s of the attempt. %s younger than that at the last label: some of their fraud "+
			"is not known yet, and counts as good.", plural(*l.Delay, "day"), subject(l.Young, "measured attempt"))
	}
}

// delay works out how long it takes until fraud is known, and for how many attempts that time is not over.
func (r *run) delay(l *Labelled, latest time.Time) {
	delays := r.tally.delays
	if len(delays) == 0 {
		return
	}
	slices.Sort(delays)
	within := delays[(len(delays)*9+9)/10-1]
	l.Delay = &within
	for _, d := range r.tally.days {
		if !d.measured || d.day+within <= latest.UnixMilli()/msPerDay {
			continue
		}
		for _, n := range d.outcomes {
			l.Young += n
		}
	}
}

func (l *Labels) unseen() (n int64) {
	for _, one := range l.byID {
		if !one.seen {
			n++
		}
	}
	return n
}

func (r *Result) note(format string, values ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, values...))
}

func subject(n int64, what string) string {
	if n == 1 {
		return plural(n, what) + " is"
	}
	return plural(n, what) + " are"
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

// span is a time as rules write it.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d > 0 && d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	case d > 0 && d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return d.String()
}

// share is a part as a percentage with one decimal.
func share(part, of int64) string {
	if of == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100*ratio(part, of))
}

// measure is a measure between 0 and 1, or none.
func measure(m *float64) string {
	if m == nil {
		return "–"
	}
	return fmt.Sprintf("%.3f", *m)
}

func count(n int64) string { return inGroups(fmt.Sprint(n)) }

// by names the outcomes that stop.
func by(outcomes []topics.Outcome) string {
	names := make([]string, len(outcomes))
	for i, o := range outcomes {
		names[i] = string(o)
	}
	return strings.Join(names, ", ")
}
