package sandbox

import (
	"slices"
	"time"
)

// payment is one authorization and all that followed, or one payout. A stored payment is never changed: an operation works on a clone,
// which is journalled first and then takes the old one's place.
type payment struct {
	ID         string  `json:"id"`
	Reference  string  `json:"ref"`
	Account    string  `json:"acc,omitempty"`
	Currency   string  `json:"cur"`
	Token      string  `json:"tok"`
	Method     *Method `json:"m,omitempty"` // nil: a card, whose token is Token
	ReturnURL  string  `json:"url,omitempty"`
	Descriptor string  `json:"dsc,omitempty"` // on the card's statement
	Network    string  `json:"net,omitempty"`
	Capture    bool    `json:"cap,omitempty"` // asked for in the authorization
	Over       int64   `json:"ov,omitempty"`  // how much more than is authorized may be captured
	InShop     bool    `json:"is,omitempty"`  // a challenge is passed in the shop's own page
	Authorized int64   `json:"a,omitempty"`
	Captured   int64   `json:"c,omitempty"`
	Refunded   int64   `json:"r,omitempty"` // settled and pending
	Voided     bool    `json:"v,omitempty"`
	PaidOut    int64   `json:"p,omitempty"` // by a payout: settled and pending
	Disputed   int64   `json:"q,omitempty"` // withdrawn by disputes, and not reinstated

	Kept string `json:"kpt,omitempty"` // the token of the card that it keeps

	Operations []operation `json:"ops"` // the first one is the authorization or the payout
}

// operation is one request that was performed.
type operation struct {
	Key         string `json:"k"` // the caller's, and where that was forgotten, how often
	Fingerprint string `json:"f"`
	Kind        Kind   `json:"o"`
	Status      Status `json:"s"` // now
	Answered    Status `json:"w"` // when it was first answered; a repeat is answered the same
	Amount      int64  `json:"a,omitempty"`
	ByHand      bool   `json:"m,omitempty"` // the key is its id, no caller's
	// Captured, Fee and Decline belong to Status; an answer of another status leaves them out.
	Captured  bool            `json:"c,omitempty"`
	Fee       int64           `json:"e,omitempty"`
	Decline   string          `json:"d,omitempty"`
	Hard      bool            `json:"h,omitempty"`
	Auth      *Authentication `json:"3,omitempty"`
	Dispute   *disputeOf      `json:"q,omitempty"` // never changed
	Detail    string          `json:"x,omitempty"`
	CreatedAt time.Time       `json:"t"`

	// BookedAt is when it was approved, where that was later than CreatedAt; ReversedAt when it was undone after that.
	BookedAt   time.Time `json:"b,omitzero"`
	ReversedAt time.Time `json:"z,omitzero"`

	// Of a payment that no card pays: how many steps it has gone, what came in all, and its confirmations.
	Step     int   `json:"sp,omitempty"`
	Received int64 `json:"rc,omitempty"`
	Have     int   `json:"hv,omitempty"`

	SettlesTo Status    `json:"st,omitempty"`
	SettlesAt time.Time `json:"sa,omitzero"`
	Events    []event   `json:"ev,omitempty"`
}

// event is a webhook of an operation, with all that its body needs beyond the operation.
type event struct {
	ID        string    `json:"i"`
	Type      string    `json:"t"`
	Status    Status    `json:"s"`
	Amount    int64     `json:"a"`
	Reference string    `json:"r,omitempty"` // instead of the payment's
	Due       time.Time `json:"d"`
	Left      int       `json:"l"`           // deliveries still owed
	Have      int       `json:"h,omitempty"` // confirmations, of crypto that is pending
	Forged    bool      `json:"g,omitempty"`
	Ordered   bool      `json:"o,omitempty"` // waits for those of the payment that were due before
	Tries     int       `json:"n,omitempty"`
}

func (p *payment) clone() *payment {
	c := *p
	c.Operations = slices.Clone(p.Operations)
	for i := range c.Operations {
		c.Operations[i].Events = slices.Clone(c.Operations[i].Events)
	}
	return &c
}

// operation finds an operation by its key; nil where there is none.
func (p *payment) operation(key string) *operation {
	for i := range p.Operations {
		if p.Operations[i].Key == key {
			return &p.Operations[i]
		}
	}
	return nil
}

// waits tells whether an ordered event has another one before it.
func (p *payment) waits(e *event) bool {
	return e.Ordered && slices.ContainsFunc(p.Operations, func(op operation) bool {
		return slices.ContainsFunc(op.Events, func(other event) bool { return other.Ordered && other.Left > 0 && other.Due.Before(e.Due) })
	})
}

// settled says that nothing is owed any more, so that the payment may be forgotten.
func (p *payment) settled() bool {
	for i := range p.Operations {
		op := &p.Operations[i]
		if op.SettlesTo != "" || slices.ContainsFunc(op.Events, func(e event) bool { return e.Left > 0 }) {
			return false
		}
	}
	return true
}

// show renders an operation with the given status: the present one, that of the first answer, or that of an event.
func (p *payment) show(op *operation, status Status, baseURL string) Operation {
	shown := Operation{
		RequestID: op.requestID(), Operation: op.Kind, Status: status, Authorization: p.ID, MerchantAccount: p.Account,
		MerchantReference: p.Reference, Amount: op.Amount, Currency: p.Currency, NetworkReference: p.Network,
		CreatedAt: op.CreatedAt,
	}
	if op.ByHand {
		shown.RequestID, shown.ID = "", op.requestID()
	}
	if d := op.Dispute; d != nil {
		shown.Dispute = &DisputeData{ID: d.ID, ReasonCode: d.Reason, Amount: d.Amount, EvidenceDue: d.Due}
	}
	switch status {
	case Approved:
		shown.Captured, shown.Fee, shown.Authentication = op.Captured, op.Fee, op.Auth
		if op.Kind == Authorize || op.Kind == Confirm {
			shown.StoredCredential = p.Kept
		}
		if p.Over > 0 && (op.Kind == Authorize || op.Kind == Confirm) {
			shown.Capturable = op.Amount + p.Over
		}
	case Failed, Reversed:
		shown.Detail = op.Detail
	case Declined:
		shown.DeclineCode, shown.HardDecline = op.Decline, op.Hard
	case RequiresAction:
		if shown.Action = p.action(op, baseURL); shown.Action.Type == "qr_code" && p.Method.Type == "qr" {
			shown.Authorization = deriveID("code_", op.Key) // what pays it has an id of its own: more than one may
		}
	case Pending:
		if p.Method != nil && p.Method.Type == "crypto" && op.Kind == Authorize {
			shown.Confirmations = &Confirmations{Seen: op.Amount, Have: op.Have, Need: confirmationsNeeded}
		}
	}
	if p.Method != nil && op.Kind == Authorize && (status == Approved || status == Reversed) {
		shown.Amount = op.Received
	}
	return shown
}

// view is the whole payment as a GET shows it.
func (p *payment) view(baseURL string) Payment {
	v := Payment{
		Authorization: p.ID, MerchantReference: p.Reference, Descriptor: p.Descriptor, Currency: p.Currency,
		Authorized: p.Authorized, Captured: p.Captured, Refunded: p.Refunded,
		PaidOut: p.PaidOut, Disputed: p.Disputed,
	}
	for i := range p.Operations {
		if op := &p.Operations[i]; op.told() {
			v.Operations = append(v.Operations, p.show(op, op.Status, baseURL))
		}
	}
	return v
}
