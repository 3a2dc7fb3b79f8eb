package lifecycle_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/internal/reference/matrixtest"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// explorer brings payments to every state that inputs can bring them to, within bounds, and keeps what Decide makes of each
// input in each. States that differ in nothing that Decide looks at, but for times and ids, are one.
type explorer struct {
	*testing.T
	limits   lifecycle.Limits
	matrix   matrixtest.Matrix // states and inputs of the document
	taken    map[taken]bool    // rows of the transition table that were gone through
	seen     map[string]bool
	queue    []state
	position int64
	mandate  *lifecycle.Payment // that payments by one are by
}

type state struct {
	p   *lifecycle.Payment
	now time.Time
}

type taken struct {
	on   lifecycle.Trigger
	from topics.PaymentStatus
}

// stimulus is an input with its place in the document.
type stimulus struct {
	place   matrixtest.Place
	in      lifecycle.Input
	now     time.Time
	on      lifecycle.Trigger
	ignored string // what it is where nothing comes of it
}

// mostRequests bounds the payments that are followed: one attempt, given up and released, another with two captures or
// refunds.
const mostRequests = 5

// TestStateMatrix holds docs/state-matrix.md to what Decide does. -update rewrites it. Every row of the transition table must
// have been gone through.
func TestStateMatrix(t *testing.T) {
	x := &explorer{T: t, matrix: newMatrix(), limits: lifecycle.DefaultLimits(), taken: map[taken]bool{}, seen: map[string]bool{}}
	x.begin()
	for len(x.queue) > 0 {
		s := x.queue[0]
		x.queue = x.queue[1:]
		stored := string(s.p.Append(nil))
		for _, stimulus := range x.stimuli(s) {
			x.follow(s.p, stimulus)
		}
		if string(s.p.Append(nil)) != stored {
			t.Fatalf("Decide changed a payment, which is %s", s.p.Status())
		}
	}
	for _, step := range lifecycle.Table() {
		for _, on := range step.On {
			for _, from := range step.From {
				if x.taken[taken{on, from}] == spare(on, from) {
					t.Errorf("%s from %q: payments came to that step of the table: %t; want every one but the spare ones", on, from, x.taken[taken{on, from}])
				}
			}
		}
	}
	x.matrix.Compare(t, "payments", *update, "./processors/payments/lifecycle -run TestStateMatrix")
}

// spare are steps that no payment can come to today. They stand in the table all the same: what a PSP says must have a place.
func spare(on lifecycle.Trigger, from topics.PaymentStatus) bool {
	if on.Source == lifecycle.FromUnclear { // nothing is open there, or more requests lead there than are followed
		return slices.Contains([]topics.PaymentStatus{topics.StatusReviewing, topics.StatusHeld, topics.StatusBlocked, topics.StatusRejected}, from)
	}
	if on.Source == lifecycle.FromStray && on.What == string(topics.OperationAuthorize) && on.Outcome == topics.PSPReversed {
		return true // only of a code or the like beside which another PSP was asked
	}
	answered := on.Source == lifecycle.FromReport && on.Outcome != topics.PSPApproved
	switch from {
	case topics.StatusExpired: // an authorisation does not run out while a capture or an increment is open
		return answered && (on.What == string(topics.OperationCapture) || on.What == string(topics.OperationIncrement))
	case topics.StatusBlocked, topics.StatusRejected: // a void was asked for as soon as they were, and is what the PSP means
		return on.Source == lifecycle.FromPSP && on.What == string(topics.OperationVoid)
	}
	return false
}

// begin creates payments of every kind.
func (x *explorer) begin() {
	for _, kind := range []topics.CommandType{topics.CommandAuthorize, topics.CommandConfirm, topics.CommandCapture, topics.CommandVoid,
		topics.CommandRefund, topics.CommandCancel, topics.CommandApprove, topics.CommandReject} {
		x.follow(nil, x.command(nil, kind, 0, topics.OutcomePass))
	}
	for _, psp := range []string{"", "alpha", "none"} {
		for _, method := range []topics.CaptureMethod{topics.CaptureManual, topics.CaptureAutomatic} {
			for _, outcome := range []topics.Outcome{topics.OutcomePass, topics.OutcomeHold, topics.OutcomeBlock} {
				for _, bits := range []int{0, 1, 2, 3} {
					s := x.command(nil, topics.CommandCreate, 100, outcome)
					c, counted := s.in.Command, s
					c.Command.CaptureMethod, c.Command.Authorize, c.Decision.Reviews = method, bits&1 > 0, bits&2 > 0
					c.Route = planFor(psp)
					counted.in.CountedDay = "2026-03-01"
					x.follow(nil, s)
					x.follow(nil, counted)
					if later := *c; psp == "" && method == topics.CaptureAutomatic {
						later.Command.CaptureDelaySeconds = 3600
						s.in.Command = &later
						x.follow(nil, s)
					}
				}
			}
		}
	}
	for _, method := range []string{topics.MethodQR, topics.MethodCrypto} {
		s := x.command(nil, topics.CommandCreate, 100, topics.OutcomePass)
		c := &s.in.Command.Command
		c.Card, c.PaymentMethod, c.Authorize = nil, &topics.PaymentMethod{Type: method}, true
		x.follow(nil, s)
	}
	x.byMandate()
	for _, op := range []topics.PSPOperation{topics.OperationAuthorize, topics.OperationCapture, topics.OperationVoid, topics.OperationRefund} {
		x.follow(nil, x.unasked(state{now: noon}, op, "ref", "approved"))
	}
}

// byMandate creates a payment by a mandate.
func (x *explorer) byMandate() {
	first := newWorld(nil)
	for _, line := range []string{"command create 1.00 EUR authorize capture=automatic setup=recurring", "psp response authorize approved 1.00 EUR captured ref=first"} {
		if _, err := first.do(line); err != nil {
			x.Fatal(err)
		}
	}
	x.mandate = first.payments["p1"]
	x.mandate.Region = "" // that of these commands
	s := x.command(nil, topics.CommandCreate, 100, topics.OutcomePass)
	c := &s.in.Command.Command
	c.Card, c.Mandate, c.Authorize, c.CaptureMethod = nil, x.mandate.ID.MandateID(), true, topics.CaptureAutomatic
	x.follow(nil, s)
}

// planFor is no plan, or one of two PSPs, or one without any.
func planFor(psp string) *topics.RoutePlan {
	plan := &topics.RoutePlan{Version: "v", Attempts: 2, WithinSeconds: 86400, DeferSeconds: 600}
	switch psp {
	case "":
		return nil
	case "alpha":
		plan.Candidates = []topics.RouteCandidate{{Route: "first", PSP: "alpha"}, {Route: "second", PSP: "beta"}}
	}
	return plan
}

// stimuli are all inputs that are of the payment.
func (x *explorer) stimuli(s state) []stimulus {
	all := x.commands(s)
	if t := s.p.Timer; t.Kind != "" {
		all = append(all, stimulus{
			place: matrixtest.Place{Table: "Timers", Status: string(s.p.Status()), Column: string(t.Kind)}, now: t.Due, ignored: "ignored",
			on: lifecycle.Trigger{Source: lifecycle.FromTimer, What: string(t.Kind)},
			in: lifecycle.Input{Timer: &topics.TimerDue{Generation: t.Generation, Kind: t.Kind, Tenant: "acme", Due: t.Due}},
		})
	}
	if s.p.Authorized > 0 {
		for _, outcome := range []topics.Outcome{topics.OutcomePass, topics.OutcomeHold, topics.OutcomeBlock, topics.OutcomeAllow} {
			all = append(all, answerOfRisk(s, outcome))
		}
	}
	for i := range s.p.Operations {
		all = append(all, x.reports(s, &s.p.Operations[i])...)
	}
	if s.p.PSPReference != "" {
		for _, op := range []topics.PSPOperation{topics.OperationCapture, topics.OperationVoid, topics.OperationRefund} {
			asked := func(o lifecycle.Operation) bool {
				return o.Kind == op && (op == topics.OperationVoid || o.State.Open() || o.Amount == 7)
			}
			if slices.ContainsFunc(s.p.Operations, asked) || op == topics.OperationCapture && !s.p.Method.Card() { // that is what it is paid by
				continue
			}
			all = append(all, x.unasked(s, op, s.p.PSPReference, "approved"))
			if !askedTwice(s.p) {
				all = append(all, x.unasked(s, op, "another", "approved, of another authorisation"))
			}
		}
	}
	if askedTwice(s.p) {
		all = append(all, x.unnamed(s, topics.PSPApproved), x.unnamed(s, topics.PSPDeclined))
	}
	return all
}

func (x *explorer) commands(s state) (all []stimulus) {
	all = append(all, x.command(s.p, topics.CommandAuthorize, 0, topics.OutcomePass))
	if s.p.Status() == topics.StatusCreated {
		for _, psp := range []string{"alpha", "none"} {
			c := x.command(s.p, topics.CommandAuthorize, 0, topics.OutcomePass)
			c.in.Command.Route = planFor(psp)
			all = append(all, c)
		}
		all = append(all, x.command(s.p, topics.CommandAuthorize, 0, topics.OutcomeHold), x.command(s.p, topics.CommandAuthorize, 0, topics.OutcomeBlock))
	}
	for _, kind := range []topics.CommandType{topics.CommandConfirm, topics.CommandVoid, topics.CommandCancel, topics.CommandApprove, topics.CommandReject,
		topics.CommandCapture, topics.CommandRefund} {
		all = append(all, x.command(s.p, kind, 0, topics.OutcomePass))
	}
	if !s.p.Method.Card() {
		c := x.command(s.p, topics.CommandRefund, 0, topics.OutcomePass)
		c.in.Command.Command.Unapplied, c.place.Column = true, "refund unapplied"
		c.on.What = c.place.Column
		all = append(all, c)
	}
	all = append(all, x.command(s.p, topics.CommandIncrement, 20, topics.OutcomePass))
	if s.p.Capturable() > 60 {
		all = append(all, x.command(s.p, topics.CommandCapture, 60, topics.OutcomePass))
	}
	if s.p.Refundable() > 30 {
		all = append(all, x.command(s.p, topics.CommandRefund, 30, topics.OutcomePass))
	}
	for i := range all {
		all[i].now = s.now
	}
	return all
}

func (x *explorer) command(p *lifecycle.Payment, kind topics.CommandType, amount int64, outcome topics.Outcome) stimulus {
	x.position++
	c := topics.Command{
		CommandID: uuid.NewV5(uuid.Nil, fmt.Sprint(x.position)).String(), Type: kind, Tenant: "acme", CustomerID: "anna", Amount: amount, Currency: "EUR",
		Challenge: &topics.Challenge{Result: "authenticated"}, Card: &topics.Card{Token: "tok"},
	}
	row, table := "(none)", "Commands"
	if p != nil {
		table += of(p.Method.Type)
		row, c.PaymentID = string(p.Status()), p.ID.String()
	}
	return stimulus{
		place: matrixtest.Place{Table: table, Status: row, Column: string(kind)}, now: noon, ignored: "duplicate",
		on: lifecycle.Trigger{Source: lifecycle.FromCommand, What: string(kind)},
		in: lifecycle.Input{Command: &topics.AssessedCommand{Command: c, Decision: topics.Decision{Outcome: outcome}}, Balance: topics.WalletBalance{Available: 1000}},
	}
}

func answerOfRisk(s state, outcome topics.Outcome) stimulus {
	return stimulus{
		place: matrixtest.Place{Table: "Answers of risk on an authorisation", Status: string(s.p.Status()), Column: string(outcome)}, now: s.now, ignored: "late",
		on: lifecycle.Trigger{Source: lifecycle.FromReview, What: string(outcome)},
		in: lifecycle.Input{Review: &topics.AssessedAuthorization{
			Review: topics.ReviewRequest{
				Command:       topics.Command{Tenant: "acme"},
				Authorization: topics.Authorization{PSP: s.p.PSP, Amount: s.p.Authorized, Authentication: s.p.Authentication},
			},
			Decision: topics.Decision{Outcome: outcome},
		}},
	}
}

// follow decides, checks what came of it, notes it, and goes on from there.
func (x *explorer) follow(p *lifecycle.Payment, s stimulus) {
	x.position++
	s.in.Position = x.position
	if _, by := p.ByMandate(); by || s.in.Command != nil && s.in.Command.Command.Mandate != "" {
		s.in.Mandate = x.mandate
	}
	events := lifecycle.Decide(p, s.in, s.now, &x.limits)
	from, after := topics.PaymentStatus(""), p.Clone()
	if p != nil {
		from = p.Status()
	}
	for i := range events {
		if after != nil {
			if _, err := lifecycle.Post(after, &events[i], ledger.Standing{Available: 1000}); err != nil {
				x.Fatalf("%v: %v", s.place, err)
			}
		}
		var err error
		if after, err = lifecycle.Evolve(after, &events[i]); err == nil {
			err = lifecycle.Check(after, &events[i])
		}
		if err != nil {
			x.Fatalf("%v: %v", s.place, err)
		}
	}
	x.note(from, after, s, events)
	if after == nil || len(events) == 0 || events[0].Type == topics.EventCommandRefused {
		return
	}
	if err := lifecycle.CheckInvariants(after); err != nil {
		x.Fatalf("%v: %v", s.place, err)
	}
	if len(after.Operations) <= mostRequests && x.news(after) {
		x.queue = append(x.queue, state{after, s.now})
	}
}

// note keeps what came of an input, and checks that it is what the table says.
func (x *explorer) note(from topics.PaymentStatus, after *lifecycle.Payment, s stimulus, events []topics.PaymentEvent) {
	to, step := topics.PaymentStatus(""), lifecycle.Find(s.on, from)
	if after != nil {
		to = after.Status()
	}
	said := matrixtest.Said{Ignored: s.ignored}
	for i := range events {
		switch e := &events[i]; e.Type {
		case topics.EventCommandRefused:
			said.Refused = string(e.Refusal)
		case topics.EventCaseOpened:
			said.Case = cmp.Or(said.Case, string(e.Refusal))
		default:
			said.Event = cmp.Or(said.Event, string(e.Type))
		}
	}
	if from != to {
		said.To = string(to)
	}
	if said.Event != "" && (step == nil || step.Refuse != "" || !step.Leads(from, to)) || said.Event == "" && from != to {
		x.Fatalf("%s led from %q to %q by %s, which the table does not know", s.on, from, to, said.Event)
	}
	if step != nil && (said.Event != "" || step.Refuse != "" && said.Refused == string(step.Refuse)) {
		x.taken[taken{s.on, from}] = true
	}
	x.matrix.Add(s.place, said)
}

// newMatrix orders the document as a payment lives.
func newMatrix() matrixtest.Matrix {
	m := matrixtest.Matrix{
		Rows: []string{
			"Commands", "Reports of the authorisation", "Answers of risk on an authorisation", "Reports of a capture", "Reports of an increment", "Reports of a void",
			"Reports of a refund", "Reports of what nobody asked for", "Reports of a PSP that was asked twice, of neither attempt", "Timers", "(none)", "requested", "pending",
		},
		Columns: []string{"create", "authorize", "confirm", "capture", "void", "refund", "refund unapplied", "cancel", "approve", "reject", "pass", "allow", "hold", "block"},
	}
	for _, s := range []topics.PaymentStatus{
		topics.StatusCreated, topics.StatusHeld, topics.StatusBlocked, topics.StatusRejected, topics.StatusAuthorizing, topics.StatusQueued,
		topics.StatusRequiresAction, topics.StatusUnknown, topics.StatusDeclined, topics.StatusCancelled, topics.StatusReviewing, topics.StatusAuthorized,
		topics.StatusPartiallyCaptured, topics.StatusCaptured, topics.StatusPartiallyRefunded, topics.StatusRefunded, topics.StatusVoided, topics.StatusExpired,
	} {
		m.Rows = append(m.Rows, string(s))
	}
	m.Rows = append(m.Rows, "succeeded", "failed", "reversed")
	for _, say := range sayings {
		m.Columns = append(m.Columns, say.column)
	}
	return m
}

// news says that a payment shows two things together that none of its status has shown before.
func (x *explorer) news(p *lifecycle.Payment) (found bool) {
	traits := []string{
		fmt.Sprint(p.CaptureMethod, " ", p.Method.Type, p.Unapplied() > 0, " ", p.Review, " ", p.Terms.CaptureDelaySeconds > 0, !p.Terms.CaptureAt.IsZero()), fmt.Sprint("timer ", p.Timer.Kind, " waiting ", p.Waiting != nil, p.CountedDay != ""),
		fmt.Sprint("left ", p.Capturable() > 0, p.Uncaptured() > 0, p.Refundable() > 0),
	}
	if p.Recurring != nil {
		traits = append(traits, fmt.Sprint("by a mandate", p.Recurring.Asked > 1))
	}
	if r := p.Routing; r != nil {
		traits = append(traits, fmt.Sprint("plan ", r.Next, r.Sent, r.Until.IsZero()))
	}
	for i := range p.Operations {
		op := &p.Operations[i]
		polled := op.State == lifecycle.OperationAction && op.Polls > 0
		traits = append(traits, fmt.Sprint(op.Kind, op.State, op.Captured, op.Expiry, op.PSP != "", polled))
	}
	for i, a := range traits {
		for _, b := range traits[i:] {
			if pair := fmt.Sprint(p.Status(), min(a, b), max(a, b)); !x.seen[pair] {
				x.seen[pair], found = true, true
			}
		}
	}
	return found
}
