package disputes

import (
	"fmt"
	"strings"

	"github.com/weirhq/weir/topics"
)

// Markdown is the whole table, for the manual.
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
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", strings.Join(on, "; "), list(step.From), event, to)
	}
	return b.String()
}

func list(all []topics.DisputeStatus) string {
	if len(all) == len(known) {
		return "any"
	}
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = string(s)
		if s == none {
			names[i] = "(none)"
		}
	}
	return strings.Join(names, ", ")
}
