// Package risk turns commands into assessed commands: it reads payments.commands.v1, wallet.commands.v1 and
// customer.events.v1, validates each record, evaluates the rules of its stage and writes it with the decision to
// payments.inbox.v1, in the partition of its customer. What differs between them is their subject (assess.go): payment.go,
// wallet.go, customer.go.
//
//	record ─► decode ──────► identify ──► validate ──► (ask velocity) ──► evaluate ─► inbox
//	             │ no             │ no         │ no
//	             └► dead letter ◄─┘            └► inbox, as a refusal
//
// Velocity is asked where the rule set in force defines any: the command's signals go out when it is read, and many commands
// of a partition wait for answers at once (join.go, desk.go). They are released in their order. An answer that has not come
// in time is missing, and the rules' on_missing decides; so are all of a command whose case, by which its outcomes are counted,
// cannot be written.
//
// Assessing is stateless: an Assessor has no memory, and the runtime (stream.Transform) repeats a record after a crash.
// A repeated assessment is harmless, because the inbox is deduplicated by command id; where the rules were edited in
// between, the first assessment in the inbox is the one that counts.
//
// What the fold asks of authorisations on risk.reviews.v1 is decided on in the same way, without velocity: the request has
// its answers of when the payment came (review.go).
//
// A command that cannot be accepted, but names its tenant and itself, goes on to the inbox with a refusal and without
// anything that its author chose freely: payments refuses it in the one order, and whoever waits for it sees why. A raw
// card number is never forwarded or logged.
package risk
