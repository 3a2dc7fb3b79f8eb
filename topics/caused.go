package topics

// Caused is what events of wallets, payouts, links, disputes and customers' records have in common: which record caused one, by which command, and
// whether that was refused.
type Caused struct {
	EventID, Tenant, CommandID, TraceID string
	Refused                             bool // the command was
	DeadLettered                        bool // the record was put aside
	Refusal                             RefusalCode
	Detail                              string
	Reasons                             []string // of the risk decision
	More                                bool     // the same record caused another event, which follows
}

// Nothing says that the event changes nothing.
func (c *Caused) Nothing() bool { return c.Refused || c.DeadLettered }

// CausedEvent is a pointer to an event of type E that tells what caused it.
type CausedEvent[E any] interface {
	*E
	Caused() Caused
}

func (e *WalletEvent) Caused() Caused {
	return Caused{e.EventID, e.Tenant, e.CommandID, e.TraceID, e.Type == WalletCommandRefused, e.Type == WalletDeadLettered, e.Refusal, e.Detail, e.Reasons, e.More}
}

func (e *PayoutEvent) Caused() Caused {
	return Caused{e.EventID, e.Tenant, e.CommandID, e.TraceID, e.Type == PayoutCommandRefused, e.Type == PayoutDeadLettered, e.Refusal, e.Detail, e.Reasons, e.More}
}

func (e *LinkEvent) Caused() Caused {
	return Caused{e.EventID, e.Tenant, e.CommandID, e.TraceID, e.Type == LinkCommandRefused, e.Type == LinkDeadLettered, e.Refusal, e.Detail, nil, e.More}
}

func (e *DisputeEvent) Caused() Caused {
	return Caused{e.EventID, e.Tenant, e.CommandID, e.TraceID, e.Type == DisputeCommandRefused, e.Type == DisputeDeadLettered, e.Refusal, e.Detail, nil, e.More}
}

func (e *CustomerChange) Caused() Caused {
	return Caused{e.EventID, e.Tenant, e.CommandID, e.TraceID, e.Type == CustomerCommandRefused, e.Type == CustomerDeadLettered, e.Refusal, e.Detail, nil, false}
}
