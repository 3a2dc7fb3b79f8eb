package topics

// RefusalCode says why a command was refused or a fact moved nothing. A refusal is a value, not an error.
// Where several apply, the one that stands first in this list is given. A repeat of a command, with the same id and asking
// for the same, yields no second event at all.
type RefusalCode string

const (
	RefusedDuplicateCommand   RefusalCode = "duplicate_command"   // the command_id was used for another command, which stands
	RefusedInvalid            RefusalCode = "invalid"             // a field is missing or malformed; detail names it
	RefusedCardNumber         RefusalCode = "card_number"         // a raw card number stood in a field
	RefusedTooOld             RefusalCode = "too_old"             // issued before the deduplication horizon
	RefusedUnknownPayment     RefusalCode = "unknown_payment"     // the customer has no such payment; dead letter: a webhook whose payment did not become known in time
	RefusedUnknownPayout      RefusalCode = "unknown_payout"      // the customer has no such payout
	RefusedUnknownDispute     RefusalCode = "unknown_dispute"     // the customer has no such dispute
	RefusedUnknownLink        RefusalCode = "unknown_link"        // the customer has no such payment link
	RefusedUnknownAccount     RefusalCode = "unknown_account"     // the customer has no wallet, or no such hold
	RefusedAccountClosed      RefusalCode = "account_closed"      // the wallet was closed, and the command neither ends nor corrects what was before
	RefusedUnknownMandate     RefusalCode = "unknown_mandate"     // the customer has no such mandate
	RefusedCustomerMismatch   RefusalCode = "customer_mismatch"   // the payment is another customer's
	RefusedVersionConflict    RefusalCode = "version_conflict"    // the customer's record has another version than the command expects
	RefusedRegionMismatch     RefusalCode = "region_mismatch"     // the payment or payout is of another region than the command names
	RefusedCurrencyMismatch   RefusalCode = "currency_mismatch"   // the payment, wallet, hold or round is in another currency; a payout from a wallet that has none of it
	RefusedMethodUnsupported  RefusalCode = "method_unsupported"  // the payment's method cannot do it: capture, void or confirm what no card pays
	RefusedFinished           RefusalCode = "finished"            // the payment, payout, hold or round is in a final state
	RefusedWrongState         RefusalCode = "wrong_state"         // the transition table has no such step from here; a wallet to be closed holds or owes money
	RefusedInProgress         RefusalCode = "in_progress"         // a request of the same kind is open
	RefusedUnderReview        RefusalCode = "under_review"        // a capture before the review of the authorisation has let it pass
	RefusedExceedsAuthorized  RefusalCode = "exceeds_authorized"  // a capture above what is authorised, or above what is left of a hold
	RefusedExceedsCaptured    RefusalCode = "exceeds_captured"    // a refund above what was captured and not refunded; case: a dispute took more
	RefusedDisputed           RefusalCode = "disputed"            // a refund of money that is in dispute, or was taken by one; an increment of a payment in dispute
	RefusedByDashboardOnly    RefusalCode = "by_dashboard_only"   // the PSP is told nothing of disputes by weir: use its dashboard, what it reports counts
	RefusedMandateNotActive   RefusalCode = "mandate_not_active"  // the mandate is pending, or was revoked, expired or failed
	RefusedExceedsMandate     RefusalCode = "exceeds_mandate"     // above what the customer agreed to for one payment by the mandate
	RefusedInsufficientFunds  RefusalCode = "insufficient_funds"  // the wallet does not hold what the command takes from it
	RefusedLimitExceeded      RefusalCode = "limit_exceeded"      // the customer would have too much (MaxBalance), or the hold or round has too many movements
	RefusedClosedLoop         RefusalCode = "closed_loop"         // a payout that must go back to a deposit's source first, or may not go where it should; the event says what is possible
	RefusedSessionLimit       RefusalCode = "session_limit"       // a stake after the playing time of a responsible-gaming limit
	RefusedLossLimit          RefusalCode = "loss_limit"          // a stake above a responsible-gaming limit of loss
	RefusedBlocked            RefusalCode = "blocked"             // by a risk rule: a refund or a wallet command
	RefusedReviewRequired     RefusalCode = "review_required"     // a risk rule wants a second person to approve a refund or a wallet command; a payout is approved by the one who asked for it, or nobody is named who did
	RefusedAmountMismatch     RefusalCode = "amount_mismatch"     // case: a PSP's amount or currency differs from ours
	RefusedUnmatchedReport    RefusalCode = "unmatched_report"    // case: a PSP's fact that fits nothing we asked
	RefusedLateCapture        RefusalCode = "late_capture"        // case: booked although voided, expired, declined or not let pass by a review
	RefusedDisputedRefund     RefusalCode = "disputed_refund"     // case: what was refunded, or is being, is disputed, too
	RefusedLatePayout         RefusalCode = "late_payout"         // case: the PSP paid what had been given back to the customer
	RefusedLinkOverpaid       RefusalCode = "link_overpaid"       // case: more payments by a payment link than it allows have taken money, or may
	RefusedNotReleased        RefusalCode = "not_released"        // case: the PSP did not void what a review refused, or what nobody waits for any more; void it again, or at the PSP
	RefusedNotCaptured        RefusalCode = "not_captured"        // case: an automatic capture provably was not performed, however often it was asked for; capture or void it
	RefusedPaymentReturned    RefusalCode = "payment_returned"    // case: what had come by another method than a card went back: a bank returned it, or a chain dropped it
	RefusedDuplicateOperation RefusalCode = "duplicate_operation" // case: the PSP reports a second, different success
	RefusedOutcomeUnknown     RefusalCode = "outcome_unknown"     // case: still unknown after many polls
	RefusedUnknownEvent       RefusalCode = "unknown_event"       // dead letter: a webhook of a kind that nobody here knows; nothing is amiss
	RefusedUndecodable        RefusalCode = "undecodable"         // dead letter: the bytes are not such a record
	RefusedPoison             RefusalCode = "poison"              // dead letter: the database or our own code failed on it
)
