package evidence

import (
	"fmt"
	"time"

	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics/chargebacks"
)

// The window of Visa's Compelling Evidence 3.0: how long before the dispute earlier payments must lie.
const (
	priorOldest  = 365 * 24 * time.Hour
	priorNewest  = 120 * 24 * time.Hour
	priorNeeded  = 2
	priorShown   = 20
	disputedCode = "10.4" // the one that it is for
)

// PriorPayments are earlier payments of the same customer with the same card that nobody disputed.
type PriorPayments struct {
	From     time.Time      `json:"from"` // the window that was looked at
	To       time.Time      `json:"to"`
	Payments []PriorPayment `json:"payments"`
	// CompellingEvidence says how far they go towards Visa's Compelling Evidence 3.0.
	CompellingEvidence Compelling `json:"compelling_evidence"`
}

// PriorPayment is one of them.
type PriorPayment struct {
	ID               string    `json:"id"`
	CreatedAt        time.Time `json:"created_at"`
	Captured         int64     `json:"captured"`
	Refunded         int64     `json:"refunded,omitempty"`
	Currency         string    `json:"currency"`
	PSP              string    `json:"psp,omitempty"`
	PSPReference     string    `json:"psp_reference,omitempty"`
	NetworkReference string    `json:"network_reference,omitempty"`
	Description      string    `json:"description,omitempty"`
}

// Compelling is how far earlier payments go.
type Compelling struct {
	Applies bool `json:"applies"` // the dispute's reason is one that it is for
	Enough  bool `json:"enough"`  // there are as many earlier payments as it takes
	// Matches are what is the same in the disputed payment and all of them: yes, or unknown where weir does not keep it.
	Matches map[string]string `json:"matches"`
	Says    string            `json:"says"` // for people
}

// prior judges earlier payments. weir knows customer and card to be the same, and nothing of IP addresses and devices, of which
// one must match: it never says that the evidence is complete.
func prior(reason string, from, to time.Time, found []*view.Intent) *PriorPayments {
	p := &PriorPayments{From: from, To: to, Payments: []PriorPayment{}, CompellingEvidence: Compelling{
		Applies: reason == disputedCode, Enough: len(found) >= priorNeeded,
		Matches: map[string]string{"card": "yes", "customer_account": "yes", "ip_address": "unknown", "device": "unknown", "shipping_address": "unknown"},
	}}
	for _, one := range found {
		p.Payments = append(p.Payments, PriorPayment{
			ID: one.ID, CreatedAt: one.CreatedAt, Captured: one.Captured, Refunded: one.Refunded, Currency: one.Currency, PSP: one.PSP,
			PSPReference: one.PSPReference, NetworkReference: one.NetworkReference, Description: one.Description,
		})
	}
	c := &p.CompellingEvidence
	if len(found) == 0 {
		c.Matches = nil
	}
	meaning, _ := chargebacks.Lookup(reason)
	switch {
	case !c.Applies:
		c.Says = fmt.Sprintf("Compelling Evidence 3.0 is for Visa's %s; this dispute is %q (%s).", disputedCode, reason, meaning.Category)
	case !c.Enough:
		c.Says = fmt.Sprintf("It takes %d earlier payments that nobody disputed, 120 to 365 days before the dispute; weir knows of %d.", priorNeeded, len(found))
	default:
		c.Says = "There are enough earlier payments, and the customer's account matches. The IP address or the device must match, too, " +
			"in the disputed payment and two of these: weir does not keep them, take them from your own logs."
	}
	return p
}
