// Package gaming decides on responsible-gaming limits: what a customer may deposit, lose and play in a day, a week or a
// month. It is pure: no I/O, no clock and no time zones; now is the record's time, and the day that a command counts in
// comes with it.
//
//	State.Check(ask)     → the limit of which least is left to a command, and whether the command is above it
//	Decide(state, set)   → what becomes of a command that sets a limit of the customer's
//	State.Count, State.Set   fold what events say of counting and of limits
//
// Three may set a limit: the brand in its rule files, the customer, and the operator for one customer. The strictest
// binds. What is counted is kept by day, so that a limit of another period is right at once, and that what a payment
// counted goes back to where it was counted.
//
// G1: what a day's deposits count is the sum of what the customer's payments count in it (lifecycle.Payment.Deposited). G2:
// what a day's loss counts is what games took on it less what they gave. G3: a command that is counted left the sum of each
// period no higher than the limits in force, but for deposits that a brand's outcome holds for a reviewer.
package gaming
