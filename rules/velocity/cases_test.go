package velocity

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/ledger"
)

func laterPlan(t testing.TB) *Plan {
	t.Helper()
	p, err := NewPlan("acme", 1, []Definition{
		{Name: "attempts", By: "card.fingerprint", Kinds: []string{KindAttempt}, Aggregate: Count, Window: time.Hour},
		{Name: "logins", By: "context.ip", Kinds: []string{KindCustom + "login"}, Aggregate: Count, Window: time.Hour},
		{Name: "declines", By: "context.device_id", Kinds: []string{KindDeclined}, Aggregate: Count, Window: time.Hour},
		{Name: "spent", By: "customer.id", Kinds: []string{KindApproved}, Aggregate: Sum, Currency: "EUR", Window: 24 * time.Hour, Reserve: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func attemptEvent(amount int64, currency ledger.Currency) Event {
	return Event{Kind: KindAttempt, Asks: true, ID: "0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b", Time: time.UnixMilli(1_800_000_000_000),
		Amount: ledger.Money{Minor: amount, Currency: currency}, Field: func(name string) string { return "a " + name },
		Convert: func(m ledger.Money, _ ledger.Currency) (int64, bool) { return m.Minor / 2, m.Currency == "USD" }}
}

func TestACaseHoldsWhatItsOutcomesAreCountedUnder(t *testing.T) {
	later := laterPlan(t).Later()
	made := later.Case([16]byte{1}, attemptEvent(1000, "USD"), 1)
	var again Case
	if err := again.Decode(made.Append(nil)); err != nil {
		t.Fatal(err)
	}
	o := Outcome{ID: made.ID, Kind: KindApproved, Settles: true, Time: 7, Amount: 400}
	targets := again.Signals(&o, Origin{RoleOutcomes, 3, 9})
	if len(targets) != 1 {
		t.Fatalf("%d targets on one partition", len(targets))
	}
	s := &targets[0].Signal
	fields := map[string]Dimension{}
	for _, d := range s.Dimensions {
		fields[d.Field] = d
		if !d.Record || d.Reserve || len(d.Queries) > 0 {
			t.Errorf("dimension %+v, want one that is recorded and neither reserves nor asks", d)
		}
	}
	if len(fields) != 2 || fields["context.device_id"].Field == "" || fields["customer.id"].Field == "" {
		t.Errorf("dimensions %v, want those of which declines and approvals are counted", fields)
	}
	if a := fields["customer.id"].Amounts; !slices.Equal(a, []Amount{{Currency: "EUR", Minor: 200}}) {
		t.Errorf("amounts %+v, want 4.00 USD at the rate of the attempt", a)
	}
	if s.Kind != KindApproved || !s.Settles || s.Time != 7 || s.Origin != (Origin{RoleOutcomes, 3, 9}) || s.Command != CommandOf("acme", attemptEvent(0, "").ID) {
		t.Errorf("signal %+v", s)
	}
	p, err := NewPlan("acme", 1, []Definition{{Name: "a", By: "customer.id", Kinds: []string{KindAttempt}, Aggregate: Count, Window: time.Hour}})
	if err != nil || p.Later() != nil {
		t.Errorf("a plan of attempts alone has cases (%v)", err)
	}
}

func TestACasesFramesAreRefusedWhereTheyAreBroken(t *testing.T) {
	made := laterPlan(t).Later().Case([16]byte{1}, attemptEvent(1000, "EUR"), 4)
	outcome := Outcome{ID: made.ID, Kind: KindDeclined, Position: 5, Amount: 1}
	for _, frame := range [][]byte{made.Append(nil), outcome.Append(nil)} {
		for cut := range len(frame) {
			if _, err := NewCases(time.Hour).Apply(1, 0, 0, frame[:cut]); err == nil {
				t.Errorf("%q cut at %d is taken", frame, cut)
			}
		}
		newer := slices.Clone(frame)
		newer[0]++
		if _, err := NewCases(time.Hour).Apply(1, 0, 0, newer); !errors.Is(err, ErrFutureFormat) {
			t.Errorf("a newer format: %v", err)
		}
	}
}

// Cases that are restored at any moment give the same signals as those that live on, each outcome once.
func TestCasesAreAFold(t *testing.T) {
	later := laterPlan(t).Later()
	rapid.Check(t, func(t *rapid.T) {
		const keep = time.Second
		alive, restored := NewCases(keep), NewCases(keep)
		changelog := map[string][]byte{}
		opened := map[byte]int64{} // the model: when each case came
		last := int64(-1)
		now := int64(0)
		for offset := range int64(rapid.IntRange(1, 40).Draw(t, "records")) {
			now += int64(rapid.IntRange(0, 400).Draw(t, "time"))
			id := rapid.ByteRange(1, 5).Draw(t, "id")
			var frame []byte
			want := false
			if rapid.Bool().Draw(t, "case") {
				made := later.Case([16]byte{id}, attemptEvent(1000, "EUR"), 4)
				frame = made.Append(nil)
				if at, ok := opened[id]; !ok || at < now-keep.Milliseconds() {
					opened[id] = now
				}
			} else {
				o := Outcome{ID: [16]byte{id}, Position: rapid.Int64Range(0, 20).Draw(t, "position"), Kind: KindApproved}
				frame = o.Append(nil)
				at, ok := opened[id]
				want = o.Position > last && ok && at >= now-keep.Milliseconds()
				last = max(last, o.Position)
			}
			a := applied(t, alive, now, offset, frame)
			b := applied(t, restored, now, offset, frame)
			if (len(a) > 0) != want || !slices.Equal(a, b) {
				t.Fatalf("signals %q, restored %q; want any: %t", a, b, want)
			}
			restored.Changes(func(key, value []byte) { changelog[string(key)] = value })
			if rapid.Bool().Draw(t, "restore") {
				restored = NewCases(keep)
				for key, value := range changelog {
					if err := restored.Restore([]byte(key), value); err != nil {
						t.Fatal(err)
					}
				}
				if err := restored.Restored(); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

func applied(t *rapid.T, c *Cases, now, offset int64, frame []byte) (signals []string) {
	targets, err := c.Apply(now, 2, offset, frame)
	if err != nil {
		t.Fatal(err)
	}
	for i := range targets {
		signals = append(signals, string(targets[i].Signal.Append(nil)))
	}
	return signals
}

// TestOutcomeIsTheSignalOfItsEvent: what is made of an attempt's signal is what the plan makes of the outcome itself.
func TestOutcomeIsTheSignalOfItsEvent(t *testing.T) {
	plan := laterPlan(t)
	for _, missing := range []string{"", "context.ip", "context.device_id", "customer.id"} {
		for _, kind := range []string{KindApproved, KindDeclined + ".hard", KindRefunded, ""} {
			event := attemptEvent(1000, "USD")
			event.Field = func(name string) string {
				if name == missing {
					return ""
				}
				return "a " + name
			}
			attempt := plan.Signals(nil, &event, 1)
			event.Kind, event.Asks, event.Settles, event.Origin = kind, false, true, Origin{RoleOutcomes, 0, 4}
			var got Signal
			plan.Outcome(&got, &attempt[0].Signal, &event)
			want := plan.Signals(nil, &event, 1)
			if len(want) == 0 {
				if len(got.Dimensions) > 0 {
					t.Errorf("%s without %s: %+v, want nothing", kind, missing, got)
				}
				continue
			}
			if !slices.Equal(got.Append(nil), want[0].Signal.Append(nil)) {
				t.Errorf("%s without %s: %+v, want %+v", kind, missing, got, want[0].Signal)
			}
		}
	}
}

// TestUnlogged: a state without a changelog answers as one with it, and keeps nothing of what changed.
func TestUnlogged(t *testing.T) {
	plan := laterPlan(t)
	retain := plan.Retain()
	logged, unlogged := NewState(Limits{}), NewState(Limits{Unlogged: true})
	for _, s := range []*State{logged, unlogged} {
		s.Retain(1_800_000_000_000, &retain)
	}
	var targets []Target
	for i := range int64(2000) {
		event := attemptEvent(1000+i, "EUR")
		event.ID, event.Time, event.Origin = fmt.Sprint(i), event.Time.Add(time.Duration(i)*time.Minute), Origin{RoleAttempts, 0, i + 1}
		event.Field = func(name string) string { return fmt.Sprint(name, i%50) }
		targets = plan.Signals(targets, &event, 1)
		now := event.Time.UnixMilli()
		want := slices.Clone(logged.Fold(now, &targets[0].Signal))
		if got := unlogged.Fold(now, &targets[0].Signal); !slices.Equal(got, want) {
			t.Fatalf("event %d: %+v, want %+v", i, got, want)
		}
	}
	told := 0
	unlogged.Changes(func([]byte, []byte) { told++ })
	if n := len(unlogged.changes.entries) + len(unlogged.changes.deleted); told+n > 0 {
		t.Errorf("%d changes are told, %d kept", told, n)
	}
	if logged.Changes(func([]byte, []byte) { told++ }); told == 0 {
		t.Error("nothing changed: the test tells nothing")
	}
}
