package lifecycle_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// model is a dumb second opinion of what a payment's money must be. It knows nothing of statuses, tables or events: it
// keeps, for each request that the PSP was asked for, what the PSP has truly said of it.
type model struct {
	requests map[string]*asked // by request id
	order    []string
	unasked  map[string]int64 // refunds that the PSP made on its own, by what it calls them
}

type asked struct {
	operation topics.PSPOperation
	amount    int64
	adds      int64 // increment: amount is the total
	over      int64 // capture: how much more than was authorised it made of what was captured
	psp       string
	givenUp   bool  // an attempt at the authorisation, for another one
	releases  bool  // an attempt that was given up
	approved  bool  // the PSP has said so, ever
	took      int64 // authorize: captured together with it, or told of under it
	reversed  bool
	failed    bool // the PSP has said so, before any approval
}

// learn takes a report that is of the payment, of a known request and of its amount and currency.
func (m *model) learn(r *topics.PSPReport, captureTaken bool) {
	a := m.requests[r.RequestID]
	switch r.Outcome {
	case topics.PSPApproved:
		if a.reversed {
			return
		}
		a.approved = true
		if r.Captured && !captureTaken && a.took == 0 {
			a.took = r.Amount
		}
	case topics.PSPReversed:
		if a.operation == topics.OperationRefund && (a.approved || !a.failed) {
			a.reversed = true
		}
	case topics.PSPDeclined, topics.PSPFailed:
		a.failed = a.failed || !a.approved
	}
}

func (m *model) totals() topics.Totals {
	var t topics.Totals
	for _, amount := range m.unasked {
		t.Refunded += amount
	}
	authorized := false
	for _, id := range m.order {
		a := m.requests[id]
		if a.givenUp || a.releases {
			continue
		}
		switch a.operation {
		case topics.OperationAuthorize, topics.OperationConfirm:
			if a.approved && !authorized { // an authorisation and its confirmations are one
				t.Authorized, authorized = t.Authorized+a.amount, true
			}
			t.Captured += a.took
		case topics.OperationIncrement:
			if a.approved {
				t.Authorized += a.adds
			}
		case topics.OperationCapture:
			if a.approved {
				t.Captured += a.amount
			}
		case topics.OperationRefund:
			switch {
			case a.reversed:
			case a.approved:
				t.Refunded += a.amount
			case !a.failed:
				t.Refunding += a.amount
			}
		}
	}
	return t
}

// raised says that an amount is that of an authorisation with its increments, also with one of which nothing is known yet.
func (m *model) raised(a *asked, amount int64) bool {
	if a.givenUp || !a.approved || a.operation != topics.OperationAuthorize && a.operation != topics.OperationConfirm {
		return false
	}
	sure := m.totals().Authorized
	return amount == sure || amount == sure+m.raising()
}

// over is by how much a capture is to take more than is authorised.
func (m *model) over(r *topics.PSPRequest) int64 {
	if r.Operation != topics.OperationCapture {
		return 0
	}
	t := m.totals()
	return max(0, t.Captured+r.Amount-t.Authorized)
}

// askedFor is the most that was asked to be captured: what is authorised, and more where a capture that was made asked for it.
func (m *model) askedFor() int64 {
	most := m.totals().Authorized
	for _, a := range m.requests {
		if a.approved {
			most += a.over
		}
	}
	return most
}

func (m *model) raising() int64 {
	for _, a := range m.requests {
		if a.operation == topics.OperationIncrement && !a.approved && !a.failed {
			return a.adds
		}
	}
	return 0
}

// stray is what PSPs took by attempts that were given up, and have not given back.
func (m *model) stray() (minor int64) {
	for _, a := range m.requests {
		switch {
		case a.givenUp:
			minor += a.took
		case a.releases && a.operation == topics.OperationRefund && a.approved && !a.reversed:
			minor -= a.amount
		}
	}
	return minor
}

// strays are the attempts that were given up, and what releases them.
func (m *model) strays() []string {
	return slices.DeleteFunc(slices.Clone(m.order), func(id string) bool { return !m.requests[id].givenUp && !m.requests[id].releases })
}

// TestLifecycleAgainstModel throws random commands, reports, repeats and timers at a payment, in any order.
func TestLifecycleAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSystem(t)
		s.command(topics.CommandCreate)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			s.step()
			s.check()
		}
	})
}

// system is the lifecycle under test with the model beside it.
type system struct {
	*rapid.T
	w        *world
	limits   *lifecycle.Limits
	payment  *lifecycle.Payment
	events   []topics.PaymentEvent
	model    model
	inputs   []lifecycle.Input // reports, timers and reviews so far, to be repeated
	review   *topics.ReviewRequest
	postings int64
}

func newSystem(t *rapid.T) *system {
	w := newWorld(nil)
	w.limits.PollLimit, w.limits.PollEnd, w.limits.Operations = 3, 6, 12
	w.limits.OverCapture = map[string]int64{"sandbox": 20, "alpha": 100}
	return &system{T: t, w: w, limits: &w.limits, model: model{requests: make(map[string]*asked), unasked: make(map[string]int64)}}
}

func (s *system) step() {
	s.w.now = s.w.now.Add(drawDuration(s.T))
	switch rapid.IntRange(0, 10).Draw(s.T, "what") {
	case 0, 1, 2, 3:
		s.command(rapid.SampledFrom([]topics.CommandType{
			topics.CommandAuthorize, topics.CommandConfirm, topics.CommandCapture, topics.CommandCapture, topics.CommandIncrement, topics.CommandVoid,
			topics.CommandRefund, topics.CommandRefund, topics.CommandCancel, topics.CommandApprove, topics.CommandReject,
		}).Draw(s.T, "command"))
	case 4, 5, 6, 7:
		s.report()
	case 8:
		s.timer()
	case 9:
		if len(s.inputs) > 0 {
			s.apply(rapid.SampledFrom(s.inputs).Draw(s.T, "repeated"))
		}
	case 10:
		s.answerReview()
	}
}

func (s *system) command(kind topics.CommandType) {
	c := topics.Command{
		CommandID: s.w.uuid(fmt.Sprint("c", s.w.position)), Type: kind, Tenant: "acme", CustomerID: "anna",
		Amount: rapid.SampledFrom([]int64{0, 0, 1, 40, 60, 100, 101, 120, 121}).Draw(s.T, "amount"),
	}
	if c.Amount > 0 {
		c.Currency = "EUR"
	}
	in := &topics.AssessedCommand{Command: c}
	in.Decision.Outcome = rapid.SampledFrom([]topics.Outcome{
		topics.OutcomePass, topics.OutcomePass, topics.OutcomePass, topics.OutcomeStepUp, topics.OutcomeHold, topics.OutcomeBlock,
	}).Draw(s.T, "decision")
	in.Decision.Reviews = rapid.Bool().Draw(s.T, "reviews")
	if rapid.Bool().Draw(s.T, "features") {
		in.Enrichment, in.Features = &topics.Enrichment{IPCountry: "DE"}, map[string]topics.Feature{"b": {Value: 2}, "a": {Missing: true}}
	}
	if kind == topics.CommandCreate {
		in.Command.Amount, in.Command.Currency, in.Command.Card = 100, "EUR", &topics.Card{Token: "tok"}
		in.Command.Authorize = rapid.Bool().Draw(s.T, "authorize")
		in.Command.CaptureMethod = rapid.SampledFrom([]topics.CaptureMethod{topics.CaptureManual, topics.CaptureAutomatic}).Draw(s.T, "capture")
		if in.Command.CaptureMethod == topics.CaptureAutomatic {
			in.Command.CaptureDelaySeconds = rapid.SampledFrom([]int64{0, 0, 1, 3600, 7 * 24 * 3600}).Draw(s.T, "delay")
		}
		in.Command.Metadata = map[string]string{"b": "2", "a": "1"}
	} else {
		in.Command.PaymentID = s.payment.ID.String()
	}
	if kind == topics.CommandConfirm {
		in.Command.Challenge = &topics.Challenge{Result: "authenticated"}
	}
	if kind == topics.CommandRefund && rapid.Bool().Draw(s.T, "approved") {
		in.Command.RequestedBy, in.Command.ApprovedBy = "ann", "bob"
	}
	in.Route = s.plan()
	s.apply(s.limited(lifecycle.Input{Command: in}))
}

// plan is none, or one of up to three PSPs.
func (s *system) plan() *topics.RoutePlan {
	n := rapid.IntRange(-1, 3).Draw(s.T, "candidates")
	if n < 0 {
		return nil
	}
	plan := &topics.RoutePlan{
		Version: "v", Partial: rapid.Bool().Draw(s.T, "partial"), Attempts: rapid.IntRange(1, 3).Draw(s.T, "attempts"), WithinSeconds: rapid.SampledFrom([]int64{1, 30, 86400}).Draw(s.T, "within"),
		DeferSeconds: rapid.SampledFrom([]int64{0, 5, 7200}).Draw(s.T, "defer"), Country: rapid.SampledFrom([]string{"DE", ""}).Draw(s.T, "country"),
	}
	for _, psp := range []string{"alpha", "beta", "gamma"}[:n] {
		plan.Candidates = append(plan.Candidates, topics.RouteCandidate{Route: "to_" + psp, PSP: psp})
	}
	return plan
}

func (s *system) report() {
	if len(s.model.order) == 0 {
		return
	}
	among := s.model.order
	if strays := s.model.strays(); len(strays) > 0 && rapid.Bool().Draw(s.T, "of a stray") {
		among = strays
	}
	id := rapid.SampledFrom(among).Draw(s.T, "request")
	a := s.model.requests[id]
	outcomes := []topics.PSPOutcome{
		topics.PSPApproved, topics.PSPApproved, topics.PSPApproved, topics.PSPPending, topics.PSPRequiresAction,
		topics.PSPDeclined, topics.PSPFailed, topics.PSPUnknown, topics.PSPReversed,
	}
	r := &topics.PSPReport{
		ReportID: s.w.uuid("r"), Source: rapid.SampledFrom([]topics.ReportSource{topics.SourceResponse, topics.SourcePoll, topics.SourceWebhook}).Draw(s.T, "source"),
		PSP: a.psp, Tenant: "acme", PaymentID: s.payment.ID.String(), RequestID: id, Operation: a.operation,
		Outcome: rapid.SampledFrom(outcomes).Draw(s.T, "outcome"), Amount: a.amount, Currency: "EUR", PSPReference: "ref",
		Fee: rapid.SampledFrom([]int64{0, 1}).Draw(s.T, "fee"),
	}
	if a.operation == topics.OperationAuthorize || a.operation == topics.OperationConfirm {
		r.Captured = rapid.Bool().Draw(s.T, "captured")
		r.Capturable = rapid.SampledFrom([]int64{0, 110, 120}).Draw(s.T, "capturable")
	}
	if rapid.IntRange(0, 3).Draw(s.T, "sent") == 0 {
		r.Source, r.Outcome = topics.SourceResponse, topics.PSPFailed
		r.DeclineCode = rapid.SampledFrom([]string{topics.DeclineNotSent, topics.DeclineRouteDisabled}).Draw(s.T, "code")
	}
	switch rapid.IntRange(0, 20).Draw(s.T, "wrong") {
	case 5:
		r.PSP = "delta"
	case 0:
		r.Amount++
	case 1:
		r.Currency = "USD"
	case 2:
		r.Tenant = "other"
	case 3:
		r.RequestID = "0-9999-0"
	case 8, 9, 10:
		if r.Operation == topics.OperationAuthorize && r.Outcome == topics.PSPApproved { // tells of it again, as it is by now
			r.Amount = max(r.Amount, s.model.totals().Authorized+rapid.SampledFrom([]int64{0, s.model.raising()}).Draw(s.T, "raising"))
		}
	case 4, 6, 7:
		if s.payment.PSPReference != "" && s.payment.Captured > 0 {
			r.Operation, r.Outcome, r.Captured = topics.OperationRefund, topics.PSPApproved, false
			r.RequestID, r.Amount, r.PSP = "", 7, s.payment.PSP // nobody asked for 7
			r.Object = rapid.SampledFrom([]string{"re_1", "re_2", "re_3"}).Draw(s.T, "object")
		}
	}
	s.apply(lifecycle.Input{Report: r})
}

func (s *system) timer() {
	t := s.payment.Timer
	if t.Kind == "" {
		return
	}
	if rapid.IntRange(0, 9).Draw(s.T, "generation") == 0 {
		t.Generation--
	} else if s.w.now.Before(t.Due) {
		s.w.now = t.Due
	}
	s.apply(lifecycle.Input{Timer: &topics.TimerDue{
		TimerID: "t", Generation: t.Generation, Kind: t.Kind, Tenant: "acme", CustomerID: "anna", PaymentID: s.payment.ID.String(), Due: t.Due,
	}})
}

// answerReview answers what risk was asked, or what it was not.
func (s *system) answerReview() {
	asked := topics.ReviewRequest{PaymentID: s.payment.ID.String(), Command: topics.Command{Tenant: "acme", CustomerID: "anna"}}
	if s.review != nil {
		asked = *s.review
	}
	s.apply(lifecycle.Input{Review: &topics.AssessedAuthorization{Review: asked, Decision: topics.Decision{
		Outcome: rapid.SampledFrom([]topics.Outcome{topics.OutcomePass, topics.OutcomeAllow, topics.OutcomeHold, topics.OutcomeBlock,
			topics.OutcomeStepUp, ""}).Draw(s.T, "review"),
	}}})
}

// apply decides, folds, books and tells the model.
func (s *system) apply(in lifecycle.Input) {
	s.w.position++
	in.Position = s.w.position
	if in.Command == nil {
		s.inputs = append(s.inputs, in)
	}
	if s.payment != nil {
		in.Balance.Available = s.w.balances.Standing(s.payment.Ledger()).Available
	}
	before := s.payment.Clone()
	events := lifecycle.Decide(s.payment, in, s.w.now, s.limits)
	if again := lifecycle.Decide(s.payment, in, s.w.now, s.limits); encoded(s.T, again) != encoded(s.T, events) {
		s.Fatalf("decided again: %s\nbefore:        %s", encoded(s.T, again), encoded(s.T, events))
	}
	if before != nil && string(before.Append(nil)) != string(s.payment.Append(nil)) {
		s.Fatalf("Decide changed the payment")
	}
	s.learn(in, before)
	for i := range events {
		if c := in.Command; events[i].Type == topics.EventRefundRequested && (c.Decision.Outcome == topics.OutcomeBlock ||
			c.Decision.Outcome != topics.OutcomePass && c.Command.ApprovedBy == "") {
			s.Fatalf("refunded although the rules say %s, approved by %q", c.Decision.Outcome, c.Command.ApprovedBy)
		}
		if last := i == len(events)-1; events[i].More == last {
			s.Fatalf("event %d of %d, %s: more is %t", i+1, len(events), events[i].Type, events[i].More)
		}
		s.events = append(s.events, events[i])
		s.fold(&events[i])
	}
	s.counted(in, events)
	s.stepped(in, before, events)
}

func (s *system) learn(in lifecycle.Input, before *lifecycle.Payment) {
	r := in.Report
	if r == nil || r.Tenant != "acme" || r.Currency != "EUR" || r.PSP == "delta" {
		return
	}
	if r.Object != "" && r.Outcome == topics.PSPApproved && before.Captured > 0 && r.PSPReference == before.PSPReference && before.Cases < s.limits.Cases {
		s.model.unasked[r.Object] = r.Amount
		return
	}
	a := s.model.requests[r.RequestID]
	if a == nil || a.amount != r.Amount && !s.model.raised(a, r.Amount) {
		return
	}
	if a.givenUp {
		a.approved = a.approved || r.Outcome == topics.PSPApproved
		if r.Outcome == topics.PSPApproved && r.Captured {
			a.took = a.amount
		}
		return
	}
	s.learnAuthorization(a, r, before)
}

// learnAuthorization tells the model; a capture that an authorisation reports again is the one that is booked or asked for.
func (s *system) learnAuthorization(a *asked, r *topics.PSPReport, before *lifecycle.Payment) {
	taken := before.Captured > 0
	for _, op := range before.Operations {
		taken = taken || op.Kind == topics.OperationCapture && op.State.Open()
	}
	s.model.learn(r, taken)
}

func (s *system) fold(e *topics.PaymentEvent) {
	if s.payment != nil {
		entry, err := lifecycle.Post(s.payment, e, s.w.balances.Standing(s.payment.Ledger()))
		if err != nil {
			s.Fatal(err)
		}
		if entry != nil {
			entry.ID.Position, s.postings = s.w.position, s.postings+1
			if err := s.w.post(entry); err != nil {
				s.Fatalf("%s: %v", e.Type, err)
			}
		}
	}
	p, err := lifecycle.Evolve(s.payment, e)
	if err != nil {
		s.Fatal(err)
	}
	s.payment = p
	if err := lifecycle.Check(p, e); err != nil {
		s.Fatal(err)
	}
	if r := lifecycle.Review(p, e); r != nil {
		if s.review != nil {
			s.Fatal("a second review is asked for")
		}
		s.review = r
	}
	if e.Type == topics.EventAttemptDeclined {
		s.model.requests[e.RequestID].givenUp = true
	}
	r := lifecycle.Request(p, e)
	if r != nil && (r.CreatedAt.IsZero() || !r.CreatedAt.Equal(p.CreatedAt) || r.CreatedAt.After(r.NotAfter)) {
		s.Fatalf("%s of a payment of %s says %s, and not after %s", r.Operation, p.CreatedAt, r.CreatedAt, r.NotAfter)
	}
	if r != nil && !r.Poll {
		s.reviewed(r)
		s.alone(r)
		s.model.requests[r.RequestID] = &asked{
			operation: r.Operation, amount: r.Amount, adds: e.Amount, over: s.model.over(r), psp: r.PSP, releases: e.Type == topics.EventStrayReleaseRequested,
		}
		s.model.order = append(s.model.order, r.RequestID)
	}
}

// alone checks that nobody is asked for an authorisation unless each PSP that was asked before has said that it did not charge.
func (s *system) alone(r *topics.PSPRequest) {
	for id, a := range s.model.requests {
		if r.Operation == topics.OperationAuthorize && (a.operation != topics.OperationVoid && a.operation != topics.OperationRefund) && !a.givenUp {
			s.Fatalf("%s is asked for an authorisation, and %s of %s may have charged", r.PSP, id, a.psp)
		}
	}
}

// reviewed checks what the PSP is asked against what was said of the review so far: nothing is captured before it let the
// authorisation pass.
func (s *system) reviewed(r *topics.PSPRequest) {
	wanted, passed := false, false
	for i := range s.events {
		e := &s.events[i]
		wanted = wanted || e.Request != nil && e.Type == topics.EventAuthorizationRequested && e.Request.Review != nil
		passed = passed || e.Type == topics.EventReviewed || e.Type == topics.EventReleased && s.review != nil
	}
	if (r.Operation == topics.OperationCapture || r.Capture) && wanted && !passed {
		s.Fatalf("%s, capture %t, is asked for before the review", r.Operation, r.Capture)
	}
}

// stepped checks that the change of status is one of the table.
func (s *system) stepped(in lifecycle.Input, before *lifecycle.Payment, events []topics.PaymentEvent) {
	if len(events) == 0 || events[0].Type == topics.EventCommandRefused || events[0].Type == topics.EventCaseOpened {
		if before != nil && before.Status() != s.payment.Status() {
			s.Fatalf("status went from %s to %s without a step", before.Status(), s.payment.Status())
		}
		return
	}
	from := topics.PaymentStatus("")
	if before != nil {
		from = before.Status()
	}
	for _, step := range lifecycle.Table() {
		for _, on := range step.On {
			if found := lifecycle.Find(on, from); found != nil && found.Leads(from, s.payment.Status()) && sourceOf(in, on) {
				return
			}
		}
	}
	s.Fatalf("%s to %s by %s is no step of the table", from, s.payment.Status(), events[0].Type)
}

func sourceOf(in lifecycle.Input, on lifecycle.Trigger) bool {
	switch on.Source {
	case lifecycle.FromCommand:
		return in.Command != nil && string(in.Command.Command.Type) == on.What
	case lifecycle.FromTimer:
		return in.Timer != nil && string(in.Timer.Kind) == on.What
	case lifecycle.FromReview:
		return in.Review != nil
	}
	return in.Report != nil
}

// check compares everything after a step.
func (s *system) check() {
	p := s.payment
	if p.Totals() != s.model.totals() {
		s.Fatalf("totals %+v, the model has %+v", p.Totals(), s.model.totals())
	}
	if most := s.model.askedFor(); p.Cases == 0 && p.Captured > most {
		s.Fatalf("captured %d without a case, and %d at most was asked for", p.Captured, most)
	}
	if err := lifecycle.CheckInvariants(p); err != nil {
		s.Fatal(err)
	}
	s.checkMoney()
	s.checkRefold()
	if err := roundTrip(p); err != nil {
		s.Fatal(err)
	}
	s.checkWaiting()
}

// checkWaiting: what is open, held or refused by a review is ended by a timer, or a person was told.
func (s *system) checkWaiting() {
	p, voids := s.payment, 0
	waits := p.Timer.Kind != ""
	for _, op := range p.Operations {
		if op.Kind == topics.OperationVoid {
			voids++
			waits = waits || op.State.Open() // polled for long, with a case
		}
		most := s.limits.PollEnd
		if op.State == lifecycle.OperationAction {
			most = s.limits.PollLimit
		}
		if op.State.Open() && op.Polls < most && p.Timer.Kind == "" {
			s.Fatalf("%s is %s and no timer is held", op.Kind, op.State)
		}
	}
	if p.Review == lifecycle.ReviewRefused && p.Uncaptured() > 0 && (!waits || voids == 0) {
		s.Fatalf("a review refused %d, which nothing releases", p.Uncaptured())
	}
	if status := p.Status(); (status == topics.StatusReviewing || status == topics.StatusHeld) && !waits {
		s.Fatalf("the payment is %s without a timer", status)
	} else if p.Authorized > 0 && p.Released == p.Authorized && p.Captured == 0 && status != topics.StatusVoided && status != topics.StatusExpired {
		s.Fatalf("all is released, and the payment is %s", status)
	}
}

// checkMoney: entries sum to zero, and each account is what the totals say.
func (s *system) checkMoney() {
	t, balance := s.payment.Totals(), func(code ledger.AccountCode) (sum int64) {
		for _, a := range s.w.accounts {
			if a.Code == code {
				sum += s.w.balances.Balance(a.ID())
			}
		}
		return sum
	}
	stray := s.model.stray()
	if stray != s.payment.Stray() {
		s.Fatalf("stray %d, the model has %d", s.payment.Stray(), stray)
	}
	suspense := balance(ledger.Suspense) + stray
	for what, pair := range map[string][2]int64{
		"customer (wallet less debt)": {-balance(ledger.CustomerWallet) - balance(ledger.CustomerDebt), t.Captured - t.Refunding - t.Refunded + suspense},
		"PSP (receivable and fees)":   {balance(ledger.PSPReceivable) + balance(ledger.PSPFees), t.Captured - t.Refunded + stray},
		"refunds in flight":           {-balance(ledger.RefundsInFlight), t.Refunding},
	} {
		if pair[0] != pair[1] {
			s.Fatalf("%s: the ledger has %d, the totals %+v give %d", what, pair[0], t, pair[1])
		}
	}
	if suspense != 0 && s.payment.Cases == 0 {
		s.Fatalf("suspense holds %d without a case", suspense)
	}
}

// checkRefold: the events, published and read again, give the same state.
func (s *system) checkRefold() {
	var again *lifecycle.Payment
	for i := range s.events {
		data, err := topics.Marshal(&s.events[i])
		if err != nil {
			s.Fatal(err)
		}
		var e topics.PaymentEvent
		if err = topics.Unmarshal(data, &e); err != nil {
			s.Fatal(err)
		}
		if again, err = lifecycle.Evolve(again, &e); err != nil {
			s.Fatal(err)
		}
	}
	if string(again.Append(nil)) != string(s.payment.Append(nil)) {
		s.Fatalf("folded again the state differs:\n%+v\n%+v", again, s.payment)
	}
}
