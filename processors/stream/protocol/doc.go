// Package protocol is an executable model of how a Fold owns a partition (rules O1 to O5 of the stream package): two
// owners of one partition, a few records, and a budget of faults, explored exhaustively.
//
// The model is not the implementation: it is small enough to be read in one sitting and to visit every interleaving.
// What it takes for granted is what a broker and a serializable database promise: a transaction commits or does not,
// an older producer epoch is refused, a fence that finds another position fails.
//
// Every rule can be switched off (see Rule). With all rules on no reachable state breaks an invariant and every state
// can be finished by one clean owner; with any rule off Explore returns a counterexample: the shortest list of steps
// that loses, doubles or changes a record. The tests demand both.
//
// The invariants:
//
//	P1  the committed outputs are positions 0, 1, 2 … each once and in order
//	P2  what any reader can see, committed or not, is what the database holds for that position
//	P3  the published position N counts the committed outputs exactly, and N ≤ M
//	P4  the decision on record i was taken on a state that holds records 0 … i-1 and nothing else
//	P5  a record of the inbox is never skipped
//	P6  a reader of uncommitted records acts on each position once
//	P7  an owner stops for an operator only when the inbox was recreated or truncated
//	P8  from every state one owner, left alone, publishes everything
package protocol
