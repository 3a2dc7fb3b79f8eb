package topics

import "time"

// TypeAssessedAuthorization is a kind of record of payments.inbox.v1.
const TypeAssessedAuthorization = "weir.authorization.assessed.v1" // value: AssessedAuthorization

// ReviewRequest is the value of risk.reviews.v1: it asks risk what its rules of stage after_authorization say of an
// authorisation, before anything of it is captured. A payment has at most one.
type ReviewRequest struct {
	PaymentID string `json:"payment_id"`
	// Command is what the payment keeps of the create command. Context is not among it: no event holds it.
	Command       Command       `json:"command"`
	Authorization Authorization `json:"authorization"`
	Before        ReviewBasis   `json:"before"`
}

// ReviewBasis is what the decision before the authorisation was made on, beside its command.
type ReviewBasis struct {
	Enrichment *Enrichment `json:"enrichment,omitempty"`
	Features   FeatureSet  `json:"features,omitempty"`
}

// Authorization is what the issuer and the PSP said of an authorisation, in the payment's currency.
type Authorization struct {
	PSP    string `json:"psp"`
	Amount int64  `json:"amount"` // authorised, in minor units
	// Authentication is nil where the PSP said nothing of the cardholder, the address and the card's code.
	Authentication *AuthData `json:"authentication,omitempty"`
}

// AssessedAuthorization is a review request with the decision that was made on it.
type AssessedAuthorization struct {
	Review   ReviewRequest `json:"review"`
	Decision Decision      `json:"decision"`
	// AssessedAt is the time of the request's record, which was now to the rules. With it the decision can be recomputed.
	AssessedAt time.Time `json:"assessed_at,omitzero"`
}
