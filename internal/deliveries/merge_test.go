package deliveries

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestMerge: everything once, by time, each partition in its own order; an error ends it.
func TestMerge(t *testing.T) {
	broken := errors.New("broken")
	rapid.Check(t, func(t *rapid.T) {
		var want []*Delivery
		var sources []source
		for partition := range rapid.Int32Range(0, 4).Draw(t, "partitions") {
			var all []*Delivery
			at := int64(0)
			for offset, after := range rapid.SliceOfN(rapid.Int64Range(0, 3), 0, 6).Draw(t, "gaps") {
				at += after
				all = append(all, &Delivery{ID: ID{partition, int64(offset)}, Received: time.Unix(at, 0)})
			}
			want = append(want, all...)
			sources = append(sources, func(yield func(*Delivery, error) bool) {
				for _, d := range all {
					if !yield(d, nil) {
						return
					}
				}
			})
		}
		slices.SortStableFunc(want, func(a, b *Delivery) int { return a.Received.Compare(b.Received) })
		var got []*Delivery
		if err := merge(sources, func(d *Delivery) error { got = append(got, d); return nil }); err != nil || !slices.Equal(got, want) {
			t.Fatalf("%v: got %v, want %v", err, got, want)
		}
		limit := rapid.IntRange(1, 5).Draw(t, "limit")
		got = nil
		err := merge(sources, func(d *Delivery) error {
			if got = append(got, d); len(got) == limit {
				return broken
			}
			return nil
		})
		if left := len(want) >= limit; left != errors.Is(err, broken) || !slices.Equal(got, want[:min(limit, len(want))]) {
			t.Fatalf("up to %d: %v: got %v, want %v", limit, err, got, want)
		}
		sources = append(sources, func(yield func(*Delivery, error) bool) { yield(nil, broken) })
		if err := merge(sources, func(*Delivery) error { return nil }); !errors.Is(err, broken) {
			t.Fatalf("a partition that cannot be read: %v", err)
		}
	})
}
