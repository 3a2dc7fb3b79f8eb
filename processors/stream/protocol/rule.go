package protocol

// Rule is one rule of the ownership protocol. Off, it does what its comment says instead.
type Rule uint16

const (
	// FenceFirst (O1): InitProducerId fences the former owner and aborts its transaction before anything is read.
	// Off: the owner joins under the current epoch.
	FenceFirst Rule = 1 << iota
	// PublishedBeforeApplied (O1): N is read before M. Off: M first.
	PublishedBeforeApplied
	// StateAfterApplied (O1): the state is loaded after M was read. Off: before.
	StateAfterApplied
	// SameInbox (O1): another topic id or another hash at M-1 stops the owner. Off: it goes on at M.
	SameInbox
	// DenseInbox (O3): the first record must be exactly M. Off: it takes the first that is there.
	DenseInbox
	// DatabaseFence (O3): the transaction moves M from the expected value or fails. Off: it sets M.
	DatabaseFence
	// DatabaseFirst (O3): nothing is produced before its commit is acknowledged. Off: produced first.
	DatabaseFirst
	// UnknownReopens (O3): an unanswered commit sends the owner back to O1. Off: it is taken for committed.
	UnknownReopens
	// FailureForgets (O3): a failed fence sends the owner back to O1. Off: it reads M again and keeps its memory.
	FailureForgets
	// EncodeFirst (O3): an output that cannot be produced is found before the database commit, and the record is
	// dead-lettered. Off: found when it is produced.
	EncodeFirst
	// LogIsPublished (O2): what is caught up is read from the log. Off: it is decided again.
	LogIsPublished
	// ProduceFailureReopens (O4): a failed produce sends the owner back to O1. Off: the transaction commits without it.
	ProduceFailureReopens
	// CommitErrorReopens (O4): an EndTxn without an answer sends the owner back to O1. Off: it publishes again.
	CommitErrorReopens
	// PositionInside (O4): the position is a part of the transaction. Off: it is written after it.
	PositionInside
	// HighWaterMark (O5): a reader of uncommitted records drops what is not above its mark. Off: it takes them all.
	HighWaterMark

	allRules = HighWaterMark<<1 - 1
)

var ruleNames = [...]string{
	"FenceFirst", "PublishedBeforeApplied", "StateAfterApplied", "SameInbox", "DenseInbox", "DatabaseFence",
	"DatabaseFirst", "UnknownReopens", "FailureForgets", "EncodeFirst", "LogIsPublished", "ProduceFailureReopens",
	"CommitErrorReopens", "PositionInside", "HighWaterMark",
}

// String is the name of a single rule.
func (r Rule) String() string {
	for i, name := range ruleNames {
		if r == 1<<i {
			return name
		}
	}
	return "several rules"
}

// AllRules is the protocol as it is implemented.
func AllRules() Rule { return allRules }

// EachRule lists every rule by itself.
func EachRule() []Rule {
	rules := make([]Rule, len(ruleNames))
	for i := range rules {
		rules[i] = 1 << i
	}
	return rules
}
