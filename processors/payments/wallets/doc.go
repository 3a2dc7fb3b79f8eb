// Package wallets decides on what is asked of customers' wallets: Decide (command or expiry → event), Evolve (event →
// state), Post (event → ledger entry). It is pure: no I/O and no clock; now is the record's time.
//
// The balances of a wallet are the ledger's and of nothing else. What stands here is what balances cannot tell: in which
// currencies the wallet was opened and whether it is closed, what is left of each hold, and the net of each game round.
//
// Refusals, in the order in which they are given where several apply (a repeated command comes before all of them and
// yields nothing; the caller sees to it):
//
//	invalid, card_number, too_old   the command as it stands
//	unknown_account                 nothing was ever credited to the customer, or there is no such hold
//	account_closed                  new business with a closed wallet
//	currency_mismatch               the wallet, hold or round is in another currency
//	finished, wrong_state           the hold has ended, the round was rolled back; a wallet to be closed is not empty
//	exceeds_authorized              a capture above what is left of the hold
//	insufficient_funds              L4, of what is available: what is held is not
//	limit_exceeded                  the customer would have more than topics.MaxBalance; too many movements of one hold or round
//	session_limit, loss_limit       a stake is above the customer's responsible-gaming limits (package gaming)
//	blocked, review_required        the rules of stage wallet
//
// A credit opens the wallet in its currency, as does a payment's capture (Opens). A rollback needs no wallet: it is
// remembered, so that a bet that comes after it is refused.
//
// A closed wallet takes no new business. What was begun before is ended all the same: a round is won or rolled back, a hold
// captured, released or expired (a wallet is closed without one, so nothing is left of it). Facts always post: what the PSP
// tells of payments is booked, too. What that leaves is taken away, or given, by an adjustment.
//
// W1: a hold's Captured and Released are not below zero and together not above Amount; what is left of all open holds of a
// customer in a currency, with what their payouts have set aside, is the balance of their customer_hold account. W2: a round's net is what its debits took less
// what its credits gave.
package wallets
