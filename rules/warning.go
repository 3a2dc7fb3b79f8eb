package rules

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/weirhq/weir/topics"
)

// Warnings are what is right as it stands and may not be what was meant, by file, line and column. They keep no set from
// coming into force.
func (s *Set) Warnings() Problems { return s.warnings }

// warn notes a warning.
func (c *compiler) warn(s *source, at place, hint, format string, args ...any) {
	of := *s
	of.problems = &c.set.warnings
	of.fail(at, hint, format, args...)
}

// lackedByAuthorize warns of a rule that looks at authorize commands and reads what these do not have.
func (c *compiler) lackedByAuthorize(d *condition) {
	if !d.appliesTo(topics.CommandAuthorize) || d.failed {
		return
	}
	for _, name := range sortedNames(d.reads) {
		switch {
		case d.asks[name]:
		case name == "payment.amount", name == "payment.currency", name == "payment.capture_method", name == "payment.method", name == "payment.initiator", strings.HasPrefix(name, "card."), strings.HasPrefix(name, "bin."):
			c.warn(d.source, d.at["commands"], "leave authorize out, or ask with known("+name+") where the field may be missing",
				"an authorize command has no %s: there the rule asks for %s, as on_missing says", name, cmp.Or(d.OnMissing, topics.OutcomeHold))
			return
		}
	}
}

// lackedByEvents warns of a rule for all customer events that reads what only some have: for every other, a login say, it would
// ask for what its on_missing says.
func (c *compiler) lackedByEvents(d *condition) {
	if d.Stage != topics.StageEvent || d.failed || d.reads["event.type"] || d.OnMissing == topics.OutcomePass {
		return
	}
	for _, name := range []string{"event.amount", "event.duration", fieldEventMetadata} {
		if d.reads[name] && !d.asks[name] {
			c.warn(d.source, d.at["when"], fmt.Sprintf(`say which events have it, such as event.type == "session_end" && …, or known(%s) && …`, name),
				"most events have no %s: for each of them the rule asks for %s", name, d.OnMissing)
			return
		}
	}
}
