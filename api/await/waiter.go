package await

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/weirhq/weir/topics"
)

// maxEvents bounds what one waiter holds; a payment has far fewer events while one request waits.
const maxEvents = 4096

// Waiter is one open question about events of type E; an A answers it.
type Waiter[E, A any] struct {
	hub       *Hub
	about     []subject
	idOf      func(*E) string
	conclude  func([]E) (A, bool) // of the events so far, in the order of their ids
	concluded chan struct{}       // holds at most one signal

	mu     sync.Mutex
	events []E
	answer A
	done   bool
	closed bool
}

func (w *Waiter[E, A]) subjects() []subject { return w.about }

func (w *Waiter[E, A]) learn(value []byte) error {
	var event E
	if err := topics.Unmarshal(value, &event); err != nil {
		return err
	}
	w.Learn(event)
	return nil
}

// Learn adds events, in any order and any number of times: those that the hub reads, and those that the database held
// before the question was asked.
func (w *Waiter[E, A]) Learn(events ...E) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range events {
		if len(w.events) >= maxEvents {
			break
		}
		if err := w.merge(&events[i]); err != nil {
			w.hub.log.Error("event without a valid id", "error", err)
		}
	}
	w.answer, w.done = w.conclude(w.events)
	if w.done {
		select {
		case w.concluded <- struct{}{}:
		default:
		}
	}
}

// merge adds an event in the order of the ids; one that is there already changes nothing.
func (w *Waiter[E, A]) merge(e *E) error {
	id, err := topics.ParseEventID(w.idOf(e))
	if err != nil {
		return err
	}
	at, found := slices.BinarySearchFunc(w.events, id, func(held E, id topics.EventID) int {
		heldID, _ := topics.ParseEventID(w.idOf(&held)) // parsed before it was held
		return compare(heldID, id)
	})
	if !found {
		w.events = slices.Insert(w.events, at, *e)
	}
	return nil
}

// compare orders the ids of one partition.
func compare(a, b topics.EventID) int {
	return cmp.Or(cmp.Compare(a.Position, b.Position), cmp.Compare(a.Index, b.Index))
}

// Answer is the answer so far.
func (w *Waiter[E, A]) Answer() (A, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.answer, w.done
}

// Events are those learnt so far, in the order of their ids.
func (w *Waiter[E, A]) Events() []E {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.events)
}

// Wait returns as soon as there is an answer; ok is false where the context ended first.
func (w *Waiter[E, A]) Wait(ctx context.Context) (answer A, ok bool) {
	for {
		if answer, ok := w.Answer(); ok {
			return answer, true
		}
		select {
		case <-ctx.Done():
			return w.Answer()
		case <-w.concluded:
		}
	}
}

// Close gives the question up.
func (w *Waiter[E, A]) Close() {
	w.mu.Lock()
	closed := w.closed
	w.closed = true
	w.mu.Unlock()
	if !closed {
		w.hub.forget(w)
	}
}
