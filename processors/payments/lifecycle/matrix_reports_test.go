package lifecycle_test

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/weirhq/weir/internal/reference/matrixtest"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// said is one column of the reports: what the PSP says.
type said struct {
	column      string
	outcome     topics.PSPOutcome
	only        topics.PSPOperation // "": of each operation
	change      func(*topics.PSPReport)
	early, late bool // while the request may be on its way, and when it can no longer be
	captured    bool
}

var sayings = []said{
	{column: "approved", outcome: topics.PSPApproved},
	{column: "approved and captured", outcome: topics.PSPApproved, only: topics.OperationAuthorize, captured: true},
	{column: "approved, another amount", outcome: topics.PSPApproved, change: func(r *topics.PSPReport) { r.Amount++ }},
	{column: "approved again, another reference", outcome: topics.PSPApproved, change: func(r *topics.PSPReport) { r.PSPReference = "another" }},
	{column: "approved in part", outcome: topics.PSPApproved},
	{column: "challenge", outcome: topics.PSPRequiresAction, only: topics.OperationAuthorize},
	{column: "pending", outcome: topics.PSPPending},
	{column: "unknown", outcome: topics.PSPUnknown},
	{column: "declined", outcome: topics.PSPDeclined},
	{column: "declined, hard", outcome: topics.PSPDeclined, only: topics.OperationAuthorize, change: func(r *topics.PSPReport) { r.HardDecline = true }},
	{column: "failed", outcome: topics.PSPFailed},
	{column: "failed, not sent", outcome: topics.PSPFailed, only: topics.OperationAuthorize, change: func(r *topics.PSPReport) {
		r.Source, r.DeclineCode = topics.SourceResponse, topics.DeclineNotSent
	}},
	{column: "not found, too early", outcome: topics.PSPNotFound, early: true},
	{column: "not found", outcome: topics.PSPNotFound, late: true},
	{column: "reversed", outcome: topics.PSPReversed, only: topics.OperationRefund},
}

// reports are all that the PSP may say of an operation.
func (x *explorer) reports(s state, op *lifecycle.Operation) (all []stimulus) {
	kind, source, psp := op.Kind, lifecycle.FromReport, s.p.PSP
	if kind == topics.OperationConfirm {
		kind = topics.OperationAuthorize
	}
	table := map[topics.PSPOperation]string{
		topics.OperationAuthorize: "Reports of the authorisation", topics.OperationCapture: "Reports of a capture",
		topics.OperationIncrement: "Reports of an increment", topics.OperationVoid: "Reports of a void", topics.OperationRefund: "Reports of a refund",
	}[kind]
	if op.PSP != "" {
		psp, source = op.PSP, lifecycle.FromStray
		table += map[bool]string{true: " of an attempt that was given up", false: " that releases an attempt"}[kind == topics.OperationAuthorize]
		if s.p.Recurring != nil && kind == topics.OperationAuthorize {
			table += ", of a payment by a mandate"
		}
	}
	if op.Unapplied { // nobody asked for it, and no report names it
		return nil
	}
	other := !s.p.Method.Card() && kind == topics.OperationAuthorize && op.PSP == ""
	if other {
		table += of(s.p.Method.Type)
	}
	for _, say := range sayings {
		again := say.column == "approved again, another reference"
		if say.column == "approved in part" && (!other || s.p.Method.Type != topics.MethodCrypto) {
			continue
		}
		if say.only != "" && say.only != kind && !(other && say.outcome == topics.PSPReversed) || again && op.State != lifecycle.OperationSucceeded {
			continue
		}
		r := &topics.PSPReport{
			Source: topics.SourcePoll, PSP: psp, Tenant: "acme", PaymentID: s.p.ID.String(), RequestID: op.Request.String(), Operation: op.Kind,
			Outcome: say.outcome, Amount: cmp.Or(op.Total, op.Amount), Currency: "EUR", PSPReference: "ref " + op.Request.String(), Captured: say.captured,
		}
		now := s.now
		on := lifecycle.Trigger{Source: source, What: string(kind), Outcome: say.outcome}
		if final := op.NotAfter.Add(x.limits.Grace); say.late && now.Before(final) {
			now = final
		} else if say.early && !now.Before(final) {
			continue
		}
		if say.late { // it proves that nothing was performed
			on.Outcome = topics.PSPFailed
		}
		if say.captured && op.State == lifecycle.OperationSucceeded && op.PSP == "" { // it tells of the capture
			on = lifecycle.Trigger{Source: lifecycle.FromPSP, What: string(topics.OperationCapture), Outcome: say.outcome}
		}
		if other {
			adapt(s.p, op, say, r, &on)
		}
		if kind == topics.OperationAuthorize { // and its confirmation are one
			r.PSPReference = fmt.Sprintf("at %s, %d", psp, ordinal(s.p, op))
		}
		if say.change != nil {
			say.change(r)
		}
		all = append(all, stimulus{
			place: matrixtest.Place{Table: table, Operation: op.State.String(), Status: string(s.p.Status()), Column: say.column}, now: now,
			on: on, in: lifecycle.Input{Report: r},
			ignored: ignoredAs(op.State, say),
		})
	}
	return all
}

// adapt makes of a column what it is of a payment that no card pays: an approval of some, of more, or of another payment.
func adapt(p *lifecycle.Payment, op *lifecycle.Operation, say said, r *topics.PSPReport, on *lifecycle.Trigger) {
	crypto, paid := p.Method.Type == topics.MethodCrypto, op.State == lifecycle.OperationSucceeded
	switch {
	case say.column == "approved in part":
		if r.Amount = 40; p.Method.Received < 40 {
			on.Outcome = "approved in part"
		}
	case crypto && !paid && say.outcome == topics.PSPApproved && applicable(p)+r.Amount-p.Method.Received < op.Amount:
		on.Outcome = "approved in part"
	case paid && (say.column == "approved again, another reference" || crypto && say.column == "approved, another amount"):
		on.Outcome = "approved again"
	case say.outcome == topics.PSPReversed && p.Method.Received > 0:
		r.Amount = p.Method.Received
	}
}

// applicable is what came and is not being refunded.
func applicable(p *lifecycle.Payment) (minor int64) {
	for _, receipt := range p.Operations {
		returning := slices.ContainsFunc(p.Operations, func(op lifecycle.Operation) bool {
			return op.Kind == topics.OperationRefund && op.Of == receipt.Request && (op.State.Open() || op.State == lifecycle.OperationSucceeded)
		})
		if receipt.Unapplied && receipt.Captured && !returning {
			minor += receipt.Amount
		}
	}
	return minor
}

// of is the method in the name of a table, "" of cards.
func of(method string) string {
	if method == "" {
		return ""
	}
	return ", of a payment by " + method
}

// ignoredAs is what a report that yields nothing is: one that proves nothing yet, a repeat of what is known, or one that comes
// after what is known better.
func ignoredAs(state lifecycle.OperationState, say said) string {
	same := map[topics.PSPOutcome][]lifecycle.OperationState{
		topics.PSPApproved:       {lifecycle.OperationSucceeded},
		topics.PSPPending:        {lifecycle.OperationPending},
		topics.PSPRequiresAction: {lifecycle.OperationAction},
		topics.PSPUnknown:        {lifecycle.OperationUnknown},
		topics.PSPDeclined:       {lifecycle.OperationFailed},
		topics.PSPFailed:         {lifecycle.OperationFailed},
		topics.PSPNotFound:       {lifecycle.OperationFailed},
		topics.PSPReversed:       {lifecycle.OperationReversed},
	}
	for _, s := range same[say.outcome] {
		if s == state {
			return "duplicate"
		}
	}
	if say.early && state.Open() {
		return "early"
	}
	return "late"
}

// ordinal is which attempt at the authorisation an operation belongs to.
func ordinal(p *lifecycle.Payment, of *lifecycle.Operation) (n int) {
	for i := range p.Operations {
		op := &p.Operations[i]
		if op.Kind == topics.OperationAuthorize {
			n++
		}
		if op.Request == of.Request {
			break
		}
	}
	return n
}

// unnamed is a report of a PSP that was asked twice, by a reference that is not known.
func (x *explorer) unnamed(s state, say topics.PSPOutcome) stimulus {
	u := x.unasked(s, topics.OperationAuthorize, "another", string(say))
	u.in.Report.Outcome = say
	u.place.Table = "Reports of a PSP that was asked twice, of neither attempt"
	u.on = lifecycle.Trigger{Source: lifecycle.FromUnclear, What: "report"}
	return u
}

// askedTwice says that the payment's PSP was asked for more than one attempt.
func askedTwice(p *lifecycle.Payment) bool {
	n := 0
	for i := range p.Operations {
		if op := &p.Operations[i]; op.Kind == topics.OperationAuthorize && !op.Unapplied && (op.PSP == "" || op.PSP == p.PSP) {
			n++
		}
	}
	return n > 1
}

// unasked is a report of what nobody asked for.
func (x *explorer) unasked(s state, op topics.PSPOperation, reference, column string) stimulus {
	r := &topics.PSPReport{
		Source: topics.SourceWebhook, PSP: "sandbox", Tenant: "acme", Operation: op, Outcome: topics.PSPApproved, Amount: 7, Currency: "EUR", PSPReference: reference,
	}
	row := "(none)"
	if s.p != nil {
		row, r.PSP, r.PaymentID = string(s.p.Status()), s.p.PSP, s.p.ID.String()
	}
	if op == topics.OperationVoid {
		r.Amount = 0
	}
	return stimulus{
		place: matrixtest.Place{Table: "Reports of what nobody asked for", Status: row, Column: string(op) + " " + column}, now: s.now,
		on: lifecycle.Trigger{Source: lifecycle.FromPSP, What: string(op), Outcome: topics.PSPApproved}, in: lifecycle.Input{Report: r}, ignored: "ignored",
	}
}
