package backtest

import (
	"maps"
	"slices"
)

// labelled counts attempts by their labels.
type labelled struct{ fraud, good int64 }

// scores counts labelled attempts by their score: all that the measures of a ranking need. They are exact, and attempts
// with the same score are one step of every curve, so that their order does not matter.
type scores map[int64]*labelled

func (s scores) add(score int64, fraud bool) {
	l := s[score]
	if l == nil {
		l = &labelled{}
		s[score] = l
	}
	if fraud {
		l.fraud++
	} else {
		l.good++
	}
}

// Sizes of what a report shows.
const (
	maxBins   = 40
	maxPoints = 400
)

// measure is nil where a ranking cannot be measured: there are no frauds, no good attempts, or but one score.
func (s scores) measure() *Score {
	var all labelled
	for _, l := range s {
		all.fraud += l.fraud
		all.good += l.good
	}
	if all.fraud == 0 || all.good == 0 || len(s) < 2 {
		return nil
	}
	descending := slices.Sorted(maps.Keys(s))
	slices.Reverse(descending)
	result := &Score{Bins: s.bins(descending)}
	// Average precision: the sum over thresholds of the recall that each adds, times the precision there. ROC AUC: the share
	// of pairs of a fraud and a good attempt in which the fraud has the higher score; a tie is half a pair.
	var above labelled
	var pairs2 float64 // twice the number of pairs: it may be beyond 64 bits
	for _, score := range descending {
		l := s[score]
		pairs2 += float64(l.good) * (2*float64(above.fraud) + float64(l.fraud))
		above.fraud += l.fraud
		above.good += l.good
		point := Point{
			Score: score, Recall: ratio(above.fraud, all.fraud), Precision: ratio(above.fraud, above.fraud+above.good),
			FalseRate: ratio(above.good, all.good),
		}
		result.AveragePrecision += ratio(l.fraud, all.fraud) * point.Precision
		result.Curve = append(result.Curve, point)
	}
	result.AUC = pairs2 / (2 * float64(all.fraud) * float64(all.good))
	result.Curve = thinned(result.Curve)
	return result
}

func ratio(part, of int64) float64 { return float64(part) / float64(of) }

// thinned leaves points out of a long curve, evenly, and keeps the ends.
func thinned(curve []Point) []Point {
	if len(curve) <= maxPoints {
		return curve
	}
	kept := make([]Point, maxPoints)
	for i := range kept {
		kept[i] = curve[i*(len(curve)-1)/(maxPoints-1)]
	}
	return kept
}

// bins are at most maxBins of one width over all scores.
func (s scores) bins(descending []int64) []Bin {
	low, high := descending[len(descending)-1], descending[0]
	width := (high-low)/maxBins + 1
	bins := make([]Bin, (high-low)/width+1)
	for i := range bins {
		bins[i].From = low + int64(i)*width
		bins[i].To = bins[i].From + width - 1
	}
	for score, l := range s {
		b := &bins[(score-low)/width]
		b.Fraud += l.fraud
		b.Good += l.good
	}
	return bins
}

// quotient is nil where it has no answer.
func quotient(part, of int64) *float64 {
	if of == 0 {
		return nil
	}
	q := ratio(part, of)
	return &q
}

// measure fills in the measures of a confusion matrix.
func (s *Stopped) measure() {
	s.Precision = quotient(s.FraudHit, s.FraudHit+s.GoodHit)
	s.Recall = quotient(s.FraudHit, s.FraudHit+s.FraudMissed)
	s.F1 = quotient(2*s.FraudHit, 2*s.FraudHit+s.GoodHit+s.FraudMissed)
	s.GoodPerFraud = quotient(s.GoodHit, s.FraudHit)
}
