package risk_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// Amounts in several currencies add up, each at the rate of its day; one without a rate leaves the sum without an answer. A
// rule converts the payment's own.
func TestVelocityAddsUpSeveralCurrencies(t *testing.T) {
	yesterday := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	s := newStage(t, fmt.Sprintf(`
version: 1
rates:
  entries:
    - { date: %q, from: EUR, to: USD, rate: 1.25 }
velocity:
  - { name: spent, aggregate: sum, currency: EUR, events: [approved], by: card.fingerprint, window: 24h, reserve: true }
rules:
  - { name: much, when: velocity.spent + payment.amount.to("EUR") >= money("20.00 EUR"), outcome: step_up, on_missing: hold }
`, yesterday))
	s.velocity(nil)
	s.risk()
	e := &events{stage: s}
	pay := func(minor int64, currency ledger.Currency) topics.AssessedCommand {
		c := attempt("fp_1")
		c.Amount, c.Currency = minor, string(currency)
		return s.assess(c)[c.CommandID]
	}
	spent := func(in topics.AssessedCommand, want int64, outcome topics.Outcome) {
		t.Helper()
		if f := in.Features["spent"]; f.Missing != (want < 0) || f.Value != max(want, 0) || in.Decision.Outcome != outcome {
			t.Errorf("%d minor units were spent (missing: %t), the outcome is %s; want %d and %s", f.Value, f.Missing, in.Decision.Outcome, want, outcome)
		}
	}
	first := pay(1000, "USD")
	spent(first, 0, topics.OutcomePass)
	spent(pay(500, "EUR"), 800, topics.OutcomePass)
	// Half of the first is approved: at the rate of the attempt, whatever is in force by then.
	first.Command.Amount = 500
	e.happened(topics.EventAuthorized, first, nil)
	s.await("what was approved takes the place of what was reserved", func() bool {
		in := pay(1, "EUR")
		e.happened(topics.EventBlocked, in, nil)
		v := in.Features["spent"].Value
		return v >= 900 && v < 910 // 4.00 and 5.00, and cents under way
	})
	if in := pay(1375, "USD"); in.Decision.Outcome != topics.OutcomeStepUp { // 11.00 EUR
		t.Errorf("outcome %s, want step_up", in.Decision.Outcome)
	}
	if in := pay(100, "CHF"); in.Decision.Outcome != topics.OutcomeHold || in.Features["spent"].Missing {
		t.Errorf("outcome %s, features %+v; want a hold, as the payment has no rate", in.Decision.Outcome, in.Features)
	}
	spent(pay(100, "EUR"), -1, topics.OutcomeHold)
}
