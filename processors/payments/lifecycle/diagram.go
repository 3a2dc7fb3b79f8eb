package lifecycle

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weirhq/weir/topics"
)

// Mermaid draws the table as a state diagram. Steps that cannot change the status, refusals and facts that come late are
// left out; Markdown lists them all.
func Mermaid() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	for _, e := range edges() {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", e.from, e.to, strings.Join(e.on, ", "))
	}
	for _, status := range everyStatus() {
		if Final(status) {
			fmt.Fprintf(&b, "    %s --> [*]\n", status)
		}
	}
	return b.String()
}

type edge struct {
	from, to string
	on       []string
}

// edges are the arrows in the order of the table; arrows between the same two statuses are one.
func edges() []edge {
	var all []edge
	for _, step := range table {
		if step.Refuse != "" || step.Late {
			continue
		}
		for _, from := range step.From {
			for _, to := range step.To {
				if from == to {
					continue
				}
				all = connect(all, name(from), name(to), step.On)
			}
		}
	}
	return all
}

func connect(all []edge, from, to string, on []Trigger) []edge {
	i := slices.IndexFunc(all, func(e edge) bool { return e.from == from && e.to == to })
	if i < 0 {
		all = append(all, edge{from: from, to: to})
		i = len(all) - 1
	}
	for _, trigger := range on {
		if s := trigger.label(); !slices.Contains(all[i].on, s) {
			all[i].on = append(all[i].on, s)
		}
	}
	return all
}

// label is the trigger without a colon, which ends a label in Mermaid.
func (t Trigger) label() string {
	switch t.Source {
	case FromReport:
		return "PSP " + t.What + " " + string(t.Outcome)
	case FromPSP:
		return "PSP itself " + t.What
	case FromReview:
		return "review " + t.What
	}
	return t.String()
}

func name(s topics.PaymentStatus) string {
	if s == none {
		return "[*]"
	}
	return string(s)
}

func everyStatus() []topics.PaymentStatus {
	return statuses{created, held, blocked, rejected, asking, queued, acting, unknown, declined, reviewing, authorized, partly, captured,
		partlyBack, refunded, voided, expired, cancelled}
}

// Markdown is the whole table.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| input | from | event | to |\n|---|---|---|---|\n")
	for _, step := range table {
		on := make([]string, len(step.On))
		for i, trigger := range step.On {
			on[i] = trigger.String()
		}
		event, to := "`"+string(step.Event)+"`", list(step.To)
		if len(step.To) == 0 {
			to = "the same"
		}
		if step.Refuse != "" {
			event, to = "refused: `"+string(step.Refuse)+"`", "the same"
		}
		if step.Late {
			event += ", `case_opened`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", strings.Join(on, "; "), list(step.From), event, to)
	}
	return b.String()
}

func list(all []topics.PaymentStatus) string {
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = string(s)
		if s == none {
			names[i] = "(none)"
		}
	}
	return strings.Join(names, ", ")
}
