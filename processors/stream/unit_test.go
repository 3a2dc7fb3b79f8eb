package stream

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"pgregory.net/rapid"

	"github.com/weirhq/weir/topics"
)

func TestHighWaterDropsWhatIsNotAbove(t *testing.T) {
	var h HighWater
	for _, step := range []struct {
		partition int32
		id        string
		want      bool
	}{
		{0, "0-5-0", true}, {0, "0-5-0", false}, {0, "0-5-1", true}, {0, "0-5-0", false}, {0, "0-4-9", false},
		{1, "1-0-0", true}, {0, "0-6-0", true}, {0, "0-10-0", true}, {0, "0-9-0", false},
	} {
		got, err := h.Accept(step.partition, step.id)
		if err != nil || got != step.want {
			t.Errorf("%s: got %t, %v", step.id, got, err)
		}
	}
	for _, id := range []string{"", "x", "1-2", "1-20-0"} {
		if ok, err := h.Accept(0, id); ok || err == nil {
			t.Errorf("%q is accepted", id)
		}
	}
	h.Forget(0)
	if ok, _ := h.Accept(0, "0-1-0"); !ok {
		t.Error("a forgotten partition begins anew")
	}
}

// A prefix against the dumb way: all offsets begun, minus those done.
func TestPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		next := rapid.Int64Range(0, 5).Draw(t, "first")
		first := next
		p := NewPrefix(next)
		var open []int64
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			if len(open) == 0 || rapid.Bool().Draw(t, "begin") {
				next += rapid.Int64Range(0, 2).Draw(t, "gap")
				p.Begin(next)
				open = append(open, next)
				next++
				continue
			}
			i := rapid.IntRange(0, len(open)-1).Draw(t, "done")
			p.Done(open[i])
			open = slices.Delete(open, i, i+1)
			if len(open) > 0 && p.Next() > open[0] {
				t.Fatalf("the prefix is %d and %d is not done", p.Next(), open[0])
			}
			if len(open) == 0 && p.Next() != next {
				t.Fatalf("the prefix is %d and everything before %d is done", p.Next(), next)
			}
		}
		if p.Next() < first || p.Open() < len(open) {
			t.Fatalf("prefix %d, %d open", p.Next(), p.Open())
		}
	})
}

// Whatever records are bad, the bisection condemns them and no others, and goes on in few steps.
func TestSuspectsFindTheBadRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const total, standard = 300, 128
		bad := map[int64]int{} // position: how many sentences it needs
		for range rapid.IntRange(0, 5).Draw(t, "bad") {
			bad[rapid.Int64Range(0, total-1).Draw(t, "position")] = rapid.IntRange(1, 2).Draw(t, "sentences")
		}
		var s suspects
		failures, allowed := 0, 0
		for _, sentences := range bad {
			allowed += 9 * sentences // halving 128 records, once for each sentence
		}
		for next := int64(0); next < total; {
			to := min(total, next+int64(s.batchLimit(next, standard)))
			failed := false
			for position := next; position < to; position++ {
				verdict := s.of(position).sentence
				if verdict > sentenceApply && bad[position] == 0 {
					t.Fatalf("record %d is condemned", position)
				}
				failed = failed || int(verdict) < bad[position]
			}
			if failed {
				if failures++; failures > allowed {
					t.Fatalf("%d failures for %d bad records", failures, len(bad))
				}
				s.failed(next, to, errors.New("refused"))
				continue
			}
			s.applied(to)
			next = to
		}
		if len(s.sentences) != 0 || s.limit != 0 {
			t.Fatalf("left behind: %+v", s)
		}
	})
}

func TestWhatBlamesData(t *testing.T) {
	sql := func(code string) error { return fmt.Errorf("x: %w", &pgconn.PgError{Code: code}) }
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"none":               {nil, false},
		"numeric overflow":   {sql("22003"), true},
		"check":              {sql("23514"), true},
		"serialization":      {sql("40001"), false},
		"completion unknown": {sql("40003"), false},
		"disk full":          {sql("53100"), false},
		"shutdown":           {sql("57P01"), false},
		"no such column":     {sql("42703"), false},
		"own statement":      {&ownError{sql("23505")}, false},
		"fence":              {fmt.Errorf("%w: %w", errStale, sql("22012")), false},
		"panic":              {guard(func() error { panic("x") }), true},
		"network":            {errors.New("broken pipe"), false},
	} {
		if got := blamesData(test.err); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestDeadLetterFitsTheLimit(t *testing.T) {
	for _, size := range []int{0, 10, 5_000, 2_000_000} {
		for _, headers := range []int{0, 3, 200} {
			r := &Record{Key: []byte("key"), Value: []byte(strings.Repeat("\x00\xff", size/2))}
			for range headers {
				r.Headers = append(r.Headers, topics.Header{Key: "h", Value: make([]byte, 500)})
			}
			const limit = 40_000
			letter, value, err := deadLetterOf("role", "input", r, 7, DeadLetter{Reason: topics.RefusedPoison,
				Detail: strings.Repeat("\"", 20_000)}, limit)
			if err != nil {
				t.Fatal(err)
			}
			if len(value)+len(letter.Key) > limit {
				t.Errorf("%d bytes, %d headers: %d bytes", size, headers, len(value))
			}
			if len(letter.Value)+letter.OmittedBytes != len(r.Value) {
				t.Errorf("%d bytes kept, %d omitted of %d", len(letter.Value), letter.OmittedBytes, len(r.Value))
			}
			if len(letter.Headers)+letter.OmittedHeaders != headers {
				t.Errorf("%d headers kept, %d omitted of %d", len(letter.Headers), letter.OmittedHeaders, headers)
			}
		}
	}
}

func TestVerdictOrder(t *testing.T) {
	id, other := [16]byte{1}, [16]byte{2}
	healthy := evidence{Role: "r", Topic: "t", Format: 1, Declared: true, Position: Position{Next: 10},
		Applied: applied{Found: true, Next: 12, Base: 2, TopicID: id, Format: 1}, Input: inputPartition{ID: id, Start: 0, End: 20}}
	for _, test := range []struct {
		name   string
		change func(*evidence)
		want   StopReason
	}{
		{"healthy", func(*evidence) {}, ""},
		{"all published", func(e *evidence) { e.Position.Next = 12 }, ""},
		{"all applied", func(e *evidence) { e.Input.End = 10 }, ""},
		{"all of it gone, nothing lost", func(e *evidence) { e.Input.Start, e.Input.End = 10, 10 }, ""},
		{"new", func(e *evidence) { e.Applied, e.Declared, e.Position = applied{}, false, Position{} }, ""},
		{"new, crashed before the first batch", func(e *evidence) { e.Applied, e.Position = applied{}, Position{} }, ""},
		{"database empty", func(e *evidence) { e.Applied = applied{} }, StopDatabaseBehind},
		{"database behind", func(e *evidence) { e.Position.Next = 13 }, StopDatabaseBehind},
		{"position missing", func(e *evidence) { e.Declared, e.Position = false, Position{} }, StopPositionMissing},
		{"recreated", func(e *evidence) { e.Input = inputPartition{ID: other} }, StopTopicChanged},
		{"lost", func(e *evidence) { e.Input.Start = 11 }, StopInputLost},
		{"truncated", func(e *evidence) { e.Input.End = 9 }, StopInputTruncated},
		{"future", func(e *evidence) { e.Applied.Format = 2; e.Position.Next = 13 }, StopFutureFormat},
		{"behind and recreated", func(e *evidence) { e.Position.Next = 13; e.Input.ID = other }, StopDatabaseBehind},
		{"new on an old topic", func(e *evidence) { e.Applied, e.Declared, e.Input.Start = applied{}, false, 5 }, StopInputLost},
	} {
		e := healthy
		test.change(&e)
		var stopped *StopError
		if err := e.verdict(); err != nil && !errors.As(err, &stopped) {
			t.Fatal(err)
		}
		got := StopReason("")
		if stopped != nil {
			got = stopped.Reason
		}
		if got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestCrashAtRejects(t *testing.T) {
	for _, value := range []string{"x", "before-database-commit", "before-database-commit:0", "before-database-commit:x", "nowhere:1"} {
		if _, err := CrashAt(value); err == nil || !strings.Contains(err.Error(), CrashVariable) {
			t.Errorf("%q: %v", value, err)
		}
	}
	if hook, err := CrashAt(""); hook != nil || err != nil {
		t.Error("no crash was asked for")
	}
}

func TestCrashAtKills(t *testing.T) {
	if value := os.Getenv(CrashVariable); value != "" {
		hook, err := CrashAt(value)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			fmt.Println("passage", i)
			_ = hook(AfterDatabaseCommit, 0)
			_ = hook(BeforeKafkaCommit, 0)
		}
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestCrashAtKills$")
	cmd.Env = append(os.Environ(), CrashVariable+"=before-kafka-commit:3")
	out, err := cmd.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("ended with %v", err)
	}
	if got := strings.Count(string(out), "passage"); got != 3 {
		t.Errorf("killed in passage %d, want 3", got)
	}
}
