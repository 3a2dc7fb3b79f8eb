// Package evidence puts together what weir knows that helps against a dispute: the packet, as JSON and as a page to print.
//
//	packet.go  what a packet holds
//	build.go   facts to a packet: pure
//	prior.go   earlier payments, and how far they go towards Visa's Compelling Evidence 3.0
//	read.go    where the facts come from
//	html.go    the page
//
// A packet names what it lacks: a part that cannot be read, or that weir does not keep, is never left out silently. It shows
// nothing of a card but what receipts show, and no personal data that weir keeps apart from payments.
package evidence

import (
	"time"

	"github.com/weirhq/weir/topics"
)

// Packet is what is known that helps against one dispute. Amounts are minor units.
type Packet struct {
	Version int       `json:"version"` // of this form: 1
	MadeAt  time.Time `json:"made_at"`
	Dispute Dispute   `json:"dispute"`
	// Helps are the kinds of evidence that help against its reason, what weighs most first.
	Helps          []Kind                  `json:"helps"`
	Payment        *Payment                `json:"payment,omitempty"`
	Authentication *Authentication         `json:"authentication,omitempty"`
	Origin         *Origin                 `json:"origin,omitempty"` // of the order
	Decisions      []Decision              `json:"decisions,omitempty"`
	Refunds        []Refund                `json:"refunds,omitempty"`
	PriorPayments  *PriorPayments          `json:"prior_payments,omitempty"`
	Events         []Event                 `json:"events,omitempty"`
	Entries        []Entry                 `json:"ledger_entries,omitempty"`
	Submitted      *topics.DisputeEvidence `json:"submitted,omitempty"` // that was sent last
	Missing        []Missing               `json:"missing,omitempty"`
}

// Dispute is what the packet is about.
type Dispute struct {
	ID           string     `json:"id"`
	PSP          string     `json:"psp"`
	PSPReference string     `json:"psp_reference"`
	Status       string     `json:"status"`
	Stage        string     `json:"stage,omitempty"`
	Amount       int64      `json:"amount"` // 0: not known
	Currency     string     `json:"currency,omitempty"`
	ReasonCode   string     `json:"reason_code,omitempty"`
	Category     string     `json:"category,omitempty"`
	Meaning      string     `json:"meaning,omitempty"` // of the code
	OpenedAt     time.Time  `json:"opened_at"`
	EvidenceDue  *time.Time `json:"evidence_due,omitempty"`
}

// Kind is a kind of evidence.
type Kind struct {
	Kind string `json:"kind"`
	What string `json:"what"`
	// Where it is: here (in the packet), missing (weir has none, see Missing) or yours (weir never does).
	Where Where `json:"where"`
}

// Where a kind of evidence is.
type Where string

const (
	Here  Where = "here"
	Lacks Where = "missing"
	Yours Where = "yours"
)

// Missing is a part that the packet lacks, and why.
type Missing struct {
	Part string `json:"part"`
	Why  string `json:"why"`
}

// Payment is what is disputed.
type Payment struct {
	ID                string    `json:"id"`
	CustomerID        string    `json:"customer_id"`
	CreatedAt         time.Time `json:"created_at"`
	Status            string    `json:"status"`
	Amount            int64     `json:"amount"`
	Authorized        int64     `json:"authorized"`
	Captured          int64     `json:"captured"`
	Refunded          int64     `json:"refunded"`
	Currency          string    `json:"currency"`
	PSP               string    `json:"psp,omitempty"`
	PSPReference      string    `json:"psp_reference,omitempty"`
	NetworkReference  string    `json:"network_reference,omitempty"`
	MerchantReference string    `json:"merchant_reference,omitempty"`
	Description       string    `json:"description,omitempty"`
	Card              *Card     `json:"card,omitempty"`
}

// Card is what may be shown of a card.
type Card struct {
	BIN     string `json:"bin,omitempty"`
	Last4   string `json:"last4,omitempty"`
	Scheme  string `json:"scheme,omitempty"`
	Type    string `json:"type,omitempty"`
	Country string `json:"country,omitempty"`
}

// Authentication is what 3-D Secure and the issuer's checks said.
type Authentication struct {
	ECI             string `json:"eci,omitempty"`
	CAVV            bool   `json:"cavv"` // there is one; the PSP has it
	DSTransactionID string `json:"ds_transaction_id,omitempty"`
	AVS             string `json:"avs,omitempty"`
	CVV             string `json:"cvv,omitempty"`
}

// Origin is what data files said of where the order came from.
type Origin struct {
	IPCountry     string `json:"ip_country,omitempty"`
	ASN           string `json:"asn,omitempty"` // network of the IP address
	Issuer        string `json:"issuer,omitempty"`
	IssuerCountry string `json:"issuer_country,omitempty"`
}

// Decision is what the rules said.
type Decision struct {
	At       time.Time         `json:"at"`
	Stage    string            `json:"stage"`
	Outcome  string            `json:"outcome"`
	Reasons  []string          `json:"reasons,omitempty"`
	Score    int64             `json:"score,omitempty"`
	RuleSet  string            `json:"rule_set,omitempty"`
	Rules    []Rule            `json:"rules,omitempty"`
	Features map[string]string `json:"features,omitempty"` // by name: what velocity counted
}

// Rule is what one rule said.
type Rule struct {
	Rule   string            `json:"rule"`
	Result string            `json:"result"`
	Read   map[string]string `json:"read,omitempty"`
}

// Refund is money that was given back, or is being.
type Refund struct {
	RequestID string `json:"request_id"`
	State     string `json:"state"`
	Amount    int64  `json:"amount"`
}

// Event is a line of the life of the payment and its disputes.
type Event struct {
	At     time.Time `json:"at"`
	ID     string    `json:"id"`
	Of     string    `json:"of"` // payment or dispute
	Type   string    `json:"type"`
	Status string    `json:"status,omitempty"`
	Amount int64     `json:"amount,omitempty"`
	Detail string    `json:"detail,omitempty"`
}

// Entry is a booking in the ledger.
type Entry struct {
	ID       string    `json:"id"`
	Template string    `json:"template"`
	BookedAt time.Time `json:"booked_at"`
	Postings []Posting `json:"postings"`
}

// Posting moves an amount on one account: positive is a debit, negative a credit.
type Posting struct {
	Account  string `json:"account"`
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}
