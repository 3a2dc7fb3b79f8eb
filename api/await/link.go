package await

import "github.com/weirhq/weir/topics"

// LinkWaiter waits for what a link command has caused.
type LinkWaiter = Waiter[topics.LinkEvent, topics.LinkEvent]

// AskLink opens the question what became of a link command. It comes before the command is produced, and Close follows it on
// every path.
func (h *Hub) AskLink(commandID string) (*LinkWaiter, error) {
	w := &LinkWaiter{
		hub: h, about: []subject{{topics.LinkEvents, commandID}}, concluded: make(chan struct{}, 1),
		idOf:     func(e *topics.LinkEvent) string { return e.EventID },
		conclude: func(events []topics.LinkEvent) (topics.LinkEvent, bool) { return ConcludeLink(commandID, events) },
	}
	if err := h.ask(w); err != nil {
		return nil, err
	}
	return w, nil
}

// ConcludeLink answers with the event of the command: there is one.
func ConcludeLink(commandID string, events []topics.LinkEvent) (answer topics.LinkEvent, ok bool) {
	for i := range events {
		if events[i].CommandID == commandID {
			return events[i], true
		}
	}
	return answer, false
}
