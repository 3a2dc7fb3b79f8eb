package await

import "github.com/weirhq/weir/topics"

// CustomerWaiter waits for what a command on a customer's record has caused.
type CustomerWaiter = Waiter[topics.CustomerChange, topics.CustomerChange]

// AskCustomer opens the question what became of a command on a customer's record, as AskLink does.
func (h *Hub) AskCustomer(commandID string) (*CustomerWaiter, error) {
	w := &CustomerWaiter{
		hub: h, about: []subject{{topics.CustomerChanges, commandID}}, concluded: make(chan struct{}, 1),
		idOf: func(e *topics.CustomerChange) string { return e.EventID },
		conclude: func(changes []topics.CustomerChange) (answer topics.CustomerChange, ok bool) {
			if len(changes) == 0 {
				return answer, false
			}
			return changes[0], true
		},
	}
	if err := h.ask(w); err != nil {
		return nil, err
	}
	return w, nil
}
