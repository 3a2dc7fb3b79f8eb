package disputes

import (
	"fmt"
	"slices"
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
		if step.Or != "" {
			event += " or `" + string(step.Or) + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", strings.Join(on, "; "), list(step.From), event, to)
	}
	return b.String()
}

func list(all []topics.DisputeStatus) string {
	switch len(all) {
	case len(known):
		return "any"
	case len(known) - 1:
		missing := slices.IndexFunc(known, func(s topics.DisputeStatus) bool { return !slices.Contains(all, s) })
		return "any but " + string(known[missing])
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
