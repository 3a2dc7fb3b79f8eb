package backtest

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func scored(fraud, good []int64) scores {
	s := scores{}
	for _, score := range fraud {
		s.add(score, true)
	}
	for _, score := range good {
		s.add(score, false)
	}
	return s
}

// TestScoreMeasures: values worked out by hand.
func TestScoreMeasures(t *testing.T) {
	for name, c := range map[string]struct {
		fraud, good []int64
		ap, auc     float64
	}{
		"perfect": {[]int64{9, 8}, []int64{1, 0}, 1, 1},
		// Recall 1 at precision 1/3.
		"wrong way round": {[]int64{1}, []int64{2, 3}, 1.0 / 3, 0},
		// 3: (1/2)(1/1); 2: nothing; 1: (1/2)(2/3). Pairs: 3>2, 1<2.
		"one between": {[]int64{3, 1}, []int64{2}, 0.5 + 1.0/3, 0.5},
		// All at one threshold but the last good one: (2/2)(2/4). Pairs: 4 ties of 4 and 2 won: (2+2)/6.
		"ties": {[]int64{5, 5}, []int64{5, 5, -1}, 0.5, 4.0 / 6},
		// scikit-learn's example: y = 0 0 1 1, scores 0.1 0.4 0.35 0.8; average precision 0.83, AUC 0.75.
		"scikit-learn": {[]int64{35, 80}, []int64{10, 40}, 5.0 / 6, 0.75},
	} {
		got := scored(c.fraud, c.good).measure()
		if math.Abs(got.AveragePrecision-c.ap) > 1e-12 || math.Abs(got.AUC-c.auc) > 1e-12 {
			t.Errorf("%s: average precision %v, AUC %v; want %v, %v", name, got.AveragePrecision, got.AUC, c.ap, c.auc)
		}
	}
}

func TestScoreWithoutAnswer(t *testing.T) {
	for name, s := range map[string]scores{
		"nothing": scored(nil, nil), "no fraud": scored(nil, []int64{1, 2}), "no good": scored([]int64{1, 2}, nil), "one score": scored([]int64{3}, []int64{3}),
	} {
		if got := s.measure(); got != nil {
			t.Errorf("%s: %+v, want no answer", name, got)
		}
	}
}

// TestScoreMeasuresAreThoseOfPairs compares with definitions that look at every pair and at every prefix.
func TestScoreMeasuresAreThoseOfPairs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		score := rapid.Int64Range(-20, 20)
		fraud, good := rapid.SliceOfN(score, 1, 30).Draw(t, "fraud"), rapid.SliceOfN(score, 1, 30).Draw(t, "good")
		got := scored(fraud, good).measure()
		if got == nil {
			return // one score
		}
		won := 0.0
		for _, f := range fraud {
			for _, g := range good {
				switch {
				case f > g:
					won++
				case f == g:
					won += 0.5
				}
			}
		}
		ap := 0.0
		for _, f := range fraud { // each fraud adds 1/F of recall at the precision of its score
			above, all := 0.0, 0.0
			for _, other := range fraud {
				if other >= f {
					above++
					all++
				}
			}
			for _, other := range good {
				if other >= f {
					all++
				}
			}
			ap += above / all / float64(len(fraud))
		}
		if auc := won / float64(len(fraud)*len(good)); math.Abs(got.AUC-auc) > 1e-9 || math.Abs(got.AveragePrecision-ap) > 1e-9 {
			t.Fatalf("average precision %v, AUC %v; want %v, %v", got.AveragePrecision, got.AUC, ap, auc)
		}
		last := got.Curve[len(got.Curve)-1]
		if last.Recall != 1 || last.FalseRate != 1 {
			t.Fatalf("the curve ends at %+v", last)
		}
		sum := labelled{}
		for i, b := range got.Bins {
			sum.fraud, sum.good = sum.fraud+b.Fraud, sum.good+b.Good
			if b.From > b.To || i > 0 && b.From != got.Bins[i-1].To+1 {
				t.Fatalf("bins %+v", got.Bins)
			}
		}
		if sum.fraud != int64(len(fraud)) || sum.good != int64(len(good)) || len(got.Bins) > maxBins {
			t.Fatalf("bins %+v", got.Bins)
		}
	})
}

func TestLongCurveIsThinned(t *testing.T) {
	s := scores{}
	for i := range int64(3 * maxPoints) {
		s.add(i, i%2 == 0)
	}
	got := s.measure().Curve
	if len(got) != maxPoints || got[0].Score != 3*maxPoints-1 || got[maxPoints-1].Score != 0 {
		t.Errorf("%d points from score %d to %d", len(got), got[0].Score, got[len(got)-1].Score)
	}
}

func TestStoppedMeasures(t *testing.T) {
	s := Stopped{FraudHit: 3, FraudMissed: 1, GoodHit: 6, GoodMissed: 90}
	s.measure()
	if *s.Precision != 3.0/9 || *s.Recall != 0.75 || math.Abs(*s.F1-6.0/13) > 1e-12 || *s.GoodPerFraud != 2 {
		t.Errorf("precision %v, recall %v, F1 %v, good per fraud %v", *s.Precision, *s.Recall, *s.F1, *s.GoodPerFraud)
	}
	none := Stopped{GoodMissed: 5}
	none.measure()
	if none.Precision != nil || none.Recall != nil || none.F1 != nil || none.GoodPerFraud != nil {
		t.Errorf("%+v has measures of nothing", none)
	}
}

// TestTopCards: days 1 to 3 with two cards looked at each day, by hand.
func TestTopCards(t *testing.T) {
	r := newCardRanking(2)
	for _, a := range []struct {
		day   int64
		card  string
		score int64
		fraud bool
	}{
		// Day 1: a 50, b 40, c 10. b's fraud has a low score, but another attempt of b ranks it: 1 of 2.
		{1, "a", 50, false}, {1, "b", 5, true}, {1, "b", 40, false}, {1, "c", 10, true}, {1, "", 99, true},
		// Day 2: b was found, so c and d are looked at: 1 of 2. e has c's score and came later.
		{2, "b", 90, true}, {2, "d", 30, false}, {2, "c", 20, true}, {2, "e", 20, true},
		// Day 3: one card alone, which is good: 0 of 2.
		{3, "a", 70, false},
	} {
		r.add(a.day, a.card, a.score, a.fraud)
	}
	got := r.measure()
	if got.Days != 3 || math.Abs(got.Precision-1.0/3) > 1e-12 || got.Found != 2 || got.Cards != 3 || got.Unranked != 1 {
		t.Errorf("%+v, want a precision of 1/3 over 3 days, 2 of 3 cards found, 1 unranked", got)
	}
	if none := newCardRanking(5).measure(); none != nil {
		t.Errorf("%+v for no card", none)
	}
}
