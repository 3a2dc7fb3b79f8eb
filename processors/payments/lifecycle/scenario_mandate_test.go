package lifecycle_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// TestMandateScenarios runs each scenario of testdata/scenarios/mandates.
func TestMandateScenarios(t *testing.T) { runScenarios(t, scenarioDir+"/mandates") }

// mandateOf reads what a create command says of mandates: setup=recurring with max= and until=, and by=p1, the payment that
// set the mandate up.
func (w *world) mandateOf(a *args, c *topics.Command) error {
	var lasts time.Duration
	kind, most, by := a.option("setup"), a.option("max"), a.option("by")
	if err := a.duration("until", &lasts); err != nil {
		return err
	}
	if kind != "" {
		c.SetupMandate = &topics.MandateTerms{Kind: topics.MandateKind(kind), Description: "one a month"}
		if lasts != 0 {
			c.SetupMandate.ExpiresAt = w.now.Add(lasts)
		}
	}
	if most != "" {
		money, err := ledger.ParseMoney(most + " " + c.Currency)
		if err != nil || c.SetupMandate == nil {
			return errors.Join(err, fmt.Errorf("max=%s: want an amount beside setup=", most))
		}
		c.SetupMandate.MaxAmount = money.Minor
	}
	if by != "" {
		id := topics.PaymentID{UUID: uuid.NewV5(uuid.Nil, by)}
		if p := w.payments[by]; p != nil {
			id = p.ID
		}
		c.Mandate, c.Card = id.MandateID(), nil
	}
	return nil
}

// mandate is the payment that set up the mandate which an input for a payment has to do with, and its name.
func (w *world) mandate(name string, in *lifecycle.Input) (string, *lifecycle.Payment) {
	id, ok := w.payments[name].ByMandate()
	if c := in.Command; c != nil && c.Command.Mandate != "" {
		var err error
		if id, err = topics.ParseMandateID(c.Command.Mandate); err != nil {
			return "", nil
		}
		ok = true
	}
	for name, p := range w.payments {
		if ok && p.ID == id {
			return name, p
		}
	}
	return "", nil
}

// describeMandate writes what an event says of a mandate.
func describeMandate(b *strings.Builder, e *topics.PaymentEvent) {
	if c := e.Created; c != nil && c.SetupMandate != nil {
		fmt.Fprintf(b, ", sets up a mandate: %s", c.SetupMandate.Kind)
	}
	if c := e.Created; c != nil && c.Mandate != nil {
		fmt.Fprintf(b, ", by a mandate at %s: %s", c.Mandate.PSP, c.Mandate.Kind)
	}
	if m := e.Mandate; m != nil {
		fmt.Fprintf(b, ", its mandate is %s", m.Status)
		if e.Detail != "" {
			fmt.Fprintf(b, " (%s)", e.Detail)
		}
	}
	if r := e.Retry; r != nil {
		fmt.Fprintf(b, ", again in %s, %d made, %d left", shortDuration(r.At.Sub(e.At)), r.Attempts, r.Left)
	}
}
