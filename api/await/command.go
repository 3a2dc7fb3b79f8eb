package await

import "github.com/weirhq/weir/topics"

// CommandWaiter waits for what a command has caused, in events of type E.
type CommandWaiter[E any] = Waiter[E, E]

// AskCommand opens the question what became of a command, in the events of a topic. It comes before the command is produced, and
// Close follows it on every path.
func AskCommand[E any, P topics.CausedEvent[E]](h *Hub, topic, commandID string) (*CommandWaiter[E], error) {
	w := &CommandWaiter[E]{
		hub: h, about: []subject{{topic, commandID}}, concluded: make(chan struct{}, 1),
		idOf:     func(e *E) string { return P(e).Caused().EventID },
		conclude: func(events []E) (E, bool) { return ConcludeCommand[E, P](commandID, events) },
	}
	if err := h.ask(w); err != nil {
		return nil, err
	}
	return w, nil
}

// ConcludeCommand answers with the last event of the command's record: that a PSP is asked says enough, for its answer may take
// days. The events stand in the order of their ids; those of other records are passed over.
func ConcludeCommand[E any, P topics.CausedEvent[E]](commandID string, events []E) (answer E, ok bool) {
	for i := range events {
		caused := P(&events[i]).Caused()
		if caused.CommandID != commandID {
			continue
		}
		if answer = events[i]; !caused.More {
			return answer, true
		}
	}
	return answer, false
}
