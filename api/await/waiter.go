package await

import (
	"context"
	"slices"
	"sync"

	"github.com/weirhq/weir/topics"
)

// maxEvents bounds what one waiter holds; a payment has far fewer events while one request waits.
const maxEvents = 4096

// Waiter is one open question.
type Waiter struct {
	hub       *Hub
	question  Question
	concluded chan struct{} // holds at most one signal

	mu     sync.Mutex
	events []topics.PaymentEvent
	answer Answer
	done   bool
	closed bool
}

func (w *Waiter) ids() []string {
	if w.question.PaymentID == "" {
		return []string{w.question.CommandID}
	}
	return []string{w.question.PaymentID, w.question.CommandID}
}

// Learn adds events of the payment, in any order and any number of times: those that the hub reads, and those that the
// database held before the question was asked.
func (w *Waiter) Learn(events ...topics.PaymentEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range events {
		if len(w.events) >= maxEvents {
			break
		}
		merged, err := merge(w.events, e)
		if err != nil {
			w.hub.log.Error("payment event without a valid id", "error", err)
			continue
		}
		w.events = merged
	}
	w.answer, w.done = Conclude(w.question, w.events)
	if w.done {
		select {
		case w.concluded <- struct{}{}:
		default:
		}
	}
}

// Answer is the answer so far.
func (w *Waiter) Answer() (Answer, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.answer, w.done
}

// Events are the payment's events so far, in the order of their ids.
func (w *Waiter) Events() []topics.PaymentEvent {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.events)
}

// Wait returns as soon as there is an answer; ok is false where the context ended first.
func (w *Waiter) Wait(ctx context.Context) (answer Answer, ok bool) {
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
func (w *Waiter) Close() {
	w.mu.Lock()
	closed := w.closed
	w.closed = true
	w.mu.Unlock()
	if !closed {
		w.hub.forget(w)
	}
}
