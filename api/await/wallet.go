package await

import "github.com/weirhq/weir/topics"

// WalletWaiter waits for what a wallet command has caused.
type WalletWaiter = Waiter[topics.WalletEvent, topics.WalletEvent]

// AskWallet opens the question what became of a wallet command. It comes before the command is produced, and Close follows
// it on every path.
func (h *Hub) AskWallet(commandID string) (*WalletWaiter, error) {
	w := &WalletWaiter{
		hub: h, about: []subject{{topics.WalletEvents, commandID}}, concluded: make(chan struct{}, 1),
		idOf:     func(e *topics.WalletEvent) string { return e.EventID },
		conclude: concludeWallet,
	}
	if err := h.ask(w); err != nil {
		return nil, err
	}
	return w, nil
}

// concludeWallet answers with the last event of the command's record: a wallet asks nobody else.
func concludeWallet(events []topics.WalletEvent) (answer topics.WalletEvent, ok bool) {
	if len(events) == 0 {
		return answer, false
	}
	answer = events[len(events)-1]
	return answer, !answer.More
}
