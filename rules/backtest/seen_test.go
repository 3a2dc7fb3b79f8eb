package backtest

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// TestSeen: the latest attempts are known by their lines, and no others.
func TestSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 40).Draw(t, "most")
		s := newSeen(most)
		var known []int // the latest, the oldest first
		lines := map[int]int{}
		for line := 1; line <= 200; line++ {
			id := rapid.IntRange(0, 3*most).Draw(t, "id")
			got := s.take("acme", fmt.Sprint(id), line)
			if want := lines[id]; got != want {
				t.Fatalf("line %d: id %d stood in line %d, got %d", line, id, want, got)
			}
			if got > 0 {
				continue
			}
			lines[id] = line
			if known = append(known, id); len(known) > most {
				delete(lines, known[0])
				known = known[1:]
			}
		}
	})
}
