package disputes_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"pgregory.net/rapid"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/disputes"
	"github.com/weirhq/weir/topics"
)

// dumb is what anybody could add up: every movement of money once, by its dispute and name, and what was refunded.
type dumb struct {
	movements map[string]map[string]int64 // signed as the customer sees them: below zero where it was taken
	fees      map[string]int64
	amounts   map[string]bool // disputes of which any amount was told
	spent     int64
	captured  int64
}

// disputed is what disputes took, and what they gave back that they did not take: neither makes up for the other.
func (m *dumb) disputed() (taken, ahead int64) {
	for _, movements := range m.movements {
		var sum int64
		for _, amount := range movements {
			sum -= amount
		}
		taken, ahead = taken+max(sum, 0), ahead+max(-sum, 0)
	}
	return taken, ahead
}

func (m *dumb) charged() (sum int64) {
	for _, amount := range m.fees {
		sum += amount
	}
	return sum
}

// hold compares the books and the payment with the dumb model.
func (m *dumb) hold(w *world) {
	p := w.payment
	var atRisk, taken int64
	disputed, ahead := m.disputed()
	for _, d := range w.disputes {
		atRisk += d.AtRisk()
		taken += d.Taken()
	}
	if p.Disputing != atRisk || p.Disputed != taken || taken != disputed {
		w.Fatalf("D2: the payment says %d in dispute and %d taken, its disputes %d and %d, the movements %d", p.Disputing, p.Disputed, atRisk, taken, disputed)
	}
	c, s := p.Ledger(), w.standing()
	back := p.Refunded + p.Refunding + disputed
	for _, is := range []struct {
		what      string
		got, want int64
	}{
		{"the customer's wallet less debt", s.Available - s.Debt, max(m.captured-back, 0) - m.spent},
		{"suspense", w.balances.Balance(c.System(ledger.Suspense).ID()), max(back-m.captured, 0) - ahead},
		{"the PSP's receivable", w.balances.Balance(c.System(ledger.PSPReceivable).ID()), m.captured - p.Refunded - disputed + ahead - m.charged()},
		{"chargeback fees", w.balances.Balance(c.System(ledger.ChargebackFees).ID()), m.charged()},
	} {
		if is.got != is.want {
			w.Fatalf("%s: the books have %d, the model %d", is.what, is.got, is.want)
		}
	}
}

// facts has those that move money at its end, and of these the ones that move the customer's first.
var facts = []topics.DisputeFact{
	topics.FactInquiry, topics.FactOpened, topics.FactEvidenceSubmitted, topics.FactPreArbitration, topics.FactArbitration, topics.FactWon, topics.FactLost,
	topics.FactClosed, topics.FactFundsWithdrawn, topics.FactFundsReinstated, topics.FactFee, topics.FactFeeReturned,
}

// TestModel plays anything in any order, and compares with what anybody could add up after each step. That each step is one of
// the table is checked by world.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		m := dumb{movements: map[string]map[string]int64{"d1": {}, "d2": {}}, fees: map[string]int64{}, amounts: map[string]bool{}, captured: 10000}
		w.captured(m.captured, "EUR")
		reference := func() string { return rapid.SampledFrom([]string{"d1", "d2"}).Draw(t, "dispute") }
		t.Repeat(map[string]func(*rapid.T){
			"fact":   func(t *rapid.T) { m.told(t, w, reference(), facts) },
			"funds":  func(t *rapid.T) { m.told(t, w, reference(), facts[8:]) },
			"moved":  func(t *rapid.T) { m.told(t, w, reference(), facts[8:10]) },
			"moved2": func(t *rapid.T) { m.told(t, w, reference(), facts[8:10]) },
			"command": func(t *rapid.T) {
				kind := rapid.SampledFrom([]topics.DisputeCommandType{topics.DisputeAccept, topics.DisputeSubmitEvidence}).Draw(t, "command")
				w.commanded(reference(), kind, func(_, standard string) string { return standard })
			},
			"answer": func(t *rapid.T) {
				if r := reference(); w.disputes[r] != nil && w.disputes[r].Asked != nil {
					outcome := rapid.SampledFrom([]topics.PSPOutcome{topics.PSPApproved, topics.PSPDeclined, topics.PSPFailed, topics.PSPUnknown, topics.PSPNotFound, topics.PSPPending}).Draw(t, "outcome")
					w.answered(r, outcome, topics.SourcePoll)
				}
			},
			"timer": func(*rapid.T) {
				if r := reference(); w.disputes[r] != nil {
					w.timer(r)
				}
			},
			"wait": func(t *rapid.T) {
				w.now = w.now.Add(time.Duration(rapid.IntRange(1, 100).Draw(t, "hours")) * time.Hour)
			},
			"refund": func(t *rapid.T) {
				p := w.payment
				before := p.Refunding
				w.refund(int64(rapid.IntRange(1, 10000).Draw(t, "refund")))
				now := w.payment
				if taken, _ := m.disputed(); now.Refunding > before && now.Refunded+now.Refunding+now.Disputing+taken > now.Captured {
					t.Fatalf("D2: a refund was let through: refunding %d, refunded %d, in dispute %d, taken %d, captured %d", now.Refunding, now.Refunded, now.Disputing, taken, now.Captured)
				}
				for r, d := range w.disputes {
					if open := d.Stage != topics.StageInquiry && d.Status() != topics.DisputeStatusWon && d.Status() != topics.DisputeStatusClosed; open && !m.amounts[r] && now.Refunding > before {
						t.Fatalf("D2: a refund was let through beside dispute %s, of which no amount is known", r)
					}
				}
			},
			"settle": func(t *rapid.T) {
				if w.payment.Refunding > 0 {
					w.settle(rapid.Bool().Draw(t, "well"))
				}
			},
			"spend": func(t *rapid.T) {
				if s := w.standing(); s.Available > 0 {
					amount := int64(rapid.IntRange(1, int(s.Available)).Draw(t, "spend"))
					entry, err := ledger.WalletDebited(w.payment.Ledger(), ledger.GameRevenue, amount)
					w.post(&entry, err)
					m.spent += amount
				}
			},
			"": func(*rapid.T) { m.hold(w) },
		})
	})
}

// told reports a fact, which may be a repeat or in another currency.
func (m *dumb) told(t *rapid.T, w *world, reference string, facts []topics.DisputeFact) {
	fact := rapid.SampledFrom(facts).Draw(t, "fact")
	r := &topics.PSPReport{
		ReportID: uuid.NewV5(uuid.NamespaceURL, fmt.Sprint(w.position)).String(), Source: topics.SourceWebhook, PSP: psp, Tenant: tenant,
		PaymentID: w.payment.ID.String(), Operation: topics.OperationDispute, Outcome: topics.PSPApproved, Currency: "EUR",
		Amount:  int64(rapid.IntRange(0, 12000).Draw(t, "amount")),
		Dispute: &topics.DisputeReport{Reference: reference, Fact: fact, Movement: rapid.SampledFrom([]string{"m1", "m2", "m3"}).Draw(t, "movement")},
	}
	if rapid.IntRange(0, 9).Draw(t, "currency") == 0 {
		r.Currency = "USD"
	}
	if rapid.Bool().Draw(t, "clock") {
		r.OccurredAt = w.now.Add(-time.Duration(rapid.IntRange(0, 200).Draw(t, "ago")) * time.Hour)
	}
	if rapid.Bool().Draw(t, "dated") {
		r.Dispute.EvidenceDue = w.now.Add(time.Duration(rapid.IntRange(-50, 300).Draw(t, "due")) * time.Hour)
	}
	w.input(reference, &disputes.Input{Report: r})
	name := string(fact) + " " + r.Dispute.Movement
	if r.Currency != "EUR" || r.Amount == 0 {
		return
	}
	of, sign := m.movements[reference], int64(1)
	switch fact {
	case topics.FactFundsWithdrawn:
		sign = -1
	case topics.FactFundsReinstated:
	case topics.FactFee:
		of, name = m.fees, reference+name
	case topics.FactFeeReturned:
		of, name, sign = m.fees, reference+name, -1
	default:
		m.amounts[reference] = true
		return
	}
	m.amounts[reference] = m.amounts[reference] || fact == topics.FactFundsWithdrawn
	if _, known := of[name]; !known {
		of[name] = sign * r.Amount
	}
}

// TestAnyOrder tells the facts of a dispute's life in any order, some of them twice: with a PSP's clock, the same comes of it.
func TestAnyOrder(t *testing.T) {
	type told struct {
		fact     topics.DisputeFact
		movement string
		amount   int64
	}
	lives := [][]told{
		{{topics.FactOpened, "", 4000}, {topics.FactFundsWithdrawn, "m1", 4000}, {topics.FactFee, "f", 1500}, {topics.FactEvidenceSubmitted, "", 0},
			{topics.FactWon, "", 0}, {topics.FactFundsReinstated, "m2", 4000}, {topics.FactClosed, "", 0}},
		{{topics.FactInquiry, "", 4000}, {topics.FactOpened, "", 4000}, {topics.FactFundsWithdrawn, "m1", 4000}, {topics.FactEvidenceSubmitted, "", 0},
			{topics.FactFundsReinstated, "m2", 4000}, {topics.FactWon, "", 0}, {topics.FactPreArbitration, "", 0}, {topics.FactFundsWithdrawn, "m3", 4000},
			{topics.FactArbitration, "", 0}, {topics.FactLost, "", 0}},
	}
	rapid.Check(t, func(t *rapid.T) {
		life := rapid.SampledFrom(lives).Draw(t, "life")
		play := func(order []int) string {
			w := newWorld(t)
			w.captured(10000, "EUR")
			for _, i := range order {
				f := life[i]
				w.input("d1", &disputes.Input{Report: &topics.PSPReport{
					ReportID: fmt.Sprint(i), Source: topics.SourceWebhook, PSP: psp, Tenant: tenant, PaymentID: w.payment.ID.String(), Operation: topics.OperationDispute,
					Outcome: topics.PSPApproved, Amount: f.amount, Currency: "EUR", OccurredAt: w.now.Add(time.Duration(i) * time.Hour),
					Dispute: &topics.DisputeReport{Reference: "d1", Fact: f.fact, Movement: f.movement},
				}})
			}
			d, s := w.disputes["d1"], w.standing()
			return fmt.Sprintf("%s, %s, %+v, at risk %d, taken %d; available %d, owed %d; payment %+v", d.Stage, d.Status(), d.Totals, d.AtRisk(), d.Taken(), s.Available, s.Debt, w.payment.Totals())
		}
		inOrder := make([]int, len(life))
		for i := range inOrder {
			inOrder[i] = i
		}
		order := rapid.Permutation(append(inOrder, rapid.SliceOfN(rapid.IntRange(0, len(life)-1), 0, 4).Draw(t, "again")...)).Draw(t, "order")
		if got, want := play(order), play(inOrder); got != want {
			t.Fatalf("told in the order %v:\n%s\nin the order in which it happened:\n%s", order, got, want)
		}
	})
}
