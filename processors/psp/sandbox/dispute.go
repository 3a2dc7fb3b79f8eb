package sandbox

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// What an operation of kind dispute tells is its status. Money moves by four of them alone.
const (
	Inquiry           Status = "inquiry" // the issuer asks about a payment
	Opened            Status = "opened"
	EvidenceSubmitted Status = "evidence_submitted"
	Won               Status = "won"
	Lost              Status = "lost"
	PreArbitration    Status = "pre_arbitration"
	Arbitration       Status = "arbitration"
	FundsWithdrawn    Status = "funds_withdrawn"
	FundsReinstated   Status = "funds_reinstated"
	FeeCharged        Status = "fee"
	FeeReturned       Status = "fee_returned"
	Closed            Status = "closed"

	scheduled Status = "scheduled" // a token will have it happen
	dropped   Status = "dropped"   // what was scheduled, until somebody answered the dispute
)

// DisputeFee is what a dispute costs the merchant, in minor units.
const DisputeFee = 1500

// disputeSteps are what can be made of a dispute by hand, once it is there.
func disputeSteps() []Status {
	return []Status{
		EvidenceSubmitted, Won, Lost, PreArbitration, Arbitration, FundsWithdrawn, FundsReinstated, FeeCharged, FeeReturned, Closed,
	}
}

// disputeOf is which dispute an operation tells of, or answers.
type disputeOf struct {
	ID     string    `json:"i"`
	Reason string    `json:"r,omitempty"`
	Due    time.Time `json:"d,omitzero"`  // evidence is taken until then
	Amount int64     `json:"a,omitempty"` // that is disputed
}

// disputePlan is what a token makes of what was captured with it.
type disputePlan struct {
	reason   string
	first    []Status // after the capture
	answered []Status // after evidence; without any it is lost once it is due
	shuffled bool     // the notice comes last, and everything twice
}

func (p *disputePlan) lastly() []Status {
	if p.first[0] == Inquiry {
		return []Status{Closed}
	}
	return []Status{Lost, Closed}
}

// told tells whether an operation has happened: what is only scheduled is nobody's business.
func (op *operation) told() bool { return op.Status != scheduled && op.Status != dropped }

// disputes counts the disputes of a payment, and steps what was told or is scheduled of one.
func (p *payment) disputes() int {
	n := 0
	for i := range p.Operations {
		if op := &p.Operations[i]; op.Kind == Dispute && op.Key == op.Dispute.ID {
			n++
		}
	}
	return n
}

func (p *payment) steps(id string) []*operation {
	var steps []*operation
	for i := range p.Operations {
		if op := &p.Operations[i]; op.Kind == Dispute && op.Dispute.ID == id {
			steps = append(steps, op)
		}
	}
	return steps
}

// disputeState is where a dispute stands.
type disputeState struct {
	known, closed, feeCharged bool
	accepted, submitted       bool
	withdrawn                 int64
}

func (p *payment) disputeState(id string) (s disputeState) {
	for _, op := range p.steps(id) {
		switch op.Status {
		case scheduled, dropped:
			continue
		case FundsWithdrawn:
			s.withdrawn += op.Amount
		case FundsReinstated:
			s.withdrawn -= op.Amount
		case FeeCharged, FeeReturned:
			s.feeCharged = op.Status == FeeCharged
		case Closed:
			s.closed = true
		case PreArbitration, Arbitration:
			s.closed, s.submitted = false, false
		}
		s.known = true
	}
	for i := range p.Operations {
		if op := &p.Operations[i]; op.Dispute != nil && op.Dispute.ID == id {
			s.submitted = s.submitted || op.Kind == DisputeEvidence
			s.accepted = s.accepted || op.Kind == DisputeAccept
		}
	}
	return s
}

// disputeCaptured schedules what a token makes of a payment, once something was captured: p is a clone.
func (f *performer) disputeCaptured(p *payment, now time.Time) {
	token, ok := f.tokens.find(p.Token)
	if !ok || token.dispute == nil || p.Captured == 0 || p.disputes() > 0 {
		return
	}
	of := disputeOf{ID: p.nextDispute(), Reason: token.dispute.reason, Amount: p.Captured, Due: now.Add(f.cfg.EvidenceWithin)}
	f.scheduleSteps(p, of, token.dispute.first, now.Add(f.cfg.SettleDelay), f.cfg.SettleDelay)
	f.scheduleSteps(p, of, token.dispute.lastly(), of.Due, f.cfg.SettleDelay)
}

func (p *payment) nextDispute() string { return deriveID("dsp_", p.ID, strconv.Itoa(p.disputes())) }

// addStep adds what is told of a dispute, now or later. The first one has the dispute's id as its key.
func (p *payment) addStep(of disputeOf) *operation {
	key := of.ID
	if n := len(p.steps(of.ID)); n > 0 {
		key += "-" + strconv.Itoa(n)
	}
	p.Operations = append(p.Operations, operation{Key: key, Kind: Dispute, ByHand: true, Status: scheduled, Dispute: &of})
	return &p.Operations[len(p.Operations)-1]
}

func (f *performer) scheduleSteps(p *payment, of disputeOf, steps []Status, at time.Time, gap time.Duration) {
	for _, step := range steps {
		op := p.addStep(of)
		op.SettlesTo, op.SettlesAt, op.CreatedAt = step, at, at
		at = at.Add(gap)
	}
}

// tell has a step of a dispute happen, with the webhook that says so: p is a clone. amount is of the step; 0: what it is usually.
func (f *performer) tell(p *payment, op *operation, step Status, amount int64, now time.Time) {
	if amount == 0 {
		amount = op.Dispute.Amount
		if step == FeeCharged || step == FeeReturned {
			amount = DisputeFee
		}
	}
	op.Status, op.Answered, op.Amount, op.CreatedAt = step, step, amount, now
	switch step {
	case FundsWithdrawn:
		p.Disputed += amount
	case FundsReinstated:
		p.Disputed -= amount
	}
	e := event{Type: eventType(Dispute, step), Status: step, Amount: amount, Due: now, Left: 1}
	if token, ok := f.tokens.find(p.Token); ok && token.dispute != nil && token.dispute.shuffled {
		e.Left = 2
		if step == Opened {
			e.Due = now.Add(f.cfg.LateDelay)
		}
	}
	f.addEvent(op, e)
}

// answerDispute takes evidence, or the merchant's word that the dispute is right.
func (f *performer) answerDispute(p *payment, op *operation, token *Token, r *Request) *refusal {
	state := p.disputeState(r.Dispute)
	steps := p.steps(r.Dispute)
	switch {
	case !state.known:
		return refuse(CodeNotFound, "dispute %.64q", r.Dispute)
	case state.closed || state.accepted:
		return refuse(CodeWrongState, "the dispute is over")
	case op.Kind == DisputeEvidence && state.submitted:
		return refuse(CodeWrongState, "evidence was submitted already")
	case op.Kind == DisputeEvidence && len(r.Evidence) == 0:
		return refuse(CodeInvalid, "evidence: is missing")
	}
	of := *steps[0].Dispute
	if op.CreatedAt.After(of.Due) {
		return refuse(CodeWrongState, "evidence was due at %s", of.Due.Format(time.RFC3339))
	}
	op.Status, op.Amount, op.Dispute = Approved, of.Amount, &disputeOf{ID: of.ID, Amount: of.Amount}
	for i := range p.Operations {
		if step := &p.Operations[i]; step.Kind == Dispute && step.Dispute.ID == of.ID && step.Status == scheduled && step.SettlesAt.Compare(of.Due) >= 0 {
			step.Status, step.SettlesTo, step.SettlesAt = dropped, "", time.Time{}
		}
	}
	next, gap := []Status{Lost, Closed}, f.cfg.SettleDelay
	if op.Kind == DisputeEvidence {
		f.tell(p, p.addStep(of), EvidenceSubmitted, 0, op.CreatedAt)
		next = nil
		if token.dispute != nil {
			next = token.dispute.answered
		}
	}
	f.scheduleSteps(p, of, next, op.CreatedAt.Add(gap), gap)
	return nil
}

// DisputeStep is the body of POST /v1/test/dispute: it opens a dispute of a payment, or has something happen to one, and the
// webhook tells.
type DisputeStep struct {
	// Authorization is whose payment is disputed by a new dispute; Dispute is the one that something happens to.
	Authorization string `json:"authorization,omitempty"`
	Dispute       string `json:"dispute,omitempty"`
	Event         Status `json:"event"`
	ReasonCode    string `json:"reason_code,omitempty"` // opened, inquiry: 10.4 where empty
	Amount        int64  `json:"amount,omitempty"`      // minor units; 0: all that was captured, or is disputed
	// DueInMS is how long evidence is taken, in milliseconds; 0: as configured.
	DueInMS int64 `json:"due_in_ms,omitempty"`

	// after is how much had been told or scheduled when a page was made: pressing its button twice does it once.
	after *int
}

// byHand has a step happen: p is a clone.
func (f *performer) disputeByHand(p *payment, s *DisputeStep, now time.Time) (*operation, *refusal) {
	switch {
	case len(p.Operations) >= MaxOperations:
		return nil, refuse(CodeWrongState, "the authorization has %d operations already", MaxOperations)
	case s.Amount < 0:
		return nil, refuse(CodeInvalid, "amount %d: want a positive number of minor units", s.Amount)
	case s.DueInMS < 0 || s.DueInMS > 365*24*60*60*1000:
		return nil, refuse(CodeInvalid, "due_in_ms %d: want 0 to a year", s.DueInMS)
	case len(s.ReasonCode) > 16 || strings.ContainsFunc(s.ReasonCode, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, refuse(CodeInvalid, "reason_code: want at most 16 characters, such as 10.4")
	}
	if s.Dispute == "" {
		return f.openByHand(p, s, now)
	}
	steps := p.steps(s.Dispute)
	if len(steps) == 0 {
		return nil, refuse(CodeNotFound, "dispute %.64q", s.Dispute)
	}
	if s.after != nil && *s.after < len(steps) {
		return steps[*s.after], nil
	}
	state := p.disputeState(s.Dispute)
	switch {
	case !slices.Contains(disputeSteps(), s.Event):
		return nil, refuse(CodeInvalid, "event %.64q: want one of %v", s.Event, disputeSteps())
	case s.Event == FundsReinstated && state.withdrawn <= 0:
		return nil, refuse(CodeWrongState, "nothing is withdrawn")
	case s.Event == FundsWithdrawn && state.withdrawn > 0:
		return nil, refuse(CodeWrongState, "the funds are withdrawn already")
	case s.Event == FeeReturned && !state.feeCharged:
		return nil, refuse(CodeWrongState, "no fee is charged")
	case s.Event == FeeCharged && state.feeCharged:
		return nil, refuse(CodeWrongState, "the fee is charged already")
	}
	amount := s.Amount
	if s.Event == FundsReinstated && amount == 0 {
		amount = state.withdrawn
	}
	if s.Event == FundsReinstated && amount > state.withdrawn {
		return nil, refuse(CodeExceeds, "amount %d: only %d are withdrawn", amount, state.withdrawn)
	}
	op := p.addStep(*steps[0].Dispute)
	f.tell(p, op, s.Event, amount, now)
	return op, nil
}

func (f *performer) openByHand(p *payment, s *DisputeStep, now time.Time) (*operation, *refusal) {
	if s.after != nil && *s.after < p.disputes() {
		return p.steps(deriveID("dsp_", p.ID, strconv.Itoa(*s.after)))[0], nil
	}
	amount := s.Amount
	if amount == 0 {
		amount = p.Captured
	}
	switch {
	case s.Event != Opened && s.Event != Inquiry:
		return nil, refuse(CodeInvalid, "event %.64q: a dispute begins with %s or %s; dispute names the one that something else happens to", s.Event, Opened, Inquiry)
	case p.Captured == 0:
		return nil, refuse(CodeWrongState, "nothing was captured")
	case amount > p.Captured:
		return nil, refuse(CodeExceeds, "amount %d: only %d were captured", amount, p.Captured)
	}
	of := disputeOf{ID: p.nextDispute(), Reason: s.ReasonCode, Amount: amount, Due: now.Add(f.cfg.EvidenceWithin)}
	if of.Reason == "" {
		of.Reason = "10.4"
	}
	if s.DueInMS > 0 {
		of.Due = now.Add(time.Duration(s.DueInMS) * time.Millisecond)
	}
	op := p.addStep(of)
	f.tell(p, op, s.Event, 0, now)
	return op, nil
}
