// Package payouts decides on payouts: Decide (command, report or timer → events), Evolve (event → state), Post (event → ledger
// entry), Request (event → PSP request). It is pure: no I/O and no clock; now is the record's time.
//
// A payout's money is at one Place at a time: set aside on the customer's hold account, in flight to the PSP, paid, or the
// customer's. It is set aside with the created event, before anybody is asked to approve it; it leaves the customer when the
// PSP is asked for the first time; and it comes back with the event that ends the payout in any other way than paid. A
// request is asked for anew only when the one before was provably not performed.
//
// Refusals, in the order in which they are given where several apply (a repeated command comes before all of them and yields
// nothing; the caller sees to it):
//
//	invalid, card_number, too_old       the command as it stands
//	unknown_payout                      the customer has no such payout (not of create)
//	unknown_account                     nothing was ever credited to the customer (create)
//	account_closed                      the wallet was closed (create)
//	customer_mismatch, region_mismatch  the payout is another customer's, or of another region
//	currency_mismatch                   the wallet has none of the currency (create)
//	finished, wrong_state               the table has no such step
//	in_progress                         a cancellation while the PSP may be paying
//	insufficient_funds                  L4: what is held is not available
//	closed_loop                         the money may not go there, or not so much of it (Sources)
//	review_required                     approved by the one who asked for it or its API key, or nobody is named who did
//
// What the rules block is not refused: it is a payout whose only event is blocked. What they hold, or want stepped up, waits
// for a second person.
//
// U1: the sum of what payouts have set aside, with what is left of holds, is the balance of the customer's hold account.
// U2: a payout is paid once: where the PSP pays a second time, or after the money was given back, that is booked by force and
// a case is opened. U3: at most one request is open whose success is not known to be a second one, and none once the customer
// has the money back.
package payouts
