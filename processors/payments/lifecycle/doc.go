// Package lifecycle is the state machine of a card payment, pure: no I/O, no clock, no randomness.
//
//	Decide(payment, input, now)  → events      what an input means for a payment
//	Evolve(payment, event)       → payment     the state is the fold of its events and of nothing else
//	Post(before, event)          → entry       the money that an event moves
//	Request(after, event)        → PSP request what a *_requested event asks of the PSP
//
// One table (Table) says which input is a step from which status and what it may lead to; Decide looks it up and knows
// no other way. The diagram in docs/payment-lifecycle.md is generated from it.
//
// Three rules decide most cases. Idempotency comes first: a repeated input yields no event. Limits bind commands, facts
// always post: what a verified report says of money is booked whatever it breaks, with a case for a person. An unknown
// outcome is a state: it is polled until it is known, and never guessed.
package lifecycle
