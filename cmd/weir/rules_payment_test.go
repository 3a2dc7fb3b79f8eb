package main

import (
	"strings"
	"testing"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/topics"
)

// TestRulesExplainPayment: what was decided on a payment is told from the event log, with every rule.
func TestRulesExplainPayment(t *testing.T) {
	w := newDeadLetterWorld(t)
	w.start(t)
	value, id := w.create(t, "cus_1")
	w.produce(t, value)
	until(t, func() string { return w.life(t, id) }, "captured")
	explain := func(want int, args ...string) string {
		t.Helper()
		code, out, errOut := weir(t, nil, append([]string{"rules", "explain", "--database-url", w.db.URL()}, args...)...)
		if code != want {
			t.Fatalf("%v: exit %d, want %d\n%s%s", args, code, want, out, errOut)
		}
		return out + errOut
	}
	out := explain(exitOK, id)
	c := config.Default()
	for _, want := range []string{"payment   " + id, "outcome   pass", "rule set  " + configuredRules(&c).Hash(), "RULE ", "unknown_card  hit", "14 other rules missed: embargoed_country"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	payment, err := topics.ParsePaymentID(id)
	if err != nil {
		t.Fatal(err)
	}
	if byCommand := explain(exitOK, payment.UUID.String()); byCommand != out {
		t.Errorf("by the command that created it:\n%s\nby the payment:\n%s", byCommand, out)
	}
	for _, unknown := range []string{"pay_0001_0190a3c45b6d7e8f9a0b1c2d3e4f5a6b", "0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b"} {
		if out := explain(exitProblem, unknown); !strings.Contains(out, "no decision is recorded") {
			t.Error(out)
		}
	}
	explain(exitUsage, "nonsense")
	explain(exitUsage)
}
