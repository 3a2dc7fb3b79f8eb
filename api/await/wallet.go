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
		conclude: ConcludeWallet,
	}
	if err := h.ask(w); err != nil {
		return nil, err
	}
	return w, nil
}

// ConcludeWallet answers with the last event of the command's record, the first that names it: a wallet asks nobody else.
func ConcludeWallet(events []topics.WalletEvent) (answer topics.WalletEvent, ok bool) {
	for _, e := range events {
		if !e.More {
			return e, true
		}
		answer = e
	}
	return answer, false
}
