package draw

import (
	"fmt"
	"testing"
)

// The draws of many payments have the mean and the spread of the distribution that they are drawn from.
func TestRate(t *testing.T) {
	for _, c := range []struct{ approved, declined int64 }{{0, 0}, {9, 1}, {1, 9}, {90, 10}, {900, 100}} {
		const payments = 20_000
		var sum, squares float64
		for i := range payments {
			rate := float64(Of("test", fmt.Sprint(i)).Rate("route", c.approved*millionths, c.declined*millionths)) / Billionths
			sum, squares = sum+rate, squares+rate*rate
		}
		a, b := float64(c.approved+1), float64(c.declined+1)
		mean, variance := a/(a+b), a*b/((a+b)*(a+b)*(a+b+1))
		gotMean := sum / payments
		gotVariance := squares/payments - gotMean*gotMean
		if d := gotMean - mean; d > 0.01 || d < -0.01 {
			t.Errorf("%d approved, %d declined: mean %.4f, want %.4f", c.approved, c.declined, gotMean, mean)
		}
		if r := gotVariance / variance; r < 0.9 || r > 1.1 {
			t.Errorf("%d approved, %d declined: variance %.6f, want %.6f", c.approved, c.declined, gotVariance, variance)
		}
	}
}

func TestTheSameSeedDrawsTheSame(t *testing.T) {
	if a, b := Of("x", "payment").Rate("route", 5, 7), Of("x", "payment").Rate("route", 5, 7); a != b {
		t.Errorf("%d, then %d", a, b)
	}
	if Of("x", "payment").Rate("route", 5, 7) == Of("x", "payment").Rate("other", 5, 7) || Of("x", "payment") == Of("y", "payment") {
		t.Error("draws are not kept apart")
	}
}
