package velocity

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/ledger"
)

func someSignal() Signal {
	return Signal{
		Origin: Origin{RoleAttempts, 3, 77}, Command: 0xfeed, Tenant: "t1", Time: -5, Kind: KindAttempt, Settles: true,
		Dimensions: []Dimension{{
			Field: "card.fingerprint", Key: Key{1, 2, 3}, Record: true, Reserve: true,
			Amounts:  []Amount{{Currency: "EUR", Minor: 1050}, {Currency: "USD", Unknown: true}},
			Distinct: []Value{{"context.ip", ValueHash{9}}},
			Queries: []Query{
				{ID: 1, Kinds: []string{KindAttempt, "declined.fraud"}, Aggregate: Distinct, Of: "context.ip", Window: 60_000},
				{ID: 2, Kinds: []string{KindApproved}, Aggregate: Sum, Currency: "EUR", Window: 3_600_000, Reserve: true},
			},
		}},
	}
}

func TestFramesRoundTrip(t *testing.T) {
	signal, gotSignal := someSignal(), Signal{}
	if err := gotSignal.Decode(signal.Append(nil)); err != nil || !reflect.DeepEqual(gotSignal, signal) {
		t.Errorf("signal: %+v, %v, want %+v", gotSignal, err, signal)
	}
	plan, gotPlan := Retain{Tenant: "t1", Version: 4, Dimensions: []Retained{{Field: "ip", Kinds: []string{KindAttempt}, Reserve: true, Of: []string{"card"}, Currencies: []ledger.Currency{"EUR"}, Window: 60_000}}}, Retain{}
	if err := gotPlan.Decode(plan.Append(nil)); err != nil || !reflect.DeepEqual(gotPlan, plan) {
		t.Errorf("retain: %+v, %v, want %+v", gotPlan, err, plan)
	}
	reply, gotReply := Reply{Origin: Origin{RoleCustom, 1, 2}, Command: 3, Lost: true, Answers: []Answer{{ID: 4, Value: 5, Approximate: true, Unknown: true, WarmingUntil: 6}}}, Reply{}
	if err := gotReply.Decode(reply.Append(nil)); err != nil || !reflect.DeepEqual(gotReply, reply) {
		t.Errorf("reply: %+v, %v, want %+v", gotReply, err, reply)
	}
}

func TestBrokenFrames(t *testing.T) {
	signal := someSignal()
	whole := signal.Append(nil)
	change := func(at int, to byte) []byte {
		frame := append([]byte(nil), whole...)
		frame[at] = to
		return frame
	}
	for name, test := range map[string]struct {
		frame []byte
		want  string
	}{
		"empty":             {nil, "velocity frame: byte 0: format: the frame ends"},
		"format 0":          {change(0, 0), "velocity frame: byte 0: format: is 0, want 2"},
		"format 1":          {change(0, 1), "velocity frame: byte 0: format: is 1, want 2"},
		"another type":      {change(1, 'x'), `velocity frame: byte 1: type: is 'x', want 's'`},
		"role":              {change(2, 9), "velocity frame: byte 2: origin's role: is 9, want 1 to 6"},
		"cut in the key":    {whole[:50], "velocity frame: byte 44: key: the frame ends; 10 bytes are missing"},
		"unknown flag":      {change(25, 2), "velocity frame: byte 25: flags: has the unknown bits 0x2"},
		"too much":          {append(append([]byte(nil), whole...), 0, 0), "velocity frame: byte 182: end: 2 bytes too many"},
		"cut in a number":   {[]byte{2, 's', 1, 0x80}, "velocity frame: byte 3: origin's partition: the frame ends in a number, or it is above 64 bits"},
		"partition too big": {[]byte{2, 's', 1, 0xff, 0xff, 0xff, 0xff, 0x7f}, "velocity frame: byte 3: origin's partition: is 34359738367, want at most 2147483647"},
	} {
		state := NewState(Limits{})
		_, _, err := state.Apply(0, test.frame)
		var malformed *FrameError
		if !errors.As(err, &malformed) || err.Error() != test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

func TestFutureFormat(t *testing.T) {
	state := NewState(Limits{})
	if _, _, err := state.Apply(0, []byte{3, 's'}); !errors.Is(err, ErrFutureFormat) {
		t.Errorf("frame: %v", err)
	}
	for _, key := range []string{"k0123456789abcdef", "d\x00\x00\x00\x00", "m", "r\x00\x00\x00\x00"} {
		if err := state.Restore([]byte(key), []byte{3}); !errors.Is(err, ErrFutureFormat) {
			t.Errorf("record %q: %v", key, err)
		}
	}
	if err := state.Restore([]byte("z"), []byte{1}); !errors.Is(err, ErrFutureFormat) {
		t.Errorf("a key of another kind: %v", err)
	}
}

// TestBrokenFramesChangeNothing: a frame that is refused leaves no trace.
func TestBrokenFramesChangeNothing(t *testing.T) {
	signal := someSignal()
	whole := signal.Append(nil)
	for n := range whole {
		state := NewState(Limits{})
		if _, _, err := state.Apply(1, whole[:n]); err == nil {
			t.Fatalf("%d of %d bytes are accepted", n, len(whole))
		}
		state.Changes(func(key, value []byte) { t.Fatalf("%d bytes of a frame change %q", n, key) })
	}
}

// FuzzApply: whatever comes, there is an answer or an error that says what is wrong; what was decoded is encoded to the
// same bytes; what was folded is restored.
func FuzzApply(f *testing.F) {
	signal := someSignal()
	plan := Retain{Tenant: "t1", Version: 1, Dimensions: []Retained{{Field: "card.fingerprint", Kinds: []string{KindAttempt, KindApproved}, Reserve: true, Of: []string{"context.ip"}, Currencies: []ledger.Currency{"EUR"}, Window: 3_600_000}}}
	f.Add(signal.Append(nil))
	f.Add(plan.Append(nil))
	f.Add([]byte{2, 's', 1, 0x80})
	f.Fuzz(func(t *testing.T, frame []byte) {
		state := NewState(Limits{ReplyBytes: 1 << 20})
		state.Retain(1000, &plan)
		if _, _, err := state.Apply(1000, signal.Append(nil)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := state.Apply(2000, frame); err != nil && !strings.HasPrefix(err.Error(), "velocity frame: ") {
			t.Fatalf("%v does not say what it is about", err)
		}
		log := map[string][]byte{}
		state.Changes(func(key, value []byte) {
			if len(value) > 0 {
				log[string(key)] = value
			}
		})
		restored(t, Limits{ReplyBytes: 1 << 20}, log)
	})
}

// FuzzRestore: a damaged changelog is refused, never followed into a panic.
func FuzzRestore(f *testing.F) {
	w := NewState(Limits{ReplyBytes: 1 << 20})
	signal := someSignal()
	plan := Retain{Tenant: "t1", Version: 1, Dimensions: []Retained{{Field: "card.fingerprint", Kinds: []string{KindAttempt}, Window: 3_600_000}}}
	w.Retain(1000, &plan)
	if _, _, err := w.Apply(1000, signal.Append(nil)); err != nil {
		f.Fatal(err)
	}
	w.Changes(func(key, value []byte) { f.Add(key, value) })
	f.Fuzz(func(t *testing.T, key, value []byte) {
		state := NewState(Limits{ReplyBytes: 1 << 20})
		if state.Restore(key, value) != nil || state.Restored() != nil {
			return
		}
		if _, _, err := state.Apply(1000, signal.Append(nil)); err != nil {
			t.Fatal(err)
		}
	})
}

// TestPlansNameWhatIsWrong: each definition that cannot be counted is named.
func TestPlansNameWhatIsWrong(t *testing.T) {
	hour := MinWindow * 60
	for want, d := range map[string]Definition{
		`velocity n: aggregate "mean", want one of`:                   {By: "card", Kinds: []string{KindAttempt}, Aggregate: "mean", Window: hour},
		"velocity n: names no field to count by":                      {Kinds: []string{KindAttempt}, Aggregate: Count, Window: hour},
		"velocity n: names no kind of event":                          {By: "card", Aggregate: Count, Window: hour},
		"velocity n: window 1s, want 1m0s to 2160h0m0s":               {By: "card", Kinds: []string{KindAttempt}, Aggregate: Count, Window: 1e9},
		"velocity n: distinct, and nothing else, needs the field":     {By: "card", Kinds: []string{KindAttempt}, Aggregate: Distinct, Window: hour},
		"velocity n: sum and max, and nothing else, need a currency":  {By: "card", Kinds: []string{KindAttempt}, Aggregate: Sum, Window: hour},
		"velocity n: reserves attempts as approved, but does not cou": {By: "card", Kinds: []string{KindAttempt}, Aggregate: Count, Window: hour, Reserve: true},
	} {
		d.Name = "n"
		if _, err := NewPlan("t1", 1, []Definition{d}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s…", err, want)
		}
	}
	two := Definition{Name: "n", By: "card", Kinds: []string{KindAttempt}, Aggregate: Count, Window: hour}
	if _, err := NewPlan("t1", 1, []Definition{two, two}); err == nil || err.Error() != "velocity n: there are two of this name" {
		t.Errorf("%v", err)
	}
}

func TestValueSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var set valueSet
		for range 3 {
			set.reset()
			want := map[uint64]bool{}
			for _, v := range rapid.SliceOfN(rapid.Uint64Range(0, 3000), 0, 2500).Draw(t, "values") {
				if set.add(v) == want[v] {
					t.Fatalf("%d is new: %v", v, !want[v])
				}
				want[v] = true
			}
			if set.size != len(want) {
				t.Fatalf("%d values, want %d", set.size, len(want))
			}
		}
	})
}
