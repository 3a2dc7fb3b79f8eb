package velocity

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/ledger"
)

// world runs a State and the oracle over the same records.
type world struct {
	t       *rapid.T
	state   *State
	oracle  *oracle
	limits  Limits
	now     int64
	offsets map[source]int64
	sent    []Signal // of the last ones, to be repeated
	log     map[string][]byte
	exact   bool
	version int64
	plan    *Plan
}

const (
	testTenant = "t1"
	testSkew   = 10 * time.Minute
)

func newWorld(t *rapid.T, exact bool) *world {
	limits := Limits{Skew: testSkew, ReplyBytes: 64 << 20}
	return &world{
		t: t, state: NewState(limits), oracle: newOracle(testSkew.Milliseconds()), limits: limits, now: 1_790_000_000_000,
		offsets: map[source]int64{}, log: map[string][]byte{}, exact: exact,
	}
}

// definitions draws a rule set's.
func definitions(t *rapid.T) []Definition {
	var all []Definition
	for i := range rapid.IntRange(1, 9).Draw(t, "definitions") {
		d := Definition{
			Name:      fmt.Sprintf("v%d", i),
			By:        rapid.SampledFrom([]string{"card", "ip", "customer"}).Draw(t, "by"),
			Kinds:     rapid.SampledFrom([][]string{{"attempt"}, {"approved"}, {"declined"}, {"declined.fraud"}, {"attempt", "declined"}, {"event.login"}, {"refunded", "payout"}}).Draw(t, "kinds"),
			Aggregate: rapid.SampledFrom(aggregates[:]).Draw(t, "aggregate"),
			Window:    rapid.SampledFrom([]time.Duration{time.Minute, 10 * time.Minute, time.Hour, 24 * time.Hour, 90 * 24 * time.Hour}).Draw(t, "window"),
		}
		switch d.Aggregate {
		case Distinct:
			d.Of = rapid.SampledFrom([]string{"ip", "customer", "device", "email"}).Draw(t, "of")
		case Sum, Max:
			d.Currency = rapid.SampledFrom([]ledger.Currency{"EUR", "USD"}).Draw(t, "currency")
		}
		if d.Kinds[0] == KindApproved {
			d.Reserve = rapid.Bool().Draw(t, "reserve")
		}
		all = append(all, d)
	}
	return all
}

// reload brings another rule set into force.
func (w *world) reload() {
	w.version++
	plan, err := NewPlan(testTenant, w.version, definitions(w.t))
	if err != nil {
		w.t.Fatal(err)
	}
	w.plan = plan
	retain := plan.Retain()
	w.apply(retain.Append(nil), nil)
	w.oracle.retain(w.now, &retain)
}

// apply gives a frame to the state and returns its answers.
func (w *world) apply(frame []byte, origin *Origin) []Answer {
	output, ok, err := w.state.Apply(w.now, frame)
	if err != nil {
		w.t.Fatal(err)
	}
	if !ok {
		return nil
	}
	var reply Reply
	if err := reply.Decode(output.Value); err != nil {
		w.t.Fatal(err)
	}
	if reply.Origin != *origin || output.Partition != origin.Partition || reply.Lost {
		w.t.Fatalf("reply %+v to the signal of %+v", reply, *origin)
	}
	return reply.Answers
}

// send gives a signal to both and compares.
func (w *world) send(signal *Signal) {
	got := w.apply(signal.Append(nil), &signal.Origin)
	want := w.oracle.apply(w.now, signal)
	demand(w.t, got, want, w.exact)
}

// event makes an event and sends its signals, as one partition sees them.
func (w *world) event(values int) {
	t := w.t
	role := rapid.SampledFrom([]Role{RoleAttempts, RoleAttempts, RoleAttempts, RoleOutcomes, RoleOutcomes, RoleCustom}).Draw(t, "role")
	from := source{role, rapid.Int32Range(0, 2).Draw(t, "partition")}
	w.offsets[from] += rapid.Int64Range(1, 3).Draw(t, "gap")
	e := Event{Origin: Origin{role, from.partition, w.offsets[from]}, ID: fmt.Sprint(rapid.IntRange(0, 40).Draw(t, "command"))}
	switch role {
	case RoleAttempts:
		e.Kind, e.Asks = KindAttempt, true
	case RoleCustom:
		e.Kind, e.Asks = "event.login", rapid.Bool().Draw(t, "asks")
	case RoleOutcomes:
		e.Kind = rapid.SampledFrom([]string{"", KindApproved, KindDeclined, "declined.fraud", "declined.other", KindRefunded, KindDisputed, KindPayout}).Draw(t, "kind")
		e.Settles = e.Kind == "" || e.Kind == KindApproved || e.Kind[:3] == "dec"
	}
	e.Time = time.UnixMilli(w.now + rapid.Int64Range(-2*testSkew.Milliseconds(), testSkew.Milliseconds()).Draw(t, "time"))
	e.Amount = ledger.Money{Minor: rapid.Int64Range(0, 1000).Draw(t, "amount"), Currency: rapid.SampledFrom([]ledger.Currency{"EUR", "EUR", "USD", "GBP"}).Draw(t, "currency")}
	fields := map[string]string{}
	for _, field := range []string{"card", "ip", "customer", "device", "email"} {
		if n := rapid.IntRange(0, values).Draw(t, field); n > 0 {
			fields[field] = fmt.Sprint(n)
		}
	}
	e.Field = func(name string) string { return fields[name] }
	e.Convert = func(m ledger.Money, to ledger.Currency) (int64, bool) {
		return m.Minor * 2, m.Currency != "GBP" || m.Minor%50 != 0
	}
	for _, target := range w.plan.Signals(nil, &e, 1) {
		w.send(&target.Signal)
		w.sent = append(w.sent, target.Signal)
	}
}

// flush takes the changelog's records.
func (w *world) flush() {
	w.state.Changes(func(key, value []byte) {
		if len(value) > MaxChange {
			w.t.Fatalf("%d bytes of %x", len(value), key)
		}
		if value == nil {
			delete(w.log, string(key))
			return
		}
		w.log[string(key)] = value
	})
}

// restart restores a state from the changelog, in any order, and demands that its own changelog is the same.
func (w *world) restart() {
	w.flush()
	w.state = restored(w.t, w.limits, w.log)
}

func restored(t interface{ Fatalf(string, ...any) }, limits Limits, log map[string][]byte) *State {
	state := NewState(limits)
	for key, value := range log { // in any order
		if err := state.Restore([]byte(key), bytes.Clone(value)); err != nil {
			t.Fatalf("%v", err)
		}
	}
	if err := state.Restored(); err != nil {
		t.Fatalf("%v", err)
	}
	return state
}

// TestAgainstOracle: answers are those of the oracle, byte for byte, whatever is repeated, reloaded or restored.
func TestAgainstOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, true)
		w.reload()
		t.Repeat(map[string]func(*rapid.T){
			"event": func(t *rapid.T) { w.t = t; w.event(3) },
			"events": func(t *rapid.T) {
				w.t = t
				for range rapid.IntRange(2, 12).Draw(t, "n") {
					w.now += rapid.Int64Range(0, 30_000).Draw(t, "passes")
					w.event(2)
				}
			},
			"time": func(t *rapid.T) {
				w.now += rapid.SampledFrom([]int64{-5000, 1, 60_000, 3_600_000, 86_400_000, 100 * 86_400_000}).Draw(t, "passes")
			},
			"repeat": func(t *rapid.T) {
				w.t = t
				if len(w.sent) > 0 {
					signal := rapid.SampledFrom(w.sent[max(len(w.sent)-30, 0):]).Draw(t, "signal")
					w.send(&signal)
				}
			},
			"a record whose time lies ahead": func(t *rapid.T) {
				w.t = t
				now := w.now
				w.now += rapid.SampledFrom([]int64{3_600_000, 100 * 86_400_000}).Draw(t, "ahead")
				w.event(2)
				w.now = now
			},
			"reload":  func(t *rapid.T) { w.t = t; w.reload() },
			"flush":   func(t *rapid.T) { w.t = t; w.flush() },
			"restart": func(t *rapid.T) { w.t = t; w.restart() },
		})
	})
}

// TestHotKeysNeverUnderCount: on keys with very many events an answer that is not approximate is exact, and one that is
// is not too low; and a state that was restored answers the same bytes as one that was not.
func TestHotKeysNeverUnderCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, false)
		w.reload()
		twin := NewState(w.limits)
		retain := w.plan.Retain()
		if _, _, err := twin.Apply(w.now, retain.Append(nil)); err != nil {
			t.Fatal(err)
		}
		step := rapid.SampledFrom([]int64{1, 200, 5_000, 300_000, 7_000_000}).Draw(t, "step")
		restart := rapid.IntRange(150, 600).Draw(t, "restart")
		random := uint64(rapid.Uint32().Draw(t, "seed")) | 1
		for i := range 800 {
			random = random*6364136223846793005 + 1442695040888963407
			w.now += int64(random>>33) % (2 * step)
			signal := w.hotSignal(int64(i+1), random)
			w.send(&signal)
			other, _, err := twin.Apply(w.now, signal.Append(nil))
			if err != nil {
				t.Fatal(err)
			}
			same, _, err := w.state.Apply(w.now, signal.Append(nil))
			if err != nil || !bytes.Equal(other.Value, same.Value) {
				t.Fatalf("event %d: restored %x, never restarted %x (%v)", i, same.Value, other.Value, err)
			}
			if i%restart == restart-1 {
				w.restart()
			}
		}
	})
}

// hotSignal is one event on one key of the first dimension.
func (w *world) hotSignal(offset int64, random uint64) Signal {
	d := &w.plan.dimensions[0]
	kinds := []string{KindAttempt, KindApproved, "declined.fraud", KindRefunded, "event.login"}
	about := Dimension{
		Field: d.retained.Field, Key: KeyOf(testTenant, d.retained.Field, "hot"), Record: true, Queries: d.queries,
		Amounts: []Amount{{Currency: "EUR", Minor: int64(random >> 50)}, {Currency: "USD", Minor: int64(random >> 52)}},
	}
	for i, of := range []string{"ip", "customer", "device", "email"} {
		about.Distinct = append(about.Distinct, Value{of, testValue(random >> (8 + 8*i) % 500)})
	}
	return Signal{
		Origin: Origin{RoleAttempts, 0, offset}, Command: random, Tenant: testTenant, Kind: kinds[random>>40%uint64(len(kinds))],
		Time: w.now - int64(random>>20)%(testSkew.Milliseconds()*2), Dimensions: []Dimension{about},
	}
}

// testValue is the hash of the nth of some values.
func testValue(n uint64) (hash ValueHash) {
	binary.LittleEndian.PutUint64(hash[:], n)
	return hash
}

// TestBurst: of 1,000 attempts at once on one card, with a limit of 5 an hour, exactly 5 find less than 5 before them.
func TestBurst(t *testing.T) {
	plan, err := NewPlan(testTenant, 1, []Definition{{Name: "n", By: "card", Kinds: []string{KindAttempt}, Aggregate: Count, Window: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	state := NewState(Limits{Skew: testSkew})
	retain := plan.Retain()
	state.Retain(1000, &retain)
	passed := 0
	for i := range 1000 {
		e := Event{Origin: Origin{RoleAttempts, int32(i % 4), int64(i / 4)}, ID: fmt.Sprint(i), Kind: KindAttempt, Asks: true, Time: time.UnixMilli(int64(i * 7919 % 1000)), Field: func(string) string { return "c" }}
		signals := plan.Signals(nil, &e, 1)
		if answers := state.Fold(1000, &signals[0].Signal); answers[0].Value < 5 {
			passed++
		}
	}
	if passed != 5 {
		t.Fatalf("%d pass, want 5", passed)
	}
}
