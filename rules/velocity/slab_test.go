package velocity

import (
	"testing"

	"pgregory.net/rapid"
)

func TestClasses(t *testing.T) {
	for n := 1; n < 20_000; n++ {
		class := classOf(n)
		if capacity(class) < n || class > 0 && capacity(class-1) >= n {
			t.Fatalf("%d records are of class %d, which has room for %d", n, class, capacity(class))
		}
		if n > 8 && capacity(class)*4 > n*5+4 {
			t.Fatalf("%d records take the room of %d", n, capacity(class))
		}
	}
}

// TestSlab: lists keep what is in them, whatever the others do, and pages that nothing is in are used again.
func TestSlab(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s slab
		type held struct {
			place uint32
			want  []uint64
		}
		lists := make([]held, 40)
		next := uint64(0)
		for range rapid.IntRange(1, 400).Draw(t, "steps") {
			at := &lists[rapid.IntRange(0, len(lists)-1).Draw(t, "list")]
			n := rapid.SampledFrom([]int{0, 1, 2, 3, 9, 40, 200, 512, 513, 2000}).Draw(t, "n")
			at.place = s.resize(at.place, len(at.want), n)
			list := s.list(at.place, n)
			for i := len(at.want); i < n; i++ {
				next++
				list[i].head = next
				at.want = append(at.want, next)
			}
			at.want = at.want[:n]
			for i := range lists {
				for j, r := range s.list(lists[i].place, len(lists[i].want)) {
					if r.head != lists[i].want[j] {
						t.Fatalf("list %d, record %d is %d, want %d", i, j, r.head, lists[i].want[j])
					}
				}
			}
		}
		for i := range lists {
			s.resize(lists[i].place, len(lists[i].want), 0)
		}
		if len(s.empty)+len(s.bare) != len(s.pages) {
			t.Fatalf("%d of %d pages are free when nothing is held", len(s.empty)+len(s.bare), len(s.pages))
		}
	})
}

// TestSlabGrowsTogether: lists that grow together take no more than what they hold and a part of it.
func TestSlabGrowsTogether(t *testing.T) {
	const lists = 2000
	var s slab
	places := make([]uint32, lists)
	for n := range 300 {
		for i := range places {
			places[i] = s.resize(places[i], n, n+1)
		}
	}
	if most := lists * 300 * recordBytes * 3 / 2; s.bytes > most {
		t.Fatalf("%d lists of 300 records take %d bytes, want at most %d", lists, s.bytes, most)
	}
}
