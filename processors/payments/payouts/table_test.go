package payouts_test

import (
	"os"
	"strings"
	"testing"

	"github.com/weirhq/weir/processors/payments/payouts"
	"github.com/weirhq/weir/topics"
)

const payoutsDocument = "../../../docs/payouts.md"

// TestDocument compares the generated part of the document with the table. -update rewrites it.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile(payoutsDocument)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- generated: table -->\n", "<!-- end: table -->"
	i, j := strings.Index(string(text), begin), strings.Index(string(text), end)
	if i < 0 || j < i {
		t.Fatalf("%s: no %q … %q", payoutsDocument, begin, end)
	}
	document := string(text[:i+len(begin)]) + payouts.Markdown() + string(text[j:])
	if document == string(text) {
		return
	}
	if !*update {
		t.Fatalf("%s differs from the transition table: run go test ./processors/payments/payouts -run TestDocument -update", payoutsDocument)
	}
	if err := os.WriteFile(payoutsDocument, []byte(document), 0o644); err != nil {
		t.Fatal(err)
	}
}

// follows fails where an input led from one status to another in a way that the table does not know.
func (w *world) follows(in *payouts.Input, before, after topics.PayoutStatus) {
	changed := before != after
	for i := range w.events {
		switch w.events[i].Type {
		case topics.PayoutCommandRefused, topics.PayoutCaseOpened:
		default:
			changed = true
		}
	}
	if !changed {
		return
	}
	var on payouts.Trigger
	switch {
	case in.Command != nil:
		on = payouts.Trigger{Source: payouts.FromCommand, What: string(in.Command.Command.Type)}
	case in.Timer != nil:
		on = payouts.Trigger{Source: payouts.FromTimer, What: string(in.Timer.Kind)}
	default:
		on = payouts.Trigger{Source: payouts.FromReport, Outcome: in.Report.Outcome}
		if on.Outcome == topics.PSPNotFound {
			on.Outcome = topics.PSPFailed // which it proves
		}
	}
	if step := payouts.Find(on, before); step == nil || !step.Leads(before, after) {
		w.Fatalf("%s led from %q to %q, which the table does not know", on, before, after)
	}
}
