package disputes

import (
	"fmt"
	"time"

	"github.com/weirhq/weir/topics"
)

// command decides on a command. The order of the checks is the precedence of refusals (doc.go).
func (d *decision) command(c *topics.DisputeCommand) {
	if refusal := d.check(c); refusal != nil {
		d.refuse(refusal.Code, refusal.Detail)
		return
	}
	if !d.find(FromCommand, string(c.Type), "") {
		code, status := topics.RefusedWrongState, d.p.Status()
		if Final(status) {
			code = topics.RefusedFinished
		}
		d.refuse(code, fmt.Sprintf("the dispute is %s, from which %s is not a step", status, c.Type))
		return
	}
	if c.Type == topics.DisputeAccept && d.p.Stage == topics.StageInquiry {
		d.refuse(topics.RefusedWrongState, "an inquiry takes no money that could be given up: answer it with evidence, or refund the payment")
		return
	}
	if d.step.Refuse != "" {
		d.refuse(d.step.Refuse, fmt.Sprintf("the dispute is %s: the PSP was asked, and its answer decides first", d.p.Status()))
		return
	}
	if !d.limits.answers(d.p.PSP) {
		d.refuse(topics.RefusedByDashboardOnly, fmt.Sprintf("%s takes no answers to disputes from weir: answer in its dashboard, and what it reports counts", d.p.PSP))
		return
	}
	if d.p.Requests >= d.limits.Operations {
		d.refuse(topics.RefusedLimitExceeded, fmt.Sprintf("%d requests were made of the dispute; answer in the PSP's dashboard", d.p.Requests))
		return
	}
	d.step.do(d)
}

// check is what stands before the transition table in the precedence.
func (d *decision) check(c *topics.DisputeCommand) *topics.Refusal {
	if refusal := d.in.Command.Refusal; refusal != nil {
		return refusal // what is left of the command is not what was asked
	}
	if c.CustomerID == "" {
		return &topics.Refusal{Code: topics.RefusedInvalid, Detail: "customer_id: is missing"}
	}
	if topics.IssuedAhead(c.IssuedAt, d.now) {
		return &topics.Refusal{Code: topics.RefusedInvalid, Detail: fmt.Sprintf("issued_at: %s lies in the future", c.IssuedAt.UTC().Format(time.RFC3339))}
	}
	if !c.IssuedAt.IsZero() && c.IssuedAt.Before(d.now.Add(-d.limits.Horizon)) {
		return &topics.Refusal{Code: topics.RefusedTooOld, Detail: fmt.Sprintf("issued at %s, more than %s ago", c.IssuedAt.UTC().Format(time.RFC3339), d.limits.Horizon)}
	}
	switch {
	case d.p == nil:
		return &topics.Refusal{Code: topics.RefusedUnknownDispute, Detail: fmt.Sprintf("the customer has no dispute %s", c.DisputeID)}
	case c.Tenant != d.p.Tenant || c.CustomerID != d.p.Customer:
		return &topics.Refusal{Code: topics.RefusedCustomerMismatch, Detail: "the dispute belongs to another customer than the command names"}
	case c.Region != d.p.Region && (d.p.Region != "" || c.Region != d.limits.Region):
		return &topics.Refusal{Code: topics.RefusedRegionMismatch, Detail: fmt.Sprintf("region: the dispute is of region %q; name that", d.p.Region)}
	}
	return nil
}

// refuse refuses the command.
func (d *decision) refuse(code topics.RefusalCode, detail string) {
	c := &d.in.Command.Command
	e := topics.DisputeEvent{Type: topics.DisputeCommandRefused, Refusal: code, Detail: detail}
	// Whoever was refused may not learn of another customer's dispute: the event tells what the command said.
	if d.p == nil || code == topics.RefusedCustomerMismatch {
		d.p = nil
		e.Tenant, e.Region, e.CustomerID, e.DisputeID = c.Tenant, c.Region, c.CustomerID, c.DisputeID
	}
	d.emit(e)
}

func (d *decision) submit() {
	d.emit(topics.DisputeEvent{
		Type: topics.DisputeEvidenceRequested, Evidence: d.in.Command.Command.Evidence, Request: d.asked(), Detail: d.in.Command.Command.Reason,
	})
}

func (d *decision) accept() {
	d.emit(topics.DisputeEvent{Type: topics.DisputeAcceptanceRequested, Request: d.asked(), Detail: d.in.Command.Command.Reason})
}

func (d *decision) asked() *topics.DisputeAsked {
	return &topics.DisputeAsked{PSP: d.p.PSP, NotAfter: d.now.Add(d.limits.FollowWithin)}
}
