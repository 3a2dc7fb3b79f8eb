package payouts_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/payouts"
	"github.com/weirhq/weir/topics"
)

// fate is what the PSP really did with a request, whatever it says of it and when.
type fate struct {
	payout   string
	request  string
	outcome  topics.PSPOutcome // approved, declined, failed or not_found: what it did
	returned bool              // approved, and it comes back once the PSP says so
	told     bool              // the PSP has said that it came back
	liar     bool              // it paid, and the gateway says first that nothing was sent
}

// modelPSP answers for the requests that the payouts of a world make.
type modelPSP struct {
	*world
	t     *rapid.T
	fates map[string]*fate
	order []string // requests
}

// meet decides on the fate of the requests that are new.
func (m *modelPSP) meet() {
	for name, requests := range m.requests {
		for _, request := range requests {
			if m.fates[request] != nil {
				continue
			}
			f := &fate{payout: name, request: request, outcome: rapid.SampledFrom([]topics.PSPOutcome{topics.PSPApproved, topics.PSPApproved,
				topics.PSPDeclined, topics.PSPFailed, topics.PSPNotFound}).Draw(m.t, "fate")}
			if f.outcome == topics.PSPApproved {
				f.returned = rapid.IntRange(0, 3).Draw(m.t, "returned") == 0
				f.liar = rapid.IntRange(0, 9).Draw(m.t, "liar") == 0
			}
			m.fates[request] = f
			m.order = append(m.order, request)
		}
	}
}

// say reports of a request: the truth, or that nothing is known yet.
func (m *modelPSP) say(f *fate, outcome topics.PSPOutcome, source topics.ReportSource) {
	p := m.payouts[f.payout]
	r := &topics.PSPReport{ReportID: id(fmt.Sprint("r", m.position)), Source: source, PSP: "sandbox", Tenant: "acme", CustomerID: "anna",
		PaymentID: p.ID.String(), RequestID: f.request, Operation: topics.OperationPayout, Outcome: outcome, PSPReference: "ref_" + f.request}
	switch outcome {
	case topics.PSPApproved, topics.PSPReversed:
		r.Amount, r.Currency = p.Amount, string(p.Currency)
	case topics.PSPFailed:
		r.DeclineCode = topics.DeclineNotSent
	}
	f.told = f.told || outcome == topics.PSPReversed
	m.input(f.payout, &payouts.Input{Report: r})
	m.meet()
}

// truth is what the PSP says in the end.
func (f *fate) truth() topics.PSPOutcome {
	if f.returned {
		return topics.PSPReversed
	}
	return f.outcome
}

func (m *modelPSP) report(f *fate) {
	said := rapid.SampledFrom([]topics.PSPOutcome{topics.PSPUnknown, topics.PSPPending, f.outcome, f.outcome, f.truth()}).Draw(m.t, "said")
	if f.liar && rapid.Bool().Draw(m.t, "lies") {
		said = topics.PSPFailed
	}
	source := topics.SourceResponse
	if said == topics.PSPNotFound {
		source = topics.SourcePoll
	}
	m.say(f, said, source)
}

// TestPayoutsAgainstModel lets payouts be asked for, decided on, sent, lost, lied about and returned, in any order, and checks
// after each step that the wallet is never below zero and that what is held is what open payouts have set aside. In the end
// every payout has ended, and the books say what the PSP did: nothing was paid that is not booked, and nothing twice without a
// case.
func TestPayoutsAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		m := &modelPSP{world: w, t: t, fates: map[string]*fate{}}
		var brought int64
		for i := range rapid.IntRange(1, 50).Draw(t, "steps") {
			w.now = w.now.Add(time.Duration(rapid.IntRange(0, 1800).Draw(t, "seconds")) * time.Second)
			var names []string
			for n := range i {
				if name := fmt.Sprint("p", n); w.payouts[name] != nil {
					names = append(names, name)
				}
			}
			switch what := rapid.IntRange(0, 9).Draw(t, "what"); {
			case what == 0 || i == 0:
				amount := rapid.Int64Range(1, 100).Draw(t, "deposited")
				w.deposit("sandbox", rapid.SampledFrom([]string{"tok_1", "tok_2"}).Draw(t, "card"), "EUR", amount)
				brought += amount
			case what == 1 && w.balance("EUR").Available > 0:
				amount := rapid.Int64Range(1, w.balance("EUR").Available).Draw(t, "lost")
				w.game("EUR", -amount)
				brought -= amount
			case what <= 4:
				m.create(fmt.Sprint("p", i))
			case what <= 6 && len(m.order) > 0:
				m.report(m.fates[rapid.SampledFrom(m.order).Draw(t, "of")])
			case what == 7 && len(names) > 0:
				w.timer(rapid.SampledFrom(names).Draw(t, "timer"))
			case len(names) > 0:
				m.person(rapid.SampledFrom(names).Draw(t, "payout"))
			}
			m.meet()
			m.holds()
		}
		m.settle()
		m.books(brought)
	})
}

func (m *modelPSP) create(name string) {
	c := topics.PayoutCommand{Type: topics.PayoutCreate, Tenant: "acme", CustomerID: "anna", CommandID: id(name), Currency: "EUR",
		Amount: rapid.Int64Range(1, 60).Draw(m.t, "asked"), RequestedBy: "ana"}
	before := m.balance("EUR")
	decision := &topics.Decision{Outcome: rapid.SampledFrom([]topics.Outcome{topics.OutcomePass, topics.OutcomePass, topics.OutcomeHold, topics.OutcomeBlock}).Draw(m.t, "decision")}
	m.input(name, &payouts.Input{Command: &topics.AssessedPayoutCommand{Command: c, Decision: decision}})
	p, after := m.payouts[name], m.balance("EUR")
	taken := int64(0)
	if p != nil && p.Mark != topics.PayoutStatusBlocked {
		taken = c.Amount
	}
	if before.Available-after.Available != taken {
		m.t.Fatalf("a payout of %d took %d from the wallet", c.Amount, before.Available-after.Available)
	}
	if p == nil && m.events[0].Refusal == topics.RefusedInsufficientFunds && before.Available >= c.Amount {
		m.t.Fatalf("%d is available, a payout of %d was refused", before.Available, c.Amount)
	}
}

func (m *modelPSP) person(name string) {
	c := topics.PayoutCommand{Type: rapid.SampledFrom([]topics.PayoutCommandType{topics.PayoutApprove, topics.PayoutReject, topics.PayoutCancel}).Draw(m.t, "person"),
		Tenant: "acme", CustomerID: "anna", CommandID: id(fmt.Sprint("person", m.position)), PayoutID: m.payouts[name].ID.String()}
	if c.Type == topics.PayoutApprove {
		c.ApprovedBy = "ben"
	}
	open := m.payouts[name].Status()
	m.input(name, &payouts.Input{Command: &topics.AssessedPayoutCommand{Command: c}})
	if status := m.payouts[name].Status(); status == topics.PayoutStatusCancelled && open != status && open != topics.PayoutStatusHeld && open != topics.PayoutStatusQueued {
		m.t.Fatalf("a payout that was %s is cancelled", open)
	}
}

// holds checks what must hold at any time.
func (m *modelPSP) holds() {
	b, held := m.balance("EUR"), int64(0)
	for _, p := range m.payouts {
		held += p.Reserved()
	}
	if b.Available < 0 || b.Held != held || b.Debt < 0 {
		m.t.Fatalf("U1: available %d, owed %d, held %d; payouts have set %d aside", b.Available, b.Debt, b.Held, held)
	}
	for name, p := range m.payouts {
		if open := len(m.requests[name]); open > 0 && p.Status() == topics.PayoutStatusSent {
			for _, request := range m.requests[name][:open-1] {
				if f := m.fates[request]; f.outcome == topics.PSPApproved && !f.liar {
					m.t.Fatalf("%s was asked for again, and its request %s had been paid", name, request)
				}
			}
		}
	}
}

// settle lets the PSP say the truth about everything, persons refuse what is held, and all timers run out.
func (m *modelPSP) settle() {
	for range 2000 {
		busy := false
		for name, p := range m.payouts {
			if p.Status() == topics.PayoutStatusHeld || p.Timer.Kind != "" {
				busy = true
				m.timer(name)
				m.meet()
			}
		}
		for _, request := range m.order {
			f := m.fates[request]
			source := topics.SourceResponse
			if f.outcome == topics.PSPNotFound {
				source = topics.SourcePoll
			}
			m.say(f, f.outcome, source)
			if f.returned && !f.told {
				m.say(f, topics.PSPReversed, source)
			}
		}
		if !busy {
			return
		}
	}
	m.t.Fatal("the payouts do not end")
}

// books compares the books with what the PSP did.
func (m *modelPSP) books(brought int64) {
	var paid, taken int64
	times := map[string]int{}
	for _, f := range m.fates {
		if f.outcome == topics.PSPApproved && !f.returned {
			paid += m.payouts[f.payout].Amount
			times[f.payout]++
		}
	}
	for name, p := range m.payouts {
		if !payouts.Final(p.Status()) {
			m.t.Fatalf("%s ends %s", name, p.Status())
		}
		if (p.Status() == topics.PayoutStatusPaid) != (times[name] > 0) {
			m.t.Fatalf("%s is %s; the PSP paid it %d times", name, p.Status(), times[name])
		}
		taken += min(p.Amount*int64(times[name]), p.Data.Destination.Amount)
		if times[name] > 1 && p.Cases == 0 {
			m.t.Fatalf("%s was paid %d times, and no case was opened", name, times[name])
		}
	}
	b := m.balance("EUR")
	if got := b.Available + b.Held - b.Debt; got != brought-paid || b.Held != 0 {
		m.t.Fatalf("the customer has %d and owes %d, %d held; brought %d, the PSP paid %d", b.Available, b.Debt, b.Held, brought, paid)
	}
	flight := customerIn("EUR").System(ledger.PayoutsInFlight).ID()
	if left := m.balances.Balance(flight); left != 0 {
		m.t.Fatalf("%d is in flight in the end", left)
	}
	var out int64
	for i := range m.sources.All {
		out += m.sources.All[i].PaidOut
	}
	if out != taken {
		m.t.Fatalf("sources say that %d of what was deposited was paid out, the PSP paid %d of it", out, taken)
	}
}
