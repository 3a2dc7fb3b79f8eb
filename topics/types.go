package topics

// The ce_type of records outside the inbox (those of the inbox stand in inbox.go, that of raw webhooks in webhook.go).
const (
	TypePaymentEvent  = "weir.payment.event.v1"     // value: PaymentEvent, whose Type says what happened
	TypeLedgerEntry   = "weir.ledger.entry.v1"      // value: LedgerEntry
	TypeDecision      = "weir.risk.decision.v1"     // value: Decision
	TypePSPRequest    = "weir.psp.request.v1"       // value: PSPRequest
	TypeReviewRequest = "weir.review.request.v1"    // value: ReviewRequest
	TypeWalletCommand = "weir.wallet.command.v1"    // value: WalletCommand
	TypeWalletEvent   = "weir.wallet.event.v1"      // value: WalletEvent
	TypePayoutCommand = "weir.payout.command.v1"    // value: PayoutCommand
	TypePayoutEvent   = "weir.payout.event.v1"      // value: PayoutEvent
	TypeLinkCommand   = "weir.link.command.v1"      // value: LinkCommand
	TypeLinkEvent     = "weir.link.event.v1"        // value: LinkEvent
	TypeCustomerEvent = "weir.customer.event.v1"    // value: CustomerEvent
	TypePeriodClosed  = "weir.period.closed.v1"     // value: PeriodClosed
	TypeLedgerBalance = "weir.ledger.balance.v1"    // value: LedgerBalance
	TypeCheckpoint    = "weir.ledger.checkpoint.v1" // value: a signed note (ledger/chain)
	TypePosition      = "weir.position.v1"          // value: the runtime's own
)
