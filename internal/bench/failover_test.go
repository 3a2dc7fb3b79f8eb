package bench

import (
	"testing"
	"time"
)

// TestJudge: traffic has moved with the first payment after which nearly all are approved, for a second and to the end.
func TestJudge(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w := &watch{fails: int((warmUp + failoverBefore).Seconds()) * failoverRate}
	during := int(failoverFor.Seconds()) * failoverRate
	for n := range w.fails + during {
		at := begin.Add(time.Duration(n) * time.Second / failoverRate)
		w.arrivals = append(w.arrivals, arrival{sent: at, approved: true, captured: true, ended: true})
	}
	for n := range 300 { // for a second and a half nobody is approved
		w.arrivals[w.fails+n] = arrival{sent: w.arrivals[w.fails+n].sent, ended: n != 7}
	}
	for n := 1000; n < during; n += 200 { // then one probe a second
		w.arrivals[w.fails+n].approved = false
	}
	got, want := w.judge(), failoverResult{moved: 1490 * time.Millisecond, before: 1000, after: 995, lost: 1, captured: int64(w.fails + during - 300)}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for n := w.fails; n < len(w.arrivals); n += 2 { // every other one, for ever
		w.arrivals[n].approved = false
	}
	if got := w.judge(); got.moved != failoverFor || got.after != 0 {
		t.Errorf("traffic that never moves: %+v", got)
	}
}
