package rules

import (
	"regexp"
	"time"

	"github.com/weirhq/weir/topics"
)

// Limits of a rule set. One that is exceeded is a problem of the file, never a truncation.
const (
	maxFileBytes   = 1 << 20
	maxLineBytes   = 16 << 10 // YAML takes time that grows with the square of what is nested in a line
	maxRules       = 2_000
	MaxListEntries = 250_000 // of a file; and that a tenant's edits, or everyone's, add to a list
	maxListBytes   = 16 << 20
	maxTests       = 100 // of one rule
	maxWhen        = 4096
	maxScore       = 1_000_000
	maxNameLength  = 64
)

// Version is the format of a rule file.
const Version = 1

// nameForm is how rules, reasons, tags, lists and limits are named.
var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// Rule is one rule as it stands in its file.
type Rule struct {
	Name        string
	Description string
	Owner       string
	Stage       topics.Stage         // at which it is evaluated
	Commands    []topics.CommandType // before authorisation, those that it is evaluated for: create, authorize; by default create
	When        string               // the condition, in CEL
	Outcome     topics.Outcome
	Overridable bool   // false: a block that no allow can lift
	Reason      string // the code that the decision carries; by default the name
	Score       int64  // added to the decision's score on a hit
	// OnMissing is what the rule asks for where a field that it reads is missing; "" where none can be.
	OnMissing topics.Outcome
	OnError   topics.Outcome // where evaluating fails
	Enabled   bool
	Shadow    bool   // evaluated and recorded, and never asks for anything
	Breaker   *Bound // puts it in the shadow where it blocks too much; nil: nothing does
	Rollout   int    // percentage of the customers it is in force for; 0: all
	// It is in force from ValidFrom to just before ValidUntil, by the time of the command's record; zero: unbounded.
	ValidFrom, ValidUntil time.Time
	Scope
	Tags  []string
	Tests []Test
	File  string
	Line  int
}

// Limit is a named amount for each of several currencies.
type Limit struct {
	Name    string
	Amounts []string // "250.00 EUR"
}

// Test is an inline test of a rule or of a file.
type Test struct {
	Name   string
	Given  map[string]string // values by field name; a field that is not given is missing
	Now    time.Time         // for the expiry of list entries; zero: none has expired
	Expect string            // of a rule: hit, miss, missing or error; of a file: an outcome
	Rules  []string          // of a file: the rules that hit, in order; nil: any

	// Tenant and region of the file, where the test gives none, and its stage.
	tenant, region string
	stage          topics.Stage
	at             place
	source         *source
	given          []given // as parsed, until the fields are known
}

// given is a value that a test gives to a field.
type given struct {
	name, value     string
	nameAt, valueAt place
}

func (r *Rule) appliesTo(t topics.CommandType) bool {
	for _, c := range r.Commands {
		if c == t {
			return true
		}
	}
	return false
}
