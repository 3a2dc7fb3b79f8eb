package sandbox

import (
	"container/heap"
	"context"
	"time"
)

// slot names what an operation owes: a settlement, or one of its events.
type slot struct {
	key   string // of the operation
	event int    // index among the operation's events; settlements have none
}

// item is a slot with its time. One that is no longer owed when its time comes is passed over.
type item struct {
	slot
	at    time.Time
	place int // in the heap
}

// agenda holds items by time, at most one for each slot, and none for a slot that is being done: whatever else becomes due
// meanwhile, nothing is done twice side by side. The book's mutex guards it.
type agenda struct {
	items items
	slots map[slot]*item // nil: it is being done
	woken chan struct{}  // signalled when there is a new first item
}

func newAgenda() *agenda { return &agenda{slots: map[slot]*item{}, woken: make(chan struct{}, 1)} }

// put has a slot done at a time, instead of the one that it had. One that is being done is left alone: whoever is done with
// it looks again at what is owed.
func (a *agenda) put(s slot, at time.Time) {
	i, there := a.slots[s]
	switch {
	case there && i == nil:
		return
	case there:
		i.at = at
		heap.Fix(&a.items, i.place)
	default:
		i = &item{slot: s, at: at}
		a.slots[s] = i
		heap.Push(&a.items, i)
	}
	if i.place == 0 {
		select {
		case a.woken <- struct{}{}:
		default:
		}
	}
}

// next takes the first item that is due, which is being done from now on, or tells how long to wait.
func (a *agenda) next(now time.Time) (s slot, wait time.Duration, ok bool) {
	const idle = time.Hour
	if len(a.items) == 0 {
		return slot{}, idle, false
	}
	if wait := a.items[0].at.Sub(now); wait > 0 {
		return slot{}, min(wait, idle), false
	}
	s = heap.Pop(&a.items).(*item).slot
	a.slots[s] = nil
	return s, 0, true
}

// done ends what next began.
func (a *agenda) done(s slot) { delete(a.slots, s) }

// keep calls do for each item of an agenda when its time comes, until ctx ends. do says when it is done.
func (b *book) keep(ctx context.Context, a *agenda, do func(slot)) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		b.mu.Lock()
		due, wait, ok := a.next(time.Now())
		b.mu.Unlock()
		if ok {
			do(due)
			continue
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-a.woken:
		}
	}
}

// items is a heap.Interface.
type items []*item

func (h items) Len() int           { return len(h) }
func (h items) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h items) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

func (h *items) Push(x any) {
	i := x.(*item)
	i.place = len(*h)
	*h = append(*h, i)
}

func (h *items) Pop() any {
	last := len(*h) - 1
	i := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return i
}
