package topics

import "time"

// TypeRuleDeployment is the kind of record that risk.rules.v1 holds.
const TypeRuleDeployment = "weir.rules.deployment.v1"

// The keys of risk.rules.v1, besides RuleSetKey and RuleHistoryKey.
const (
	RulesLive      = "live"      // the set that decides
	RulesCandidate = "candidate" // the set that is evaluated beside it and cannot change an outcome
	RulesProposed  = "proposed"  // the set that waits for a second person's approval; without a value: none does
)

// RulesDropped is the slot, in the history, of a proposal that never came into force.
const RulesDropped = "dropped"

// RuleSetKey is the key under which a set stays for ever, so that one can go back to it and recompute what it decided.
func RuleSetKey(hash string) string { return "set-" + hash }

// RuleHistoryKey is the key under which it stays for ever that a set came into force.
func RuleHistoryKey(at time.Time) string {
	return "history-" + at.UTC().Format("20060102T150405.000000000Z")
}

// RuleDeployment is the value of risk.rules.v1: a rule set and who put it into force.
type RuleDeployment struct {
	Slot    string    `json:"slot"`     // live or candidate: what it is deployed as; of a proposal, what it would be; dropped: a proposal that never was
	RuleSet string    `json:"rule_set"` // content hash, as in the decisions of the set
	Rules   int       `json:"rules"`    // how many there are
	At      time.Time `json:"at"`
	Author  string    `json:"author"`
	// Approver is the second person, where one has approved.
	Approver string `json:"approver,omitempty"`
	// OnePerson says that, after this set, one person alone may deploy. Otherwise what two people agreed to is followed only by
	// what two people agree to, whatever the configuration of who deploys says.
	OnePerson bool `json:"one_person,omitempty"`
	// RolledBackBy is who went back to the set; author and approver are then those of its first deployment.
	RolledBackBy string `json:"rolled_back_by,omitempty"`
	Comment      string `json:"comment"`
	// Archive is the text of the set's files: JSON, compressed with zstd. It is left out in the history.
	Archive []byte `json:"archive,omitempty"`
}
