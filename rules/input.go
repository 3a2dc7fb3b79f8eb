package rules

import (
	"time"

	"github.com/weirhq/weir/topics"
)

// Input is what a decision reads.
type Input struct {
	Command *topics.Command
	// Enrichment is what data files said of the command; nil: nothing, and the fields that it fills are missing.
	Enrichment *topics.Enrichment
	// Features are the velocity answers by name; a name that is not there is missing.
	Features map[string]topics.Feature
	// Now is the time of the command's record. The zero time is before every expiry of a list's entry.
	Now time.Time
	// Tripped are the rules that a Breaker has put in the shadow, as in Decision.Tripped.
	Tripped []string

	everyone bool // inline tests: rules are rolled out to all customers
}
