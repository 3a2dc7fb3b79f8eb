package lifecycle

import (
	"slices"

	"github.com/weirhq/weir/topics"
)

// Reference is what a PSP calls a payment or one of its operations.
type Reference struct{ PSP, Reference string }

// Named is the reference by which an event names a payment, as it was before the event; the zero Reference where it names
// none that is new. It is learnt where Knows says so after the event: a case repeats what a report said, true or not.
func (p *Payment) Named(e *topics.PaymentEvent) Reference {
	if p == nil || e.PSP == nil || e.PSP.PSPReference == "" {
		return Reference{}
	}
	r := Reference{p.PSP, e.PSP.PSPReference}
	if op := p.find(e.RequestID); op != nil && op.PSP != "" {
		r.PSP = op.PSP
	}
	if p.Knows(r) {
		return Reference{}
	}
	return r
}

// refer keeps the references and the authentication of the authorisation.
func (p *Payment) refer(said *topics.PSPData) {
	if said == nil {
		return
	}
	if said.PSPReference != "" {
		p.PSPReference = said.PSPReference
	}
	if said.NetworkReference != "" {
		p.NetworkReference = said.NetworkReference
	}
	if said.Authentication != nil {
		p.Authentication = said.Authentication
	}
}

// Knows tells whether a PSP calls the payment so.
func (p *Payment) Knows(r Reference) bool {
	if r.Reference == "" {
		return false
	}
	if p.PSP == r.PSP && (p.PSPReference == r.Reference || slices.Contains(p.Method.References, r.Reference)) {
		return true
	}
	for i := range p.Operations {
		op := &p.Operations[i]
		psp := op.PSP
		if psp == "" {
			psp = p.PSP
		}
		if psp == r.PSP && op.Reference == r.Reference {
			return true
		}
	}
	return false
}
