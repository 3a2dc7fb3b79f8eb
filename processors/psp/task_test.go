package psp

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/weirhq/weir/topics"
)

func TestDecide(t *testing.T) {
	notAfter := time.Unix(1_700_000_000, 0)
	early, late := notAfter.Add(-time.Nanosecond), notAfter
	const window = 10 * time.Minute
	for name, c := range map[string]struct {
		task       task
		now        time.Time
		idempotent bool
		want       step
	}{
		"keys, in time":                    {task{}, early, true, stepSend},
		"keys, at not_after":               {task{}, late, true, stepPoll},
		"keys, a poll":                     {task{request: topics.PSPRequest{Poll: true}}, early, true, stepPoll},
		"keys, window closed":              {task{asked: early.Add(-window)}, early, true, stepPoll},
		"keys, window open":                {task{asked: early.Add(-window + 1)}, early, true, stepSend},
		"no keys, not claimed":             {task{}, early, false, stepClaim},
		"no keys, not claimed, late":       {task{}, late, false, stepClaim},
		"no keys, claimed":                 {task{claimed: true}, early, false, stepSend},
		"no keys, claimed, late":           {task{claimed: true}, late, false, stepNeverSent},
		"no keys, another's":               {task{onlyPoll: true}, early, false, stepPoll},
		"no keys, a poll claims no row":    {task{request: topics.PSPRequest{Poll: true}}, early, false, stepPoll},
		"no keys, a poll after the window": {task{request: topics.PSPRequest{Poll: true}}, late, false, stepPoll},
	} {
		c.task.request.NotAfter = notAfter
		if c.task.asked.IsZero() {
			c.task.asked = early
		}
		if got := c.task.decide(c.now, window, c.idempotent); got != c.want {
			t.Errorf("%s: step %d, want %d", name, got, c.want)
		}
	}
}

func TestAbsenceIsFinalOnlyWhenNothingCanArrive(t *testing.T) {
	notAfter := time.Unix(1_700_000_000, 0)
	task := task{request: topics.PSPRequest{NotAfter: notAfter}}
	const settle = 15 * time.Second
	for at, want := range map[time.Duration]topics.PSPOutcome{
		-time.Second: topics.PSPUnknown, 0: topics.PSPUnknown, settle - 1: topics.PSPUnknown, settle: topics.PSPNotFound,
	} {
		if got := task.absence(notAfter.Add(at), settle); got != want {
			t.Errorf("%s after not_after: %s, want %s", at, got, want)
		}
	}
}

func TestBackoffIsBounded(t *testing.T) {
	for _, tries := range []int{0, 1, 2, 5, 15, 16, 1 << 30} {
		least, most := backoff(tries, 1), backoff(tries, 0)
		if least < firstBackoff*3/4 || most > maxBackoff || least > most {
			t.Errorf("after %d tries: %s to %s", tries, least, most)
		}
	}
}

func TestDetailOfAPSPIsCutAndMasked(t *testing.T) {
	long := SafeDetail(strings.Repeat("é", maxDetail))
	if len(long) > maxDetail || !utf8.ValidString(long) {
		t.Errorf("%d bytes, valid %t", len(long), utf8.ValidString(long))
	}
	if got := SafeDetail("card 4111 1111 1111 1111 refused"); strings.Contains(got, "1111") {
		t.Errorf("a card number was kept: %q", got)
	}
}

func TestTimeOfAPSPThatCannotBeIsLeftOut(t *testing.T) {
	received := time.Unix(1_700_000_000, 0)
	for year, kept := range map[int]bool{2023: true, 2500: false, 10_000: false, -1: false} {
		given := time.Date(year, 11, 14, 0, 0, 0, 0, time.UTC)
		answer := (&task{received: received}).answered(topics.PSPReport{OccurredAt: given}, topics.SourceResponse)
		if answer.report.OccurredAt.IsZero() == kept {
			t.Errorf("%s became %s", given, answer.report.OccurredAt)
		}
	}
}
