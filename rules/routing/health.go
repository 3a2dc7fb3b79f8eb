package routing

import (
	"fmt"
	"time"
)

// HealthTerms say when a PSP is unhealthy. A Window of 0: never.
type HealthTerms struct {
	Window  time.Duration // over which results are counted
	AtLeast int64         // results in the window, before anything is said of the PSP
	// ErrorRate and TimeoutRate are percentages of the window's results above which it is unhealthy, P95 the time within which
	// 95 of 100 results came; 0: not looked at.
	ErrorRate, TimeoutRate int
	P95                    time.Duration
	OpenFor                time.Duration // how long nobody goes there; then Probes payments do
	Probes                 int64         // that must be answered before all go there again
}

// Answer is what became of a request to a PSP, as far as its health goes.
type Answer uint8

const (
	Answered   Answer = iota // approved, declined or a challenge: the PSP works
	Failed                   // not sent, not performed, or an error of the PSP
	Unanswered               // the outcome is unknown
)

// The window moves in slices of a twelfth.
const windowSlices = 12

// The latencies that are told apart, each bound 1.25 times the one before, from 100 ms; the last has no bound. A p95 is the
// upper bound of its class: at most a quarter too high, never too low.
const latencies = 32

// slice is the results of a part of the window.
type slice struct {
	number              int64 // of the slice, counted since 1970
	all, failed, silent int64
	overdue             int64 // no answer within P95; counted as answers that took longer
	took                [latencies]int64
}

type healthState uint8

const (
	closed   healthState = iota // payments go there
	open                        // none does
	halfOpen                    // probes do
)

// health is the circuit breaker of a PSP. Times are those of records, and never run backwards: an earlier one counts as the
// latest seen.
type health struct {
	state    healthState
	since    time.Time // of the state
	why      string    // it is open
	probing  int64     // probes on their way, half-open
	answered int64     // probes
	window   [windowSlices]slice
	latest   time.Time
	imagined bool // by a test of the file
}

// observe counts a result, of a request that may have been counted as overdue.
func (h *health) observe(t HealthTerms, a Answer, took time.Duration, overdue bool, at time.Time) {
	at = h.advance(t, at)
	switch {
	case h.state == halfOpen && a == Answered:
		if h.answered++; h.answered >= t.Probes {
			h.to(closed, at, "")
			h.window = [windowSlices]slice{} // what opened it is over
		}
	case h.state == halfOpen:
		h.to(open, at, "a probe failed")
	}
	s := h.slice(t, at)
	if !overdue {
		s.all++
	}
	switch {
	case a == Failed:
		s.failed++
	case a == Unanswered:
		s.silent++
	case !overdue:
		s.took[class(took)]++
	}
	h.judge(t, s.number, at)
}

// overdue counts a request that was not answered within P95: it will take longer than that, whatever comes of it. Else a PSP
// that takes requests and is silent would be noticed only when the calls time out.
func (h *health) overdue(t HealthTerms, asked, at time.Time) {
	at = h.advance(t, at)
	if h.state == halfOpen && !asked.Before(h.since) {
		h.to(open, at, "a probe is not answered")
	}
	s := h.slice(t, at)
	s.all++
	s.overdue++
	s.took[class(t.P95+1)]++
	h.judge(t, s.number, at)
}

// judge opens the breaker of a PSP that has become unhealthy.
func (h *health) judge(t HealthTerms, number int64, at time.Time) {
	if h.state != closed {
		return
	}
	if why := h.unhealthy(t, number); why != "" {
		h.to(open, at, why)
	}
}

// imagine makes the PSP of a test unhealthy, whatever the terms.
func (h *health) imagine() { h.imagined = true }

// admits tells whether a payment may go to the PSP at a moment, and why not. One that does while it is half-open is a
// probe; take says that the payment does go there.
func (h *health) admits(t HealthTerms, at time.Time) (ok bool, why string) {
	switch {
	case h != nil && h.imagined:
		return false, "by the test"
	case h == nil || t.Window == 0:
		return true, ""
	}
	h.advance(t, at)
	switch {
	case h.state == open:
		return false, h.why
	case h.state == halfOpen && h.probing >= t.Probes:
		return false, "probes are on their way"
	}
	return true, ""
}

// take notes that a payment goes to the PSP first.
func (h *health) take() {
	if h != nil && h.state == halfOpen {
		h.probing++
	}
}

// advance moves the breaker's clock. Probes that were never answered are sent anew after a while.
func (h *health) advance(t HealthTerms, at time.Time) time.Time {
	if at.Before(h.latest) {
		at = h.latest
	}
	h.latest = at
	if h.state != closed && !at.Before(h.since.Add(t.OpenFor)) {
		h.to(halfOpen, at, h.why)
	}
	return at
}

func (h *health) to(state healthState, at time.Time, why string) {
	h.state, h.since, h.why, h.probing, h.answered = state, at, why, 0, 0
}

func (h *health) slice(t HealthTerms, at time.Time) *slice {
	number := at.UnixNano() / int64(t.Window/windowSlices)
	s := &h.window[uint64(number)%windowSlices]
	if s.number != number {
		*s = slice{number: number}
	}
	return s
}

// unhealthy says why the PSP is, "" where it is not.
func (h *health) unhealthy(t HealthTerms, now int64) string {
	var all, failed, silent, overdue, answered int64
	var took [latencies]int64
	for i := range h.window {
		s := &h.window[i]
		if s.number <= now-windowSlices {
			continue
		}
		all, failed, silent, overdue = all+s.all, failed+s.failed, silent+s.silent, overdue+s.overdue
		for c, n := range s.took {
			took[c] += n
			answered += n
		}
	}
	switch {
	case all < t.AtLeast:
		return ""
	case t.ErrorRate > 0 && failed*100 > all*int64(t.ErrorRate):
		return fmt.Sprintf("%d of %d requests failed", failed, all)
	case t.TimeoutRate > 0 && silent*100 > all*int64(t.TimeoutRate):
		return fmt.Sprintf("%d of %d requests were not answered", silent, all)
	case t.P95 > 0 && answered >= t.AtLeast:
		switch p95 := percentile(took, answered); {
		case p95 > t.P95 && overdue > 0:
			return fmt.Sprintf("p95 is above %s: %d of %d requests were not answered within it", t.P95, overdue, all)
		case p95 > t.P95:
			return fmt.Sprintf("p95 is %s", p95.Round(time.Millisecond))
		}
	}
	return ""
}

// percentile is the upper bound of the class that holds the 95th of a hundred.
func percentile(took [latencies]int64, all int64) time.Duration {
	rest := all * 5 / 100
	for c := latencies - 1; c >= 0; c-- {
		if rest -= took[c]; rest < 0 {
			return bound(c)
		}
	}
	return 0
}

func class(took time.Duration) int {
	for c := range latencies - 1 {
		if took <= bound(c) {
			return c
		}
	}
	return latencies - 1
}

// bound is the longest time of a class.
func bound(class int) time.Duration {
	d := 100 * time.Millisecond
	for range class {
		d += d / 4
	}
	return d
}
