package statement

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/ledger"
)

// TestLinesAgainstTheModel writes any entries and projects them in rounds of any size, by projectors that are dropped
// between rounds and while others run: the lines are those of the model.
func TestLinesAgainstTheModel(t *testing.T) {
	b := newBooks(t, 3)
	projectors := []*Projector{NewProjector(b.db, 1), NewProjector(b.db, 0)}
	rapid.Check(t, func(r *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(r, "seed"), 1))
		b.write(t, int64(random.IntN(2)), b.random(random, rapid.IntRange(1, 40).Draw(r, "entries"))...)
		for range rapid.IntRange(0, 3).Draw(r, "rounds") {
			which := rapid.IntRange(0, 1).Draw(r, "projector")
			if rapid.Bool().Draw(r, "crash before") {
				projectors[which] = NewProjector(b.db, 1)
			}
			if _, err := projectors[which].Round(t.Context()); err != nil && !errors.Is(err, ErrStale) {
				r.Fatal(err)
			}
		}
	})
	b.project(t, projectors[0])
	b.check(t)
	if err := Rebuild(t.Context(), b.db); err != nil {
		t.Fatal(err)
	}
	b.project(t, projectors[1])
	b.check(t)
}

// TestFullPages projects more entries of one partition than a round takes, several of them in one record.
func TestFullPages(t *testing.T) {
	b := newBooks(t, 1)
	var entries []ledger.Entry
	random := rand.New(rand.NewPCG(1, 2))
	for len(entries) < 3*leastEntries {
		entries = b.random(random, 3*leastEntries)
	}
	b.write(t, 5, entries...)
	p := NewProjector(b.db, 1)
	rounds := 0
	for {
		round, err := p.Round(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if rounds++; !round.Behind {
			break
		}
	}
	if rounds < 3 {
		t.Errorf("%d rounds, want one for each page of %d entries", rounds, leastEntries)
	}
	b.check(t)
	var next int64
	if err := b.db.Pool.QueryRow(t.Context(), `SELECT next FROM statement_positions`).Scan(&next); err != nil || next != b.next[0] {
		t.Errorf("next %d, %v, want %d: records that post nothing are passed, too", next, err, b.next[0])
	}
}

// TestTwoProjectors lets two race for every round: each line is written once.
func TestTwoProjectors(t *testing.T) {
	b := newBooks(t, 2)
	b.write(t, 0, b.random(rand.New(rand.NewPCG(3, 4)), 4000)...)
	lost := make(chan int, 2)
	for range 2 {
		p := NewProjector(b.db, 1)
		go func() {
			stale := 0
			for {
				round, err := p.Round(t.Context())
				switch {
				case errors.Is(err, ErrStale):
					stale++
				case err != nil:
					t.Error(err)
					lost <- stale
					return
				case !round.Behind:
					lost <- stale
					return
				}
			}
		}()
	}
	t.Logf("%d and %d rounds were lost to the other", <-lost, <-lost)
	b.check(t)
}

// TestCrashBetweenStoreAndPublish drops a projector that has stored lines and published nothing: the next one names the
// same balances, until they are said to be published.
func TestCrashBetweenStoreAndPublish(t *testing.T) {
	b := newBooks(t, 2)
	random := rand.New(rand.NewPCG(5, 6))
	b.write(t, 0, b.random(random, 50)...)
	first := NewProjector(b.db, 0)
	b.project(t, first)
	before := unpublished(t, first)
	if len(before) == 0 || !slices.Equal(before, unpublished(t, first)) {
		t.Fatalf("%d balances, want the same each time", len(before))
	}
	second := NewProjector(b.db, 0)
	b.project(t, second)
	if after := unpublished(t, second); !slices.Equal(after, before) {
		t.Errorf("after a crash %v\nwant %v", after, before)
	}
	want := b.want()
	for _, last := range before {
		of := want[key(last.Partition, last.Account.ID())]
		if l := of[len(of)-1]; l.Place != last.Place || l.Balance != last.Minor {
			t.Errorf("balance %v, want that of %v", last, l)
		}
	}
	second.Published()
	b.project(t, second)
	if again := unpublished(t, second); len(again) != 0 {
		t.Errorf("published, and again %v", again)
	}
	if again := unpublished(t, first); len(again) == 0 { // it has not looked since
		t.Error("another projector took note of what it did not see")
	}
	b.project(t, first)
	if again := unpublished(t, first); len(again) != 0 {
		t.Errorf("published by another, and again %v", again)
	}
	// A rebuild publishes nothing again: the balances are the same.
	if err := Rebuild(t.Context(), b.db); err != nil {
		t.Fatal(err)
	}
	b.project(t, first)
	if again := unpublished(t, first); len(again) != 0 {
		t.Errorf("after a rebuild %v", again)
	}
	newer := b.random(random, 1)
	b.write(t, 0, newer...)
	b.project(t, first)
	for _, last := range unpublished(t, first) {
		if !slices.ContainsFunc(newer, func(e ledger.Entry) bool { return e.ID == last.Entry() }) {
			t.Errorf("balance %v is of no new entry", last)
		}
	}
}

func unpublished(t *testing.T, p *Projector) []Last {
	t.Helper()
	all, err := p.Unpublished(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(all, func(a, b Last) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), strings.Compare(a.Account.ID().String(), b.Account.ID().String()))
	})
	return all
}

// TestRebuildInSteps: a rebuild whose projector dies while it clears is gone on with, and a second rebuild begins again.
func TestRebuildInSteps(t *testing.T) {
	b := newBooks(t, 2)
	b.write(t, 0, b.random(rand.New(rand.NewPCG(7, 8)), 3000)...)
	p := NewProjector(b.db, 0)
	b.project(t, p)
	for range 2 {
		if err := Rebuild(t.Context(), b.db); err != nil {
			t.Fatal(err)
		}
		if _, err := NewProjector(b.db, 1).Round(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	b.project(t, p)
	b.check(t)
}

func TestPostingOnNoAccount(t *testing.T) {
	b := newBooks(t, 2)
	b.write(t, 0, b.random(rand.New(rand.NewPCG(9, 10)), 15)...)
	if _, err := b.db.Pool.Exec(t.Context(), `DELETE FROM accounts WHERE partition = 0 AND code = 'psp_fees'`); err != nil {
		t.Fatal(err)
	}
	round, err := NewProjector(b.db, 0).Round(t.Context())
	if err != nil || round.Failed == nil || round.Behind {
		t.Errorf("%+v, %v, want what failed, and no more to do", round, err)
	}
	progress, err := ReadProgress(t.Context(), b.db)
	if err != nil || progress[0].Next != 0 || progress[1].Next != b.next[1] {
		t.Errorf("%+v, %v, want the other partition projected", progress, err)
	}
}
