package sandbox

import (
	"errors"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const signingSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// desk is a sandbox whose deliveries a test makes itself, one by one and side by side.
type desk struct {
	*deliverer
	underWay []slot
}

func openDesk(t interface{ Fatal(...any) }, dir string) *desk {
	b, err := openBook(Config{DataDir: dir, WebhookURL: "http://127.0.0.1:1", WebhookSecret: signingSecret}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	d, err := newDeliverer(b, "")
	if err != nil {
		t.Fatal(err)
	}
	return &desk{deliverer: d}
}

func (d *desk) trigger(t interface{ Fatalf(string, ...any) }, wanted Trigger) string {
	wanted.RequestID = "1-1-0"
	id, refused := d.book.trigger(d.book.newest(wanted.RequestID), &wanted, time.Now())
	if refused != nil {
		t.Fatalf("trigger %+v: %v", wanted, refused)
	}
	return id
}

// begin begins what is due at any time, and tells whether there was anything.
func (d *desk) begin() bool {
	s, _, due := d.deliveries.next(time.Now().Add(100 * time.Hour))
	if !due {
		return false
	}
	if p, _ := d.deliverer.begin(s); p != nil {
		d.underWay = append(d.underWay, s)
	}
	return true
}

// end ends the n-th delivery under way.
func (d *desk) end(n int, failure error) (eventID string) {
	s := d.underWay[n]
	d.underWay = append(d.underWay[:n], d.underWay[n+1:]...)
	_, op := d.find(s.key)
	d.record(s, failure)
	return op.Events[s.event].ID
}

func (d *desk) left() map[string]int {
	left := map[string]int{}
	_, op := d.find("1-1-0")
	for _, e := range op.Events {
		left[e.ID] = e.Left
	}
	return left
}

func TestAnEventIsNotDeliveredTwiceSideBySide(t *testing.T) {
	d := openDesk(t, "")
	authorizeIn(t, d.book, "1-1-0", "tok_approved")
	id := d.trigger(t, Trigger{})
	d.begin()
	d.trigger(t, Trigger{Copies: 3, EventID: id})
	if d.begin() || len(d.underWay) != 1 {
		t.Fatalf("%d deliveries are under way, want the first alone until it is answered", len(d.underWay))
	}
	for delivered := 1; len(d.underWay) == 1; delivered++ {
		d.end(0, nil)
		if left := d.left()[id]; left != 4-delivered {
			t.Fatalf("%d are left after %d deliveries of 4", left, delivered)
		}
		d.begin()
	}
	if left := d.left()[id]; left != 0 {
		t.Errorf("nothing is delivered any more, and %d are left", left)
	}
}

func TestATriggerDeliversNowWhatWaitedForItsNextAttempt(t *testing.T) {
	d := openDesk(t, "")
	authorizeIn(t, d.book, "1-1-0", "tok_approved")
	id := d.trigger(t, Trigger{})
	d.begin()
	d.end(0, errors.New("refused"))
	if _, wait, due := d.deliveries.next(time.Now()); due || wait <= 0 {
		t.Fatal("it is delivered again at once")
	}
	d.trigger(t, Trigger{EventID: id})
	if _, _, due := d.deliveries.next(time.Now()); !due {
		t.Error("it waits although it was triggered")
	}
	if d.begin() {
		t.Error("it has two places on the agenda")
	}
}

// TestDeliveriesAreCounted triggers, delivers in part side by side, fails, reorders and kills in any order. A dumb model
// counts what is owed of each event.
func TestDeliveriesAreCounted(t *testing.T) {
	home := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(home, "")
		if err != nil {
			t.Fatal(err)
		}
		d := openDesk(t, dir)
		defer func() { _ = d.journal.file.Close() }()
		if _, _, refused := d.perform(Authorize, "1-1-0", "print", request("tok_duplicate_webhook", 1000), ""); refused != nil {
			t.Fatalf("authorize: %v", refused)
		}
		owed := d.left()
		t.Repeat(map[string]func(*rapid.T){
			"trigger": func(t *rapid.T) {
				if len(owed) == MaxEvents {
					t.Skip("no event more")
				}
				wanted := Trigger{Copies: rapid.IntRange(1, 3).Draw(t, "copies"), DelayMS: rapid.Int64Range(0, 1000).Draw(t, "delay")}
				if rapid.Bool().Draw(t, "new") {
					wanted.Type = "odd"
				}
				owed[d.trigger(t, wanted)] += wanted.Copies
			},
			"reorder": func(t *rapid.T) {
				if len(owed) == MaxEvents {
					t.Skip("no event more")
				}
				owed[d.trigger(t, Trigger{Reordered: true})]++
			},
			"begin": func(*rapid.T) { d.begin() },
			"end": func(t *rapid.T) {
				if len(d.underWay) == 0 {
					t.Skip("nothing is under way")
				}
				var failure error
				if rapid.Bool().Draw(t, "fails") {
					failure = errors.New("refused")
				}
				id := d.end(rapid.IntRange(0, len(d.underWay)-1).Draw(t, "which"), failure)
				if failure == nil {
					owed[id]--
				} else if d.left()[id] == 0 {
					owed[id] = 0 // given up
				}
			},
			"kill": func(t *rapid.T) {
				if err := d.journal.file.Close(); err != nil {
					t.Fatal(err)
				}
				d = openDesk(t, dir)
			},
			"": func(t *rapid.T) { d.check(t, owed) },
		})
		for deadline := time.Now().Add(time.Minute); d.begin() || len(d.underWay) > 0; {
			for len(d.underWay) > 0 {
				owed[d.end(0, nil)]--
			}
			if time.Now().After(deadline) {
				t.Fatalf("there is no end to it: %v", d.left())
			}
		}
		d.check(t, owed)
		for id, n := range owed {
			if n != 0 {
				t.Errorf("nothing is delivered any more, and %d of %s are owed", n, id)
			}
		}
	})
}

// check compares with the model what is left, and the agenda with what is left.
func (d *desk) check(t *rapid.T, owed map[string]int) {
	seen := map[slot]int{}
	for _, i := range d.deliveries.items {
		seen[i.slot]++
	}
	for _, s := range d.underWay {
		seen[s]++
	}
	_, op := d.find("1-1-0")
	for n, e := range op.Events {
		at := seen[slot{op.Key, n}]
		if e.Left != owed[e.ID] || at > 1 || e.Left > 0 && at == 0 {
			t.Fatalf("event %d: %d deliveries are left, want %d; it is on the agenda or under way %d times", n, e.Left, owed[e.ID], at)
		}
	}
}
