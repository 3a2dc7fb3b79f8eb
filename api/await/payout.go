package await

import "github.com/weirhq/weir/topics"

// PayoutWaiter waits for what a payout command has caused.
type PayoutWaiter = Waiter[topics.PayoutEvent, topics.PayoutEvent]

// AskPayout opens the question what became of a payout command. It comes before the command is produced, and Close follows
// it on every path.
func (h *Hub) AskPayout(commandID string) (*PayoutWaiter, error) {
	w := &PayoutWaiter{
		hub: h, about: []subject{{topics.PayoutEvents, commandID}}, concluded: make(chan struct{}, 1),
		idOf:     func(e *topics.PayoutEvent) string { return e.EventID },
		conclude: func(events []topics.PayoutEvent) (topics.PayoutEvent, bool) { return ConcludePayout(commandID, events) },
	}
	if err := h.ask(w); err != nil {
		return nil, err
	}
	return w, nil
}

// ConcludePayout answers with the last event of the command's record: that the PSP is asked says enough, for its answer may
// take days. The events stand in the order of their ids; those of other records are passed over.
func ConcludePayout(commandID string, events []topics.PayoutEvent) (answer topics.PayoutEvent, ok bool) {
	for i := range events {
		if events[i].CommandID != commandID {
			continue
		}
		if answer = events[i]; !answer.More {
			return answer, true
		}
	}
	return answer, false
}
