package topics

// Stage is the point at which rules look at what happens to a customer's money.
type Stage string

const (
	StageBeforeAuthorization Stage = "before_authorization" // a create or authorize command, before the PSP is asked
	StageAfterAuthorization  Stage = "after_authorization"  // what the issuer answered, before anything is captured
	StageRefund              Stage = "refund"               // a refund command
	StageWallet              Stage = "wallet"               // a wallet command that gives, takes or sets aside
	StageEvent               Stage = "event"                // a customer event
	StagePayout              Stage = "payout"               // reserved: there are no payouts yet
)
