package disputes_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/internal/reference/schematest"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/disputes"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	Error(...any)
	Fatal(...any)
	Fatalf(string, ...any)
}

// world holds one payment, its disputes and its customer's money, as the fold keeps them.
type world struct {
	tester
	schemas  schematest.Schemas // nil: events are not held to them
	now      time.Time
	position int64
	limits   disputes.Limits
	balances *ledger.Balances
	payment  *lifecycle.Payment
	disputes map[string]*disputes.Dispute // by what the PSP calls them
	events   []topics.DisputeEvent        // of the latest input
}

const tenant, customer, psp = "acme", "anna", "sandbox"

func newWorld(t tester) *world {
	w := &world{tester: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), balances: ledger.NewBalances(), disputes: map[string]*disputes.Dispute{}}
	w.limits = disputes.NewLimits(lifecycle.DefaultLimits(), nil)
	return w
}

// captured opens the payment.
func (w *world) captured(amount int64, currency ledger.Currency) string {
	w.payment = &lifecycle.Payment{
		ID: topics.PaymentID{Partition: 3, UUID: uuid.NewV5(uuid.NamespaceURL, "payment")}, Tenant: tenant, Customer: customer, Currency: currency,
		Amount: amount, CaptureMethod: topics.CaptureManual, PSP: psp, PSPReference: "pay_1", Authorized: amount, Captured: amount, CreatedAt: w.now, UpdatedAt: w.now,
	}
	entry, err := ledger.DepositCaptured(w.payment.Ledger(), amount, 0, w.standing())
	return w.post(&entry, err)
}

func (w *world) standing() ledger.Standing { return w.balances.Standing(w.payment.Ledger()) }

func (w *world) post(e *ledger.Entry, err error) string {
	if err == nil {
		err = w.balances.Apply(e)
	}
	if err != nil {
		w.Fatal(err)
	}
	parts := make([]string, len(e.Postings))
	for i, p := range e.Postings {
		parts[i] = string(p.Account.Code) + " " + ledger.Money{Minor: p.Minor, Currency: p.Account.Currency}.String()
	}
	return "entry " + e.Template + ": " + strings.Join(parts, ", ")
}

// pay folds an input of the payment itself.
func (w *world) pay(in lifecycle.Input) (lines []string) {
	w.position++
	in.Position, in.Partition = w.position, w.payment.ID.Partition
	s := w.standing()
	in.Balance = topics.WalletBalance{Available: s.Available, Debt: s.Debt}
	for _, e := range lifecycle.Decide(w.payment, in, w.now, &w.limits.Limits) {
		lines = append(lines, w.foldPayment(&e)...)
	}
	return lines
}

func (w *world) foldPayment(e *topics.PaymentEvent) []string {
	line := "payment " + string(e.Type)
	if e.Refusal != "" {
		line += " " + string(e.Refusal) + " (" + e.Detail + ")"
	}
	if t := e.Totals; t != nil {
		line += fmt.Sprintf(": refunding %d, refunded %d, disputing %d, disputed %d", t.Refunding, t.Refunded, t.Disputing, t.Disputed)
	}
	lines := []string{line}
	entry, err := lifecycle.Post(w.payment, e, w.standing())
	if err != nil {
		w.Fatal(err)
	}
	if entry != nil {
		lines = append(lines, "  "+w.post(entry, nil))
	}
	p, err := lifecycle.Evolve(w.payment, e)
	if err == nil {
		err = lifecycle.Check(p, e)
	}
	if err != nil {
		w.Fatal(err)
	}
	w.payment = p
	return lines
}

// input decides on an input for the dispute that the PSP calls reference, books and folds what comes of it, and describes it.
func (w *world) input(reference string, in *disputes.Input) (lines []string) {
	w.position++
	in.Position, in.Partition = w.position, 3
	before := w.disputes[reference].Clone()
	was := w.written(reference)
	id := topics.DisputeIDOf(tenant, w.payment.ID, psp, reference)
	w.events = disputes.Decide(id, w.disputes[reference], w.payment, in, w.now, &w.limits)
	if is := w.written(reference); is != was {
		w.Error("Decide changed the state:", was, is)
	}
	for i := range w.events {
		lines = append(lines, w.fold(reference, &w.events[i])...)
	}
	if change := disputes.Change(before, w.disputes[reference]); change != nil {
		e := lifecycle.Dispute(w.payment, topics.EventID{Partition: 3, Position: w.position}, change, w.now, "")
		if w.schemas != nil {
			if err := w.schemas.Check(&e); err != nil {
				w.Error(err)
			}
		}
		lines = append(lines, w.foldPayment(&e)...)
	}
	w.follows(in, before, w.disputes[reference])
	if len(w.events) == 0 {
		lines = []string{"nothing happens"}
	}
	return lines
}

// fold books one event, folds it and describes it.
func (w *world) fold(reference string, e *topics.DisputeEvent) []string {
	entry, err := disputes.Post(w.disputes[reference], w.payment, e, w.standing())
	if err != nil {
		w.Fatal(err)
	}
	if (entry != nil) != disputes.Moves(e) {
		w.Fatalf("%s posts an entry: %t", e.Type, entry != nil)
	}
	lines := []string{describe(e)}
	if entry != nil {
		if entry.Reference != e.DisputeID || entry.PaymentID != w.payment.ID.String() {
			w.Fatalf("%s posts an entry of %q, %q", e.Type, entry.Reference, entry.PaymentID)
		}
		lines = append(lines, "  "+w.post(entry, nil))
	}
	if w.schemas != nil {
		if err := w.schemas.Check(e); err != nil {
			w.Error(err)
		}
	}
	p, err := disputes.Evolve(w.disputes[reference], e)
	if err == nil {
		err = disputes.Check(p, e)
	}
	if err != nil {
		w.Fatal(err)
	}
	if p == nil {
		return lines
	}
	w.disputes[reference] = p
	w.stored(p)
	if r := disputes.Request(p, w.payment, e); r != nil {
		if w.schemas != nil {
			if err := w.schemas.Check(r); err != nil {
				w.Error(err)
			}
		}
		what := "asks"
		if r.Poll {
			what = "asks what became of"
		}
		lines = append(lines, fmt.Sprintf("  %s %s: %s of %s", what, r.PSP, r.Operation, r.DisputeReference))
	}
	return lines
}

// written is the dispute and the payment as they are stored.
func (w *world) written(reference string) string {
	payment := string(w.payment.Append(nil))
	if p := w.disputes[reference]; p != nil {
		state, err := p.Encode()
		if err != nil {
			w.Fatal(err)
		}
		payment += string(state)
	}
	return payment
}

// stored fails where the dispute is another one once it was stored and read.
func (w *world) stored(p *disputes.Dispute) {
	state, err := p.Encode()
	if err != nil {
		w.Fatal(err)
	}
	back, err := disputes.Decode(p.ID, p.Tenant, p.Customer, state)
	if err != nil {
		w.Fatal(err)
	}
	if again, _ := back.Encode(); string(again) != string(state) || back.Status() != p.Status() || back.AtRisk() != p.AtRisk() {
		w.Fatalf("stored as %s, read as %s", state, again)
	}
}

// follows fails where an input led from one status to another in a way that the table does not know. What opens a dispute
// leads on from what it is opened as.
func (w *world) follows(in *disputes.Input, before, after *disputes.Dispute) {
	from, to := topics.DisputeStatus(""), topics.DisputeStatus("")
	if before != nil {
		from = before.Status()
	}
	if after == nil {
		return
	}
	to = after.Status()
	changed := from != to
	for i := range w.events {
		switch w.events[i].Type {
		case topics.DisputeCommandRefused, topics.DisputeCaseOpened:
		case topics.DisputeOpened:
			from = topics.DisputeStatusNeedsResponse
			changed = from != to || changed && len(w.events) > 1
		default:
			changed = true
		}
	}
	if !changed || before == nil && to == topics.DisputeStatusNeedsResponse {
		return
	}
	on := disputes.Trigger{Source: disputes.FromFact}
	switch {
	case in.Command != nil:
		on = disputes.Trigger{Source: disputes.FromCommand, What: string(in.Command.Command.Type)}
	case in.Timer != nil:
		on = disputes.Trigger{Source: disputes.FromTimer, What: string(in.Timer.Kind)}
	case in.Report.Operation != topics.OperationDispute:
		on = disputes.Trigger{Source: disputes.FromAnswer, What: string(in.Report.Operation), Outcome: in.Report.Outcome}
		if on.Outcome == topics.PSPNotFound {
			on.Outcome = topics.PSPFailed // which it proves
		}
	default:
		on.What = string(in.Report.Dispute.Fact)
	}
	if step := disputes.Find(on, from); step == nil || !step.Leads(from, to) {
		w.Fatalf("%s led from %q to %q, which the table does not know", on, from, to)
	}
}

func describe(e *topics.DisputeEvent) string {
	money := func(minor int64) string {
		return ledger.Money{Minor: minor, Currency: ledger.Currency(e.Currency)}.String()
	}
	text := string(e.Type)
	if e.Type == topics.DisputeCommandRefused {
		text = "refused: " + string(e.Refusal)
	} else if e.Refusal != "" {
		text += " " + string(e.Refusal)
	}
	if e.Amount != 0 && (disputes.Moves(e) || e.Type == topics.DisputeOpened || e.Type == topics.DisputeUpdated || e.Type == topics.DisputeChargedBack) {
		text += " " + money(e.Amount)
	}
	if e.Type != topics.DisputeCommandRefused && e.Status != "" {
		text += fmt.Sprintf(": %s, %s", e.Stage, e.Status)
	}
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	if e.Timer != nil && e.Timer.Kind != "" {
		text += fmt.Sprintf("; %s in %s", e.Timer.Kind, e.Timer.Due.Sub(e.At))
	}
	return text
}
