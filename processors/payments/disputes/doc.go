// Package disputes decides on disputes: Decide (command, report or timer → events), Evolve (event → state), Post (event → ledger
// entry), Request (event → PSP request), Change (what the payment takes of it). It is pure: no I/O and no clock; now is the
// record's time.
//
// A dispute is opened by the first thing that a PSP tells of it, whatever that is. What the PSP tells is of two kinds that do
// not touch each other: what becomes of the dispute (stage and status), and what was moved because of it. Money moves with the
// latter alone: a dispute is not won because funds were reinstated, and nothing is booked because it is lost.
//
// Precedence of what the PSP tells. Of stages, inquiry < chargeback < pre_arbitration < arbitration: one that was passed does
// not come back. A fact that occurred before the one that made the status what it is, by the PSP's clock, came late and leaves
// the status as it is; without a clock, the later told counts, but a notice and submitted evidence undo no result. Closed is no
// result: one that is told after it is taken all the same. Movements of money are booked in any order and at any time, each once.
//
// Refusals, in the order in which they are given where several apply (a repeated command comes before all of them and yields
// nothing; the caller sees to it):
//
//	invalid, card_number, too_old       the command as it stands
//	unknown_dispute                     the customer has no such dispute
//	customer_mismatch, region_mismatch  the dispute is another customer's, or of another region
//	finished, wrong_state               the table has no such step; an inquiry cannot be accepted
//	in_progress                         the PSP was asked, and has not answered
//	by_dashboard_only                   the PSP takes no answers by its API
//	limit_exceeded                      too many requests of one dispute
//
// D1: a movement of money is booked once, by what the PSP calls it. D2: what a payment's disputes have taken and given back is
// the payment's Disputed, and what they may yet take its Disputing; no refund command is let above what is left beside both. Each
// dispute counts by itself, none below zero: what one gave back above what it took stands in suspense.
// D3: at most one request of a dispute is open.
package disputes
