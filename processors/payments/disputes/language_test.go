package disputes_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/disputes"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// do plays one line of a scenario.
func (w *world) do(line string) []string {
	words := strings.Fields(line)
	options := map[string]string{}
	words = slices.DeleteFunc(words, func(word string) bool {
		name, value, ok := strings.Cut(word, "=")
		if ok {
			options[name] = value
		}
		return ok
	})
	take := func(name, standard string) string {
		defer delete(options, name)
		if value, ok := options[name]; ok {
			return value
		}
		return standard
	}
	var amount int64
	currency := ledger.Currency("EUR")
	if n := len(words); n >= 3 {
		money, err := ledger.ParseMoney(words[n-2] + " " + words[n-1])
		if err != nil {
			w.Fatalf("%q: %v", line, err)
		}
		amount, currency = money.Minor, money.Currency
	}
	reference := take("dispute", "d1")
	var lines []string
	switch verb := words[0]; verb {
	case "wait":
		w.now = w.now.Add(w.duration(words[1]))
	case "dashboard-only":
		w.limits.Answering = []string{}
	case "captured":
		lines = []string{w.captured(amount, currency)}
	case "spend":
		entry, err := ledger.WalletDebited(w.payment.Ledger(), ledger.GameRevenue, amount)
		lines = []string{w.post(&entry, err)}
	case "refund":
		lines = w.refund(amount)
	case "refund-settles", "refund-fails":
		lines = w.settle(verb == "refund-settles")
	case "psp":
		lines = w.told(reference, topics.DisputeFact(words[1]), amount, currency, take)
	case "answer":
		lines = w.answered(reference, topics.PSPOutcome(words[1]), topics.ReportSource(take("source", "response")))
	case "accept", "submit_evidence":
		lines = w.commanded(reference, topics.DisputeCommandType(verb), take)
	case "timer":
		lines = w.timer(reference)
	case "balance":
		s := w.standing()
		lines = []string{fmt.Sprintf("available %d, owed %d, suspense %d", s.Available, s.Debt, w.balances.Balance(w.payment.Ledger().System(ledger.Suspense).ID()))}
	default:
		w.Fatalf("%q: not understood", line)
	}
	if len(options) > 0 {
		w.Fatalf("%q: not understood: %v", line, options)
	}
	return lines
}

func (w *world) duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		w.Fatal(err)
	}
	return d
}

func (w *world) refund(amount int64) []string {
	return w.pay(lifecycle.Input{Command: &topics.AssessedCommand{
		Command: topics.Command{
			CommandID: uuid.NewV5(uuid.NamespaceURL, fmt.Sprint("refund", w.position)).String(), Type: topics.CommandRefund, Tenant: tenant, CustomerID: customer,
			PaymentID: w.payment.ID.String(), Amount: amount, Currency: string(w.payment.Currency),
		},
		Decision: topics.Decision{Outcome: topics.OutcomePass},
	}})
}

// settle answers the refund that is open.
func (w *world) settle(well bool) []string {
	for i := range w.payment.Operations {
		op := &w.payment.Operations[i]
		if op.Kind != topics.OperationRefund || !op.State.Open() {
			continue
		}
		outcome := topics.PSPDeclined
		if well {
			outcome = topics.PSPApproved
		}
		return w.pay(lifecycle.Input{Report: &topics.PSPReport{
			Source: topics.SourceResponse, PSP: psp, Tenant: tenant, PaymentID: w.payment.ID.String(), RequestID: op.Request.String(),
			Operation: topics.OperationRefund, Outcome: outcome, Amount: op.Amount, Currency: string(w.payment.Currency),
		}})
	}
	w.Fatal("no refund is open")
	return nil
}

// told reports a fact; at= is how long ago it occurred, "never" that the PSP gave no time.
func (w *world) told(reference string, fact topics.DisputeFact, amount int64, currency ledger.Currency, take func(string, string) string) []string {
	r := &topics.PSPReport{
		ReportID: uuid.NewV5(uuid.NamespaceURL, fmt.Sprint("report", w.position)).String(), Source: topics.SourceWebhook, PSP: take("psp", psp), Tenant: tenant,
		PaymentID: w.payment.ID.String(), Operation: topics.OperationDispute, Outcome: topics.PSPApproved, Amount: amount, PSPReference: "pay_1",
		Dispute: &topics.DisputeReport{Reference: reference, Fact: fact, Movement: take("movement", ""), Reason: take("reason", ""), Category: take("category", "")},
	}
	r.Dispute.Inquiry = take("inquiry", "") == "true"
	if amount != 0 {
		r.Currency = string(currency)
	}
	if due := take("due", ""); due != "" {
		r.Dispute.EvidenceDue = w.now.Add(w.duration(due))
	}
	if at := take("at", "0s"); at != "never" {
		r.OccurredAt = w.now.Add(-w.duration(at))
	}
	return w.input(reference, &disputes.Input{Report: r})
}

// answered answers the latest request.
func (w *world) answered(reference string, outcome topics.PSPOutcome, source topics.ReportSource) []string {
	asked := w.disputes[reference].Asked
	return w.input(reference, &disputes.Input{Report: &topics.PSPReport{
		Source: source, PSP: psp, Tenant: tenant, PaymentID: w.payment.ID.String(), RequestID: asked.Request, Operation: asked.Kind, Outcome: outcome,
		Dispute: &topics.DisputeReport{Reference: reference},
	}})
}

func (w *world) commanded(reference string, kind topics.DisputeCommandType, take func(string, string) string) []string {
	id := topics.DisputeIDOf(tenant, w.payment.ID, psp, reference)
	c := topics.DisputeCommand{
		CommandID: uuid.NewV5(uuid.NamespaceURL, fmt.Sprint("command", w.position)).String(), Type: kind, Tenant: tenant, Region: take("region", ""),
		CustomerID: take("customer", customer), DisputeID: id.String(), RequestedBy: "bob",
	}
	if kind == topics.DisputeSubmitEvidence {
		c.Evidence = &topics.DisputeEvidence{Text: "The customer used it.\nSee the log.", Documents: []topics.EvidenceDocument{{Kind: "receipt", Reference: "file_1"}}}
	}
	if issued := take("issued", ""); issued != "" {
		c.IssuedAt = w.now.Add(-w.duration(issued))
	}
	return w.input(reference, &disputes.Input{Command: &topics.AssessedDisputeCommand{Command: c, Refusal: c.Validate()}})
}

// timer lets the dispute's timer run out.
func (w *world) timer(reference string) []string {
	p := w.disputes[reference]
	if p == nil || p.Timer.Kind == "" {
		return []string{"no timer is held"}
	}
	if w.now.Before(p.Timer.Due) {
		w.now = p.Timer.Due
	}
	return w.input(reference, &disputes.Input{Timer: &topics.TimerDue{
		Kind: p.Timer.Kind, Generation: p.Timer.Generation, Tenant: tenant, CustomerID: customer, PaymentID: p.ID.String(), Due: p.Timer.Due,
	}})
}
