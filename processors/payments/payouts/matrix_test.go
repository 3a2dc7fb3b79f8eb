package payouts_test

import (
	"cmp"
	"fmt"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/internal/reference/matrixtest"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/payments/payouts"
	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/topics"
)

// explorer brings payouts to every state that inputs can bring them to, within bounds, and keeps what Decide makes of each
// input in each.
type explorer struct {
	*testing.T
	limits   payouts.Limits
	customer payouts.State
	matrix   matrixtest.Matrix
	taken    map[taken]bool // steps of the transition table that were gone through
	seen     map[string]bool
	queue    []reached
	position int64
}

type reached struct {
	p   *payouts.Payout
	now time.Time
}

type taken struct {
	on   payouts.Trigger
	from topics.PayoutStatus
}

// stimulus is an input with its place in the document.
type stimulus struct {
	at      matrixtest.Place
	in      payouts.Input
	now     time.Time
	on      payouts.Trigger
	ignored string // what it is where nothing comes of it
}

// mostAttempts bounds the payouts that are followed: of each attempt but the last it was said that it was not sent.
const mostAttempts = 2

var (
	statuses = []topics.PayoutStatus{
		topics.PayoutStatusBlocked, topics.PayoutStatusHeld, topics.PayoutStatusQueued, topics.PayoutStatusSent, topics.PayoutStatusUnknown,
		topics.PayoutStatusPaid, topics.PayoutStatusFailed, topics.PayoutStatusReturned, topics.PayoutStatusRejected, topics.PayoutStatusCancelled,
		topics.PayoutStatusExpired,
	}
	commands = []topics.PayoutCommandType{topics.PayoutCreate, topics.PayoutApprove, topics.PayoutReject, topics.PayoutCancel}
	timers   = []topics.TimerKind{topics.TimerPayoutExpire, topics.TimerPayoutRetry, topics.TimerPayoutPoll}
)

// said is one column of the reports: what the PSP says.
type said struct {
	column      string
	outcome     topics.PSPOutcome
	change      func(*topics.PSPReport)
	early, late bool // while the request may be on its way, and when it can no longer be
	dropped     bool // once the payout has been queued for as long as it may
}

func notSent(r *topics.PSPReport) { r.DeclineCode = topics.DeclineNotSent }

var sayings = []said{
	{column: "approved", outcome: topics.PSPApproved},
	{column: "approved, another amount", outcome: topics.PSPApproved, change: func(r *topics.PSPReport) { r.Amount++ }},
	{column: "approved, another reference", outcome: topics.PSPApproved, change: func(r *topics.PSPReport) { r.PSPReference = "another" }},
	{column: "pending", outcome: topics.PSPPending},
	{column: "unknown", outcome: topics.PSPUnknown},
	{column: "declined", outcome: topics.PSPDeclined},
	{column: "failed", outcome: topics.PSPFailed},
	{column: "failed, not sent", outcome: topics.PSPFailed, change: notSent},
	{column: "failed, not sent for too long", outcome: topics.PSPFailed, change: notSent, dropped: true},
	{column: "not found, too early", outcome: topics.PSPNotFound, early: true},
	{column: "not found", outcome: topics.PSPNotFound, late: true},
	{column: "reversed", outcome: topics.PSPReversed},
}

// TestStateMatrix holds docs/state-matrix.md to what Decide does. -update rewrites it. Every step of the transition table must
// have been gone through.
func TestStateMatrix(t *testing.T) {
	begin := newWorld(t).now
	x := &explorer{T: t, taken: map[taken]bool{}, seen: map[string]bool{}}
	x.matrix.Rows = []string{"Commands on a payout", "Reports of a payout", "Timers of a payout", "(none)", "no request", "requested", "pending"}
	for _, s := range statuses {
		x.matrix.Rows = append(x.matrix.Rows, string(s))
	}
	x.matrix.Columns = []string{"create", "approve", "approve, by who asked for it", "reject", "cancel"}
	for _, say := range sayings {
		x.matrix.Columns = append(x.matrix.Columns, say.column)
	}
	x.limits = payouts.Limits{Limits: lifecycle.DefaultLimits(), Terms: payouts.DefaultTerms()}
	x.customer = payouts.State{
		Wallet:  &wallets.Wallet{Currencies: []ledger.Currency{"EUR"}},
		Sources: &payouts.Sources{All: []payouts.Source{{PSP: "sandbox", Currency: "EUR", Card: topics.Card{Token: "tok"}, Deposited: 100, Last: begin}}},
		Balance: topics.WalletBalance{Available: 1000},
	}
	for _, outcome := range []topics.Outcome{topics.OutcomePass, topics.OutcomeHold, topics.OutcomeBlock} {
		s := x.command(reached{now: begin}, topics.PayoutCreate)
		s.in.Command.Decision = &topics.Decision{Outcome: outcome}
		x.follow(nil, s)
	}
	for _, kind := range commands[1:] {
		x.follow(nil, x.command(reached{now: begin}, kind))
	}
	for _, say := range sayings {
		if s, ok := x.report(reached{now: begin}, nil, say); ok {
			x.follow(nil, s)
		}
	}
	for len(x.queue) > 0 {
		at := x.queue[0]
		x.queue = x.queue[1:]
		for _, s := range x.stimuli(at) {
			x.follow(at.p, s)
		}
	}
	x.everyStep()
	x.matrix.Compare(t, "payouts", *update, "./processors/payments/payouts -run TestStateMatrix")
}

// everyStep fails for a step of the table that no payout came to.
func (x *explorer) everyStep() {
	var triggers []payouts.Trigger
	for _, c := range commands {
		triggers = append(triggers, payouts.Trigger{Source: payouts.FromCommand, What: string(c)})
	}
	for _, k := range timers {
		triggers = append(triggers, payouts.Trigger{Source: payouts.FromTimer, What: string(k)})
	}
	for _, say := range sayings {
		triggers = append(triggers, payouts.Trigger{Source: payouts.FromReport, Outcome: say.outcome})
	}
	for _, from := range append([]topics.PayoutStatus{""}, statuses...) {
		for _, on := range triggers {
			if payouts.Find(on, from) != nil && !x.taken[taken{on, from}] {
				x.Errorf("%s from %q: no payout came to that step of the table", on, from)
			}
		}
	}
}

// stimuli are all inputs that are of the payout.
func (x *explorer) stimuli(at reached) (all []stimulus) {
	for _, kind := range commands[1:] {
		all = append(all, x.command(at, kind))
	}
	alone := x.command(at, topics.PayoutApprove)
	alone.at.Column, alone.in.Command.Command.ApprovedBy = "approve, by who asked for it", "ann"
	all = append(all, alone)
	if t := at.p.Timer; t.Kind != "" {
		all = append(all, stimulus{
			at: matrixtest.Place{Table: "Timers of a payout", Status: string(at.p.Status()), Column: string(t.Kind)}, now: t.Due, ignored: "ignored",
			on: payouts.Trigger{Source: payouts.FromTimer, What: string(t.Kind)},
			in: payouts.Input{Timer: &topics.TimerDue{Generation: t.Generation, Kind: t.Kind, Tenant: "acme", Due: t.Due}},
		})
	}
	for _, say := range sayings {
		if len(at.p.Attempts) == 0 {
			if s, ok := x.report(at, nil, say); ok {
				all = append(all, s)
			}
		}
		for i := range at.p.Attempts {
			if s, ok := x.report(at, &at.p.Attempts[i], say); ok {
				all = append(all, s)
			}
		}
	}
	return all
}

func (x *explorer) command(at reached, kind topics.PayoutCommandType) stimulus {
	x.position++
	c := topics.PayoutCommand{
		CommandID: uuid.NewV5(uuid.Nil, fmt.Sprint(x.position)).String(), Type: kind, Tenant: "acme", CustomerID: "anna", RequestedBy: "ann",
	}
	if kind == topics.PayoutCreate {
		c.Amount, c.Currency = 100, "EUR"
	}
	if kind == topics.PayoutApprove {
		c.RequestedBy, c.ApprovedBy = "", "bob"
	}
	return stimulus{
		at:  matrixtest.Place{Table: "Commands on a payout", Status: statusOf(at.p), Column: string(kind)},
		now: at.now, on: payouts.Trigger{Source: payouts.FromCommand, What: string(kind)}, ignored: "duplicate",
		in: payouts.Input{Command: &topics.AssessedPayoutCommand{Command: c}},
	}
}

func statusOf(p *payouts.Payout) string {
	if p == nil {
		return "(none)"
	}
	return string(p.Status())
}

// report is what the PSP says of an attempt, nil where there is none. ok is false where it cannot say so.
func (x *explorer) report(at reached, a *payouts.Attempt, say said) (s stimulus, ok bool) {
	r := &topics.PSPReport{
		Source: topics.SourcePoll, PSP: "sandbox", Tenant: "acme", Operation: topics.OperationPayout, Outcome: say.outcome, Amount: 100, Currency: "EUR",
		PSPReference: "of the first",
	}
	s = stimulus{
		at:  matrixtest.Place{Table: "Reports of a payout", Operation: "no request", Status: statusOf(at.p), Column: say.column},
		now: at.now, on: payouts.Trigger{Source: payouts.FromReport, Outcome: say.outcome}, in: payouts.Input{Report: r}, ignored: "ignored",
	}
	if say.late {
		s.on.Outcome = topics.PSPFailed // which it proves
	}
	if say.change != nil {
		say.change(r)
	}
	if a == nil {
		return s, true
	}
	final := a.NotAfter.Add(x.limits.Grace)
	switch {
	case say.early && !at.now.Before(final), say.dropped && !a.State.Open():
		return s, false
	case say.late && at.now.Before(final):
		s.now = final
	case say.dropped:
		s.now = at.p.QueueUntil
	}
	s.at.Operation, r.RequestID, s.ignored = string(a.State), a.Request, ignoredAs(a.State, say)
	return s, true
}

// ignoredAs is what a report that yields nothing is: one that proves nothing yet, a repeat of what is known, or one that comes
// after what is known better.
func ignoredAs(state payouts.AttemptState, say said) string {
	same := map[topics.PSPOutcome]payouts.AttemptState{
		topics.PSPApproved: payouts.AttemptPaid, topics.PSPPending: payouts.AttemptPending, topics.PSPUnknown: payouts.AttemptUnknown,
		topics.PSPDeclined: payouts.AttemptFailed, topics.PSPFailed: payouts.AttemptFailed, topics.PSPNotFound: payouts.AttemptFailed,
		topics.PSPReversed: payouts.AttemptReturned,
	}
	switch {
	case same[say.outcome] == state:
		return "duplicate"
	case say.early && state.Open():
		return "early"
	}
	return "late"
}

// follow decides, checks what came of it, notes it, and goes on from there.
// Payouts whose status, money, timer and attempts are alike are one.
func (x *explorer) follow(p *payouts.Payout, s stimulus) {
	x.position++
	s.in.Position = x.position
	id := topics.NewPayoutID("acme", "anna", uuid.NewV5(uuid.Nil, "payout"), 4)
	before, from := fmt.Sprintf("%+v", p), topics.PayoutStatus("")
	if p != nil {
		id, from = p.ID, p.Status()
	}
	events := payouts.Decide(id, p, x.customer, &s.in, s.now, &x.limits)
	if fmt.Sprintf("%+v", p) != before {
		x.Fatalf("%v: Decide changed the payout", s.at)
	}
	after := p.Clone()
	for i := range events {
		if _, err := payouts.Post(after, &events[i], ledger.Standing{Available: 1000}); err != nil {
			x.Fatalf("%v: %v", s.at, err)
		}
		var err error
		if after, err = payouts.Evolve(after, &events[i]); err == nil {
			err = payouts.Check(after, &events[i])
		}
		if err != nil {
			x.Fatalf("%v: %v", s.at, err)
		}
	}
	x.note(from, after, s, events)
	if after == nil || len(events) == 0 || events[0].Type == topics.PayoutCommandRefused {
		return
	}
	k := fmt.Sprint(after.Status(), after.Place, after.Excess > 0, after.Timer.Kind)
	for i := range after.Attempts {
		k += fmt.Sprint("; ", after.Attempts[i].State, after.Attempts[i].Reversed)
	}
	if !x.seen[k] && len(after.Attempts) <= mostAttempts {
		x.seen[k] = true
		x.queue = append(x.queue, reached{after, s.now})
	}
}

// note keeps what came of an input, and checks that it is what the table says.
func (x *explorer) note(from topics.PayoutStatus, after *payouts.Payout, s stimulus, events []topics.PayoutEvent) {
	to, step := topics.PayoutStatus(""), payouts.Find(s.on, from)
	if after != nil {
		to = after.Status()
	}
	said := matrixtest.Said{Ignored: s.ignored}
	for i := range events {
		switch e := &events[i]; e.Type {
		case topics.PayoutCommandRefused:
			said.Refused = string(e.Refusal)
		case topics.PayoutCaseOpened:
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
	x.matrix.Add(s.at, said)
}
