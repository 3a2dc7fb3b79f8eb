// Package statement is the ledger as it is read: statements of accounts with a running balance, balances as of a time,
// trial balances of a date, and why a balance is what it is.
//
// Entries hold their postings in their own row, so reading an account needs a projection: one line for each account and
// entry, in statement_lines. It is made from the table of entries alone, in their order, by whoever runs a Projector. It
// may lag, says how far it is, and may be dropped and made anew.
//
//	place.go      where a line stands, and cursors
//	fold.go       entries to lines (pure)
//	projector.go  reads entries, folds them and writes their lines; write.go is its transaction
//	last.go       the last lines of accounts: running balances, and what ledger.balances.v1 is told
//	rebuild.go    begins a partition anew
//	snapshot.go   reads of one moment, each with how far the projection is
//	page.go, asof.go, explain.go  the reads themselves
//
// S1: what lies below a partition's position has its lines, and nothing else has. The position moves by compare-and-set
// in the transaction that writes the lines, so two processes cannot write a line twice; a crash leaves either both or
// neither. Nothing appears behind the position, because the fold stores entries in ascending order of position.
//
// # Booking time
//
// An entry is booked at the time of its inbox record. The broker gives it, and a new leader's clock may be behind the one
// before. A line's time is therefore the latest booking time of the partition's entries up to and including its own: it
// never steps back. "As of T" means every line whose time is at or before T: in each partition the entries up to a
// place, none left out between. What was as of a time that the projection has passed never changes.
package statement
