package velocity

import (
	"fmt"
	"testing"
	"time"
)

// benchPlan has six dimensions with fourteen definitions, as a rule set of a card business has.
func benchPlan(b *testing.B) *Plan {
	b.Helper()
	var all []Definition
	add := func(by string, aggregate Aggregate, of string, window time.Duration) {
		d := Definition{Name: fmt.Sprint("v", len(all)), By: by, Kinds: []string{KindAttempt}, Aggregate: aggregate, Of: of, Window: window}
		if aggregate == Sum {
			d.Currency = "EUR"
		}
		all = append(all, d)
	}
	const day = 24 * time.Hour
	add("card", Count, "", 10*time.Minute)
	add("card", Count, "", time.Hour)
	add("card", Sum, "", day)
	add("card", Distinct, "customer", 7*day)
	add("customer", Count, "", time.Hour)
	add("customer", Sum, "", 7*day)
	add("customer", Distinct, "card", 7*day)
	add("device", Count, "", time.Hour)
	add("device", Distinct, "customer", 7*day)
	add("ip", Count, "", 10*time.Minute)
	add("ip", Distinct, "card", day)
	add("email", Count, "", day)
	add("bin", Count, "", 10*time.Minute)
	add("bin", Count, "", day)
	plan, err := NewPlan("t1", 1, all)
	if err != nil {
		b.Fatal(err)
	}
	return plan
}

// traffic makes events of a population: keys is how many values each field but the BIN has.
type traffic struct {
	random uint64
	keys   uint64
	fields map[string]string
	event  Event
	names  map[string][]string
}

func newTraffic(keys uint64) *traffic {
	t := &traffic{random: 1, keys: keys, fields: map[string]string{}, names: map[string][]string{}}
	for _, field := range []string{"card", "customer", "device", "ip", "email"} {
		t.names[field] = make([]string, keys)
		for i := range t.names[field] {
			t.names[field][i] = fmt.Sprint(field, i)
		}
	}
	for i := range 500 {
		t.names["bin"] = append(t.names["bin"], fmt.Sprint("bin", i))
	}
	t.event.Field = func(name string) string { return t.fields[name] }
	return t
}

// next is the event i, ms milliseconds after the beginning.
func (t *traffic) next(i, ms int64) *Event {
	for field, values := range t.names {
		t.random = t.random*6364136223846793005 + 1442695040888963407
		t.fields[field] = values[t.random>>33%uint64(len(values))]
	}
	t.event.Origin = Origin{RoleAttempts, 0, i}
	t.event.ID, t.event.Kind, t.event.Asks = fmt.Sprint(i), KindAttempt, true
	t.event.Time = time.UnixMilli(benchStart + ms)
	t.event.Amount.Minor, t.event.Amount.Currency = int64(t.random>>50), "EUR"
	return &t.event
}

const benchStart = 1_790_000_000_000

var benchLimits = Limits{Skew: 10 * time.Minute, ReplyBytes: 16 << 20}

// BenchmarkApply is the six dimensions of one command in one record, decoded, answered, recorded and encoded.
func BenchmarkApply(b *testing.B) {
	for _, keys := range []uint64{1_000, 200_000} {
		b.Run(fmt.Sprint("keys=", keys), func(b *testing.B) {
			plan, traffic := benchPlan(b), newTraffic(keys)
			state := NewState(benchLimits)
			retain := plan.Retain()
			state.Retain(benchStart, &retain)
			const made = 100_000
			frames := make([][]byte, made)
			for i := range frames {
				frames[i] = plan.Signals(nil, traffic.next(int64(i), int64(i)*5), 1)[0].Signal.Append(nil)
			}
			var origin int64
			apply := func() {
				i := origin % made
				if _, _, err := state.Apply(benchStart+origin*5, frames[i]); err != nil {
					b.Fatal(err)
				}
				origin++
			}
			for range made {
				apply()
			}
			b.ReportAllocs()
			for b.Loop() {
				if origin%made == 0 {
					b.StopTimer()
					for i := range frames {
						frames[i] = plan.Signals(nil, traffic.next(origin+int64(i), (origin+int64(i))*5), 1)[0].Signal.Append(nil)
					}
					b.StartTimer()
				}
				apply()
			}
			b.ReportMetric(float64(state.lists.bytes+state.table.bytes())/float64(state.table.used), "B/key")
		})
	}
}

// filled is a state of keys lists of events each, with the changelog that it makes.
func filled(b *testing.B, keys, events int) (*State, map[string][]byte) {
	b.Helper()
	state := NewState(benchLimits)
	plan := Retain{Tenant: "t1", Version: 1, Dimensions: []Retained{{Field: "card", Kinds: []string{KindAttempt}, Window: 7 * 24 * 3_600_000}}}
	state.Retain(benchStart, &plan)
	signal := Signal{Tenant: "t1", Kind: KindAttempt, Time: benchStart, Dimensions: []Dimension{{Field: "card", Record: true}}}
	for key := range keys {
		signal.Dimensions[0].Key = KeyOf("t1", "card", fmt.Sprint(key))
		n := 1
		if events > 1 {
			n = 1 + key*7919%(2*events-1) // 1 to 2·events − 1: events at the mean
		}
		for range n {
			signal.Command++
			state.Fold(benchStart, &signal)
		}
	}
	log := map[string][]byte{}
	state.Changes(func(key, value []byte) { log[string(key)] = value })
	return state, log
}

// BenchmarkKeys is the memory of a key, all indexes included, and how many a second are restored.
func BenchmarkKeys(b *testing.B) {
	for _, test := range []struct{ keys, events int }{{500_000, 1}, {200_000, 10}} {
		b.Run(fmt.Sprintf("events=%d", test.events), func(b *testing.B) {
			state, log := filled(b, test.keys, test.events)
			var keys, values [][]byte
			for key, value := range log {
				keys, values = append(keys, []byte(key)), append(values, value)
			}
			for b.Loop() {
				again := NewState(benchLimits)
				for i, key := range keys {
					if err := again.Restore(key, values[i]); err != nil {
						b.Fatal(err)
					}
				}
				if err := again.Restored(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(state.lists.bytes+state.table.bytes())/float64(test.keys), "B/key")
			b.ReportMetric(float64(test.keys)*float64(b.N)/b.Elapsed().Seconds(), "keys/s")
		})
	}
}
