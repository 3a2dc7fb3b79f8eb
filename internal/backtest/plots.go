package backtest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weirhq/weir/topics"
)

// recallPlot is precision over recall, for all thresholds of the score, with the outcomes as points.
func (r *Result) recallPlot() *plot {
	p := unitPlot("Precision and recall", "Precision over recall for every threshold of the score", "recall", "precision")
	prevalence := ratio(r.Labels.Fraud, r.Labels.Fraud+r.Labels.Good)
	p.path("guess", [][2]float64{{0, prevalence}, {1, prevalence}})
	curve := [][2]float64{}
	last := 0.0
	for _, c := range r.Score.Curve { // a step: recall between two thresholds cannot be had
		curve = append(curve, [2]float64{last, c.Precision}, [2]float64{c.Recall, c.Precision})
		last = c.Recall
	}
	p.path("curve", curve)
	for i := range r.Stopped {
		if s := &r.Stopped[i]; s.Precision != nil && s.Recall != nil {
			p.Dots = append(p.Dots, dot{X: p.x(*s.Recall), Y: p.y(*s.Precision), Class: "o-" + string(s.By[i]), Label: added(i, s.By[i]),
				Title: fmt.Sprintf("stopped by %s: recall %.3f, precision %.3f", by(s.By), *s.Recall, *s.Precision)})
		}
	}
	p.Legend = []key{{"curve", "score"}, {"guess", "a score that says nothing"}}
	return p
}

// added names what an outcome adds to those before it.
func added(at int, o topics.Outcome) string {
	if at == 0 {
		return string(o)
	}
	return "+ " + string(o)
}

// rocPlot is the true positive rate over the false positive rate.
func (r *Result) rocPlot() *plot {
	p := unitPlot("ROC", "True positive rate over false positive rate for every threshold of the score", "good attempts stopped", "frauds stopped")
	p.path("guess", [][2]float64{{0, 0}, {1, 1}})
	curve := [][2]float64{{0, 0}}
	for _, c := range r.Score.Curve {
		curve = append(curve, [2]float64{c.FalseRate, c.Recall})
	}
	p.path("curve", curve)
	for i := range r.Stopped {
		if s := &r.Stopped[i]; s.Recall != nil && s.GoodHit+s.GoodMissed > 0 {
			rate := ratio(s.GoodHit, s.GoodHit+s.GoodMissed)
			p.Dots = append(p.Dots, dot{X: p.x(rate), Y: p.y(*s.Recall), Class: "o-" + string(s.By[i]), Label: added(i, s.By[i]),
				Title: fmt.Sprintf("stopped by %s: %.1f %% of good, %.1f %% of fraud", by(s.By), 100*rate, 100**s.Recall)})
		}
	}
	p.Legend = []key{{"curve", "score"}, {"guess", "a score that says nothing"}}
	return p
}

// scorePlot is how the scores of fraud and of good attempts are distributed, each in parts of its own sum.
func (r *Result) scorePlot() *plot {
	p := newPlot("Scores", "Shares of fraud and of good attempts by score", wideWidth, plotHeight)
	p.XLabel, p.YLabel = "score", "share of its kind"
	largest := 0.0
	for _, b := range r.Score.Bins {
		largest = max(largest, 100*ratio(b.Fraud, r.Labels.Fraud), 100*ratio(b.Good, r.Labels.Good))
	}
	top := p.countAxis(largest)
	for i := range p.YTicks {
		p.YTicks[i].Label += " %"
	}
	width := p.Frame.W / float64(len(r.Score.Bins))
	for i, b := range r.Score.Bins {
		left := p.Frame.X + float64(i)*width
		label := fmt.Sprint(b.From)
		if b.To > b.From {
			label = fmt.Sprintf("%d to %d", b.From, b.To)
		}
		for j, k := range []struct {
			class string
			part  float64
			n     int64
		}{{"good", ratio(b.Good, r.Labels.Good), b.Good}, {"fraud", ratio(b.Fraud, r.Labels.Fraud), b.Fraud}} {
			y := p.y(100 * k.part / top)
			p.Bars = append(p.Bars, rect{X: rounded(left + width*(0.1+0.4*float64(j))), Y: y, W: rounded(width * 0.4), H: rounded(p.Frame.Bottom() - y),
				Class: k.class, Title: fmt.Sprintf("score %s: %s %s, %.1f %%", label, count(k.n), k.class, 100*k.part)})
		}
		if i%(len(r.Score.Bins)/12+1) == 0 {
			p.XTicks = append(p.XTicks, tick{rounded(left + width/2), fmt.Sprint(b.From)})
		}
	}
	p.Legend = []key{{"good", "good"}, {"fraud", "fraud"}}
	return p
}

// dayPlot is the decisions other than pass, by day.
func (r *Result) dayPlot() *plot {
	p := newPlot("Decisions by day", "Decisions other than pass, by day", wideWidth, plotHeight)
	p.YLabel = "decisions other than pass"
	largest := 1.0
	for _, d := range r.Days {
		largest = max(largest, float64(d.stoppedOrAllowed()))
	}
	top := p.countAxis(largest)
	width := p.Frame.W / float64(len(r.Days))
	for i, d := range r.Days {
		left, bottom := p.Frame.X+float64(i)*width, p.Frame.Bottom()
		if d.Warmup {
			p.Bars = append(p.Bars, rect{X: rounded(left), Y: p.Frame.Y, W: rounded(width), H: p.Frame.H, Class: "warmup", Title: d.Date + ": warm-up"})
		}
		for _, o := range outcomes[:len(outcomes)-1] {
			n := d.Outcomes[o]
			if n == 0 {
				continue
			}
			h := float64(n) / top * p.Frame.H
			bottom -= h
			p.Bars = append(p.Bars, rect{X: rounded(left + width*0.1), Y: rounded(bottom), W: rounded(width * 0.8), H: rounded(h), Class: "o-" + string(o),
				Title: fmt.Sprintf("%s: %s %s", d.Date, count(n), o)})
		}
		if i%(len(r.Days)/10+1) == 0 {
			p.XTicks = append(p.XTicks, tick{rounded(left + width/2), d.Date[len("2006-"):]})
		}
	}
	p.Legend = outcomeKeys(r)
	if slices.ContainsFunc(r.Days, func(d Day) bool { return d.Warmup }) {
		p.Legend = append(p.Legend, key{"warmup", "warm-up, not measured"})
	}
	return p
}

func (d *Day) stoppedOrAllowed() (n int64) {
	for _, o := range outcomes[:len(outcomes)-1] {
		n += d.Outcomes[o]
	}
	return n
}

func outcomeKeys(r *Result) (keys []key) {
	for _, o := range r.Outcomes[:len(r.Outcomes)-1] {
		if o.Attempts > 0 {
			keys = append(keys, key{"o-" + string(o.Outcome), string(o.Outcome)})
		}
	}
	return keys
}

// maxRuleBars is how many rules the plot of hits shows; the table has all.
const maxRuleBars = 30

// rulePlot is how often each rule hit, by labels where there are any, the most frequent first.
func (r *Result) rulePlot() *plot {
	rules := slices.DeleteFunc(slices.Clone(r.Rules), func(rule RuleRow) bool { return rule.Hits == 0 })
	slices.SortStableFunc(rules, func(a, b RuleRow) int { return int(b.Hits - a.Hits) })
	rules = rules[:min(len(rules), maxRuleBars)]
	if len(rules) == 0 {
		return nil
	}
	const left = 260
	p := newPlot("Hits of rules", "How often each rule hit", wideWidth, 0)
	p.Frame = rect{X: left, Y: marginTop, W: wideWidth - left - 90, H: float64(len(rules)) * barHeight}
	p.Height = p.Frame.H + marginTop + 12
	for i, rule := range rules {
		x, y := p.Frame.X, p.Frame.Y+float64(i)*barHeight
		for _, part := range []struct {
			class string
			n     int64
		}{{"fraud", rule.Fraud}, {"good", rule.Good}, {"unlabelled", rule.Hits - rule.Fraud - rule.Good}} {
			w := ratio(part.n, rules[0].Hits) * p.Frame.W
			if part.n == 0 {
				continue
			}
			p.Bars = append(p.Bars, rect{X: rounded(x), Y: y + 3, W: rounded(max(w, 1)), H: barHeight - 6, Class: part.class,
				Title: fmt.Sprintf("%s: %s hits, %s %s", rule.Rule, count(rule.Hits), count(part.n), part.class)})
			x += w
		}
		p.YTicks = append(p.YTicks, tick{y + barHeight/2, shorter(rule.Rule)})
		p.Dots = append(p.Dots, dot{X: rounded(x) + 6, Y: y + barHeight/2, Class: "value", Label: count(rule.Hits)})
	}
	if r.Labels != nil {
		p.Legend = []key{{"fraud", "fraud"}, {"good", "good"}}
	}
	return p
}

// maxNameShown is how much of a rule's name stands beside its bar.
const maxNameShown = 34

func shorter(name string) string {
	if len(name) <= maxNameShown {
		return name
	}
	return strings.TrimRight(name[:maxNameShown-1], "_") + "…"
}
