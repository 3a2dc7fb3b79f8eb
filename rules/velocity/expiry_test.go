package velocity

import (
	"fmt"
	"testing"
	"time"

	"github.com/weirhq/weir/ledger"
)

// TestExpiry: keys that nobody comes back to go, from memory and from the changelog, though no signal ever waits for it.
func TestExpiry(t *testing.T) {
	plan, err := NewPlan("t1", 1, []Definition{{Name: "n", By: "card", Kinds: []string{KindAttempt}, Aggregate: Count, Window: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	state := NewState(Limits{Skew: time.Minute})
	retain := plan.Retain()
	state.Retain(benchStart, &retain)
	log := map[string]bool{}
	flush := func() {
		state.Changes(func(key, value []byte) {
			if value == nil {
				delete(log, string(key))
			} else if key[0] == changeEvents {
				log[string(key)] = true
			}
		})
	}
	const inWindow = 61 * 60 * 10 // ten new keys a second
	bytes := 0
	for i := range 6 * inWindow {
		at := benchStart + int64(i)*100
		e := Event{Origin: Origin{RoleAttempts, 0, int64(i)}, ID: fmt.Sprint(i), Kind: KindAttempt, Asks: true, Time: time.UnixMilli(at), Field: func(string) string { return fmt.Sprint(i) }}
		state.Fold(at, &plan.Signals(nil, &e, 1)[0].Signal)
		state.changes.any = true
		if i%5000 == 0 {
			flush()
		}
		if i == 3*inWindow {
			bytes = state.lists.bytes + state.table.bytes()
		}
	}
	flush()
	if most := inWindow * 3 / 2; state.table.used > most || len(log) != state.table.used {
		t.Errorf("%d keys are held and %d in the changelog, want equal and at most %d", state.table.used, len(log), most)
	}
	if now := state.lists.bytes + state.table.bytes(); now > bytes*11/10 {
		t.Errorf("memory grew from %d to %d bytes while the keys in the window stayed as many", bytes, now)
	}
}

// TestApplyAllocatesNothing: once the keys are known, a signal is decoded, answered and recorded in room that is there.
func TestApplyAllocatesNothing(t *testing.T) {
	signal := someSignal()
	plan := Retain{Tenant: "t1", Version: 1, Dimensions: []Retained{{Field: "card.fingerprint", Kinds: []string{KindAttempt, KindApproved}, Of: []string{"context.ip"}, Currencies: []ledger.Currency{"EUR"}, Window: 60_000}}}
	state := NewState(Limits{ReplyBytes: 1 << 20})
	state.Retain(0, &plan)
	now := int64(0)
	var frame []byte
	apply := func() {
		now += 500
		signal.Origin.Offset++
		signal.Command++
		signal.Time = now
		frame = signal.Append(frame[:0])
		if _, ok, err := state.Apply(now, frame); err != nil || !ok {
			t.Fatal(ok, err)
		}
	}
	for range 20_000 {
		apply()
	}
	if n := testing.AllocsPerRun(2000, apply); n != 0 {
		t.Errorf("%v allocations a signal", n)
	}
}
