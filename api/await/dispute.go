package await

import "github.com/weirhq/weir/topics"

// DisputeWaiter waits for what a dispute command has caused.
type DisputeWaiter = Waiter[topics.DisputeEvent, topics.DisputeEvent]

// AskDispute opens the question what became of a dispute command. It comes before the command is produced, and Close follows
// in any case.
func (h *Hub) AskDispute(commandID string) (*DisputeWaiter, error) {
	w := &DisputeWaiter{
		hub: h, about: []subject{{topics.DisputeEvents, commandID}}, concluded: make(chan struct{}, 1),
		idOf: func(e *topics.DisputeEvent) string { return e.EventID },
		conclude: func(events []topics.DisputeEvent) (topics.DisputeEvent, bool) {
			return ConcludeDispute(commandID, events)
		},
	}
	if err := h.ask(w); err != nil {
		return nil, err
	}
	return w, nil
}

// ConcludeDispute answers with the last event of the command's record: that the PSP is asked says enough, for its answer decides
// nothing yet.
func ConcludeDispute(commandID string, events []topics.DisputeEvent) (answer topics.DisputeEvent, ok bool) {
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
