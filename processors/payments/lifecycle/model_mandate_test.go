package lifecycle_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// TestMandateAgainstModel plays a mandate and payments by it in any order. The model knows whether the mandate stands, and of
// each payment whether an answer is awaited: P10, P6 and the schedule's bounds hold for every request.
func TestMandateAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(nil)
		do := func(line string) {
			if _, err := w.do(line); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
		}
		do("command create 10.00 EUR authorize capture=automatic setup=recurring until=400h")
		do("psp response authorize approved 10.00 EUR captured ref=a_0")
		payments := []string{"p2", "p3"}
		final := map[string]bool{} // said of an earlier attempt, while the next one was under way
		for _, p := range payments {
			do("command create 10.00 EUR authorize capture=automatic by=p1 payment=" + p)
		}
		ended := w.payments["p1"].Mandate.Terms.ExpiresAt // or earlier, by what is played
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			p := rapid.SampledFrom(payments).Draw(t, "payment")
			before := map[string]int{}
			open := false
			for _, of := range payments {
				before[of] = w.payments[of].Recurring.Asked
			}
			for i := range w.payments[p].Operations {
				open = open || w.payments[p].Operations[i].Kind == topics.OperationAuthorize && w.payments[p].Operations[i].State.Open()
			}
			hard := false
			switch rapid.IntRange(0, 8).Draw(t, "what") {
			case 0:
				hard = open && final[p]
				do("psp response authorize declined ref=none code=51 category=insufficient_funds retry=later payment=" + p)
			case 1:
				hard = open && final[p]
				do("psp response authorize declined ref=none code=05 category=do_not_honor retry=other_route payment=" + p)
			case 2:
				hard = open || w.payments[p].Status() == topics.StatusQueued // of the attempt that was called soft
				do("psp response authorize declined ref=none code=43 category=lost_or_stolen retry=never hard payment=" + p)
			case 3:
				do("psp response authorize unknown ref=none payment=" + p)
			case 4:
				hard = open && final[p]
				do("psp response authorize failed code=not_sent ref=none payment=" + p)
			case 5, 6:
				if w.payments[p].Timer.Kind != "" {
					do("timer payment=" + p)
				}
			case 7:
				do("command revoke_mandate")
				if w.now.Before(ended) {
					ended = w.now
				}
			case 8:
				if n := len(w.requests[p+"/authorize"]); n > 1 {
					hard = w.payments[p].Status() == topics.StatusQueued
					final[p] = final[p] || open
					do(fmt.Sprintf("psp webhook authorize declined request=authorize#%d ref=none code=43 category=lost_or_stolen retry=never hard payment=%s",
						rapid.IntRange(1, n-1).Draw(t, "attempt"), p))
				}
			}
			for _, of := range payments {
				check(t, w, of, before[of], open && of == p, ended)
			}
			if hard && w.now.Before(ended) {
				ended = w.now
			}
			if stands := w.payments["p1"].Mandate.At(w.now) == topics.MandateActive; stands != w.now.Before(ended) {
				t.Fatalf("the mandate stands: %v at %s, the model says it ended at %s", stands, w.now, ended)
			}
		}
	})
}

// check looks at what one step made of a payment.
func check(t *rapid.T, w *world, name string, before int, open bool, ended time.Time) {
	p := w.payments[name]
	r := p.Recurring
	switch limits := lifecycle.DefaultRetries(); {
	case r.Asked > before && open:
		t.Fatalf("%s is asked for again while an answer is awaited", name)
	case r.Asked > before && !w.now.Before(ended):
		t.Fatalf("%s is asked for at %s by a mandate that ended at %s", name, w.now, ended)
	case r.Asked > limits.Attempts || r.Asked > before && w.now.After(r.Began.Add(limits.Within)):
		t.Fatalf("%s is asked for %d times, the last time at %s, first at %s", name, r.Asked, w.now, r.Began)
	case p.Status() == topics.StatusQueued && (r.Retry == nil || r.Retry.Left < 1 || r.Retry.At.After(r.Retry.Until)):
		t.Fatalf("%s waits for %+v", name, r.Retry)
	}
}
