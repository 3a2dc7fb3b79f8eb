package backtest

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// How much of each table a terminal shows; the HTML report and --json have the rest.
const (
	shownOverlaps = 10
	shownExamples = 3
)

// WriteText writes the report for a terminal.
func (r *Result) WriteText(out io.Writer) error {
	w := &writer{out: out}
	r.writeHead(w)
	if len(r.Notes) > 0 {
		w.line("")
	}
	for _, n := range r.Notes {
		w.line("note: %s", n)
	}
	r.writeOutcomes(w)
	r.writeRules(w)
	r.writeLabels(w)
	r.writeChanges(w)
	return w.err
}

func (r *Result) writeHead(w *writer) {
	h := r.History
	w.line("history   %s to %s: %s, %s, %s", moment(h.From), moment(h.To), plural(h.Attempts, "attempt"),
		plural(h.Custom, "custom event"), plural(h.Outcomes, "outcome"))
	w.line("measured  %s from %s on; %s before are the warm-up", plural(r.Measured, "attempt"), moment(r.Warmup.Until), count(r.Warmup.Attempts))
	for _, i := range r.Warmup.Incomplete {
		w.line("          %s is complete only from %s on, and too low before", i.Velocity, moment(i.Until))
	}
	w.line("rule set  %s", r.RuleSet)
	if r.Baseline != "" {
		w.line("baseline  %s", r.Baseline)
	}
}

func (r *Result) writeOutcomes(w *writer) {
	t := table{{"OUTCOME", "ATTEMPTS", "SHARE", "AMOUNT"}}
	if r.Labels != nil {
		t[0] = append(t[0], "FRAUD", "FRAUD AMOUNT", "GOOD", "GOOD AMOUNT")
	}
	for _, o := range r.Outcomes {
		if o.Attempts == 0 {
			continue
		}
		row := []string{string(o.Outcome), count(o.Attempts), share(o.Attempts, r.Measured), o.Amounts.String()}
		if r.Labels != nil {
			row = append(row, count(o.Fraud), o.Frauds.String(), count(o.Good), o.Goods.String())
		}
		t = append(t, row)
	}
	w.table(t)
}

func (r *Result) writeRules(w *writer) {
	t := table{{"RULE", "ASKS FOR", "HITS", "SHARE", "ALONE", "MISSING", "ERRORS"}}
	if r.Labels != nil {
		t[0] = append(t[0], "FRAUD", "GOOD", "PRECISION")
	}
	for _, rule := range r.Rules {
		evaluated := rule.Hits + rule.Misses + rule.Missing + rule.Errors
		row := []string{rule.Rule, rule.asks(), count(rule.Hits), share(rule.Hits, evaluated), count(rule.Alone), count(rule.Missing), count(rule.Errors)}
		if r.Labels != nil {
			row = append(row, count(rule.Fraud), count(rule.Good), measure(rule.Precision()))
		}
		t = append(t, row)
	}
	w.table(t)
	if len(r.Overlap) == 0 {
		return
	}
	t = table{{"HIT TOGETHER", "", "BOTH", "OF EITHER"}}
	for _, o := range r.Overlap[:min(len(r.Overlap), shownOverlaps)] {
		t = append(t, []string{o.Rules[0], o.Rules[1], count(o.Both), share(o.Both, o.Of)})
	}
	w.table(t)
}

func (r *RuleRow) asks() string {
	asks := string(r.Outcome)
	if asks == "" {
		asks = "by points"
	}
	if r.Shadow {
		asks = "(shadow) " + asks
	}
	return asks
}

func (r *Result) writeLabels(w *writer) {
	if r.Labels == nil {
		return
	}
	l := r.Labels
	w.line("")
	w.line("labels    %s, %s, %s", plural(l.Fraud, "fraud"), goods(l), count(l.Unlabelled)+" unlabelled and in no measure below")
	t := table{{"STOPPED BY", "FRAUD STOPPED", "FRAUD PASSED", "GOOD STOPPED", "GOOD PASSED", "PRECISION", "RECALL", "F1", "GOOD PER FRAUD"}}
	money := table{{"STOPPED BY", "FRAUD STOPPED", "GOOD STOPPED", "LOST TO FRAUD"}}
	for i := range r.Stopped {
		s := &r.Stopped[i]
		t = append(t, []string{by(s.By), count(s.FraudHit), count(s.FraudMissed), count(s.GoodHit), count(s.GoodMissed),
			measure(s.Precision), measure(s.Recall), measure(s.F1), perFraud(s.GoodPerFraud)})
		money = append(money, []string{by(s.By), s.Blocked.String(), s.Hindered.String(), s.Lost.String()})
	}
	w.table(t)
	w.table(money)
	if r.Score != nil {
		w.line("")
		w.line("score     average precision %.3f (%.3f if it said nothing), ROC AUC %.3f (0.500)", r.Score.AveragePrecision,
			ratio(l.Fraud, l.Fraud+l.Good), r.Score.AUC)
	}
	if c := r.Cards; c != nil {
		w.line("cards     of the %d cards with the highest scores each day %s are fraud, over %s; %s of %s with fraud found", c.K,
			percent(c.Precision), plural(int64(c.Days), "day"), count(c.Found), plural(c.Cards, "card"))
	}
}

func goods(l *Labelled) string {
	if l.Assumed {
		return count(l.Good) + " not listed and taken for good"
	}
	return count(l.Good) + " good"
}

func perFraud(m *float64) string {
	if m == nil {
		return "–"
	}
	return fmt.Sprintf("%.1f", *m)
}

func percent(m float64) string { return fmt.Sprintf("%.1f %%", 100*m) }

func (r *Result) writeChanges(w *writer) {
	c := r.Changes
	if c == nil {
		return
	}
	w.line("")
	w.line("changed   %s (%s) against the baseline", plural(c.Attempts, "decision"), share(c.Attempts, r.Measured))
	if len(c.Transitions) == 0 {
		return
	}
	t := table{{"WAS", "IS", "ATTEMPTS", "AMOUNT"}}
	if r.Labels != nil {
		t[0] = append(t[0], "FRAUD", "GOOD")
	}
	for _, x := range c.Transitions {
		row := []string{string(x.From), string(x.To), count(x.Attempts), x.Amounts.String()}
		if r.Labels != nil {
			row = append(row, count(x.Fraud), count(x.Good))
		}
		t = append(t, row)
	}
	w.table(t)
	w.line("")
	for _, x := range c.Transitions {
		for _, e := range x.Examples[:min(len(x.Examples), shownExamples)] {
			label := e.Label()
			if label != "" {
				label = "  (" + label + ")"
			}
			w.line("%s  %s  %s → %s  %s%s", e.ID, e.Amount, x.From, x.To, strings.Join(e.Rules, "; "), label)
		}
	}
}

// table is rows of cells; the first row names the columns. Texts stand on the left, numbers on the right.
type table [][]string

// writer writes lines and keeps the first error.
type writer struct {
	out io.Writer
	err error
}

func (w *writer) line(format string, values ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.out, strings.TrimRight(format, " ")+"\n", values...)
	}
}

// table writes a table after an empty line.
func (w *writer) table(t table) {
	widths := make([]int, len(t[0]))
	left := make([]bool, len(t[0]))
	for _, row := range t {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	for i := range left {
		left[i] = len(t) > 1 && !strings.ContainsAny(t[1][i][:min(1, len(t[1][i]))], "0123456789–")
	}
	w.line("")
	for _, row := range t {
		var b strings.Builder
		for i, c := range row {
			space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c))
			if left[i] {
				b.WriteString(c + space)
			} else {
				b.WriteString(space + c)
			}
			b.WriteString("  ")
		}
		w.line("%s", strings.TrimRight(b.String(), " "))
	}
}
