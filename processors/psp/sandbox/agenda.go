package sandbox

import (
	"container/heap"
	"context"
	"time"
)

// item is something that an operation owes at a time. One that is no longer owed when its time comes is passed over.
type item struct {
	at      time.Time
	payment string
	key     string
	event   int // index among the operation's events; settlements have none
}

// agenda holds items by time. The book's mutex guards it.
type agenda struct {
	items items
	woken chan struct{} // signalled when there is a new first item
}

func newAgenda() *agenda { return &agenda{woken: make(chan struct{}, 1)} }

func (a *agenda) add(i item) {
	heap.Push(&a.items, i)
	if a.items[0] == i {
		select {
		case a.woken <- struct{}{}:
		default:
		}
	}
}

// next removes the first item that is due, or tells how long to wait.
func (a *agenda) next(now time.Time) (i item, wait time.Duration, ok bool) {
	const idle = time.Hour
	if len(a.items) == 0 {
		return item{}, idle, false
	}
	if wait := a.items[0].at.Sub(now); wait > 0 {
		return item{}, min(wait, idle), false
	}
	return heap.Pop(&a.items).(item), 0, true
}

// keep calls do for each item of an agenda when its time comes, until ctx ends.
func (b *book) keep(ctx context.Context, a *agenda, do func(item)) {
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
type items []item

func (h items) Len() int           { return len(h) }
func (h items) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h items) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *items) Push(x any)        { *h = append(*h, x.(item)) }
func (h *items) Pop() any {
	last := len(*h) - 1
	i := (*h)[last]
	*h = (*h)[:last]
	return i
}
