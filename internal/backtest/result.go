package backtest

import (
	"time"

	"github.com/weirhq/weir/topics"
)

// Result is what a backtest found out. Where something has no answer it is nil, never zero.
type Result struct {
	RuleSet  string  `json:"rule_set"`
	Baseline string  `json:"baseline,omitempty"`
	Sources  Sources `json:"sources"`
	History  History `json:"history"`
	Warmup   Warmup  `json:"warmup"`
	// Measured is how many attempts all that follows is about: those after the warm-up.
	Measured int64        `json:"measured"`
	Outcomes []OutcomeRow `json:"outcomes"` // strongest first
	Rules    []RuleRow    `json:"rules"`    // in the order of the set
	Overlap  []Overlap    `json:"overlap"`  // most common first
	Days     []Day        `json:"days"`
	Labels   *Labelled    `json:"labels,omitempty"`
	Stopped  []Stopped    `json:"stopped,omitempty"` // with labels: block, then with hold, then with step_up
	Score    *Score       `json:"score,omitempty"`   // with labels
	Cards    *TopCards    `json:"top_cards,omitempty"`
	Changes  *Changes     `json:"changes,omitempty"` // with a baseline
	Notes    []string     `json:"notes,omitempty"`   // what has no answer, and why
}

// Sources are where all of it came from, so that a report that is mailed tells what it is about.
type Sources struct {
	Rules    []string `json:"rules"`              // files of the set
	Baseline []string `json:"baseline,omitempty"` // files
	History  string   `json:"history"`            // a file or topic; - is standard input
	Labels   string   `json:"labels,omitempty"`   // a file
}

// History is what was read.
type History struct {
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
	Attempts  int64     `json:"attempts"`
	Custom    int64     `json:"custom_events"`
	Outcomes  int64     `json:"outcomes"` // on lines of their own, or in columns
	Unmatched int64     `json:"unmatched_outcomes"`
}

// Warmup is the time at the beginning in which velocity does not know enough, and which nothing measures.
type Warmup struct {
	Seconds    int64        `json:"seconds"`
	Until      time.Time    `json:"until"`
	Attempts   int64        `json:"attempts"`
	Incomplete []Incomplete `json:"incomplete,omitempty"`
}

// Incomplete is a velocity definition whose answers were too low in a part of what is measured.
type Incomplete struct {
	Velocity string    `json:"velocity"`
	Until    time.Time `json:"until"`
}

// Counts are attempts and their amounts, and by labels, where there are any, those of fraud and of good ones.
type Counts struct {
	Attempts int64   `json:"attempts"`
	Amounts  Amounts `json:"amounts"`
	Fraud    int64   `json:"fraud"`
	Frauds   Amounts `json:"fraud_amounts"`
	Good     int64   `json:"good"`
	Goods    Amounts `json:"good_amounts"`
}

// OutcomeRow is one outcome.
type OutcomeRow struct {
	Outcome topics.Outcome `json:"outcome"`
	Counts
}

// RuleRow is what one rule said.
type RuleRow struct {
	Rule    string         `json:"rule"`
	File    string         `json:"file"`
	Line    int            `json:"line"`
	Outcome topics.Outcome `json:"outcome,omitempty"` // that it asks for; a score card's is in its bands
	Shadow  bool           `json:"shadow,omitempty"`
	Hits    int64          `json:"hits"`
	Misses  int64          `json:"misses"`
	Missing int64          `json:"missing"`
	Errors  int64          `json:"errors"`
	// Alone is how many of its hits no other rule that is in force hit.
	Alone int64 `json:"alone"`
	Fraud int64 `json:"fraud"` // among its hits
	Good  int64 `json:"good"`
}

// Overlap is how often two rules hit together.
type Overlap struct {
	Rules [2]string `json:"rules"`
	Both  int64     `json:"both"`
	// Of is how many attempts either hit.
	Of int64 `json:"of"`
}

// Day is one day, in UTC.
type Day struct {
	Date     string                   `json:"date"`
	Outcomes map[topics.Outcome]int64 `json:"outcomes"`
	Fraud    int64                    `json:"fraud"`
	Warmup   bool                     `json:"warmup,omitempty"` // all of it
}

// Labelled is what is known of the measured attempts.
type Labelled struct {
	Fraud int64 `json:"fraud"`
	Good  int64 `json:"good"`
	// Unlabelled attempts are in no measure.
	Unlabelled int64 `json:"unlabelled"`
	// NotFound are labels of attempts that are not in the history.
	NotFound int64 `json:"not_found"`
	// Assumed says that what is not listed counts as good: the file has no column fraud.
	Assumed bool `json:"assumed_good"`
	// Delay is the time, in days, within which nine of ten frauds became known, where the labels say when.
	Delay *int64 `json:"delay_days,omitempty"`
	// Young are the measured attempts younger than Delay when the last label came: some of their fraud is not known yet.
	Young int64 `json:"young,omitempty"`
}

// Stopped is the confusion matrix of those outcomes that stop a payment: fraud stopped, fraud passed, good stopped,
// good passed; with what they come to.
type Stopped struct {
	By          []topics.Outcome `json:"by"`
	FraudHit    int64            `json:"fraud_stopped"`
	FraudMissed int64            `json:"fraud_passed"`
	GoodHit     int64            `json:"good_stopped"`
	GoodMissed  int64            `json:"good_passed"`
	Blocked     Amounts          `json:"fraud_stopped_amounts"`
	Hindered    Amounts          `json:"good_stopped_amounts"`
	Lost        Amounts          `json:"fraud_passed_amounts"` // what the labels say it cost, else the payment's amount
	Precision   *float64         `json:"precision,omitempty"`
	Recall      *float64         `json:"recall,omitempty"`
	F1          *float64         `json:"f1,omitempty"`
	// GoodPerFraud is how many good payments are stopped for each fraud that is.
	GoodPerFraud *float64 `json:"good_per_fraud,omitempty"`
}

// Score is how well the score tells fraud from good, whatever the outcomes.
type Score struct {
	AveragePrecision float64 `json:"average_precision"`
	AUC              float64 `json:"roc_auc"`
	Bins             []Bin   `json:"bins"`  // of equal width, lowest first
	Curve            []Point `json:"curve"` // highest threshold first
}

// Bin counts the attempts with a score from From to To.
type Bin struct {
	From  int64 `json:"from"`
	To    int64 `json:"to"`
	Fraud int64 `json:"fraud"`
	Good  int64 `json:"good"`
}

// Point is what stopping every attempt with at least a score would have come to.
type Point struct {
	Score     int64   `json:"score"`
	Recall    float64 `json:"recall"` // also the true positive rate
	Precision float64 `json:"precision"`
	FalseRate float64 `json:"false_positive_rate"`
}

// TopCards is what a team finds that looks at the K cards with the highest scores each day.
type TopCards struct {
	K         int     `json:"k"`
	Days      int     `json:"days"`
	Precision float64 `json:"precision"` // the mean over the days of frauds found among K
	Found     int64   `json:"cards_found"`
	Cards     int64   `json:"fraud_cards"` // that had fraud
	Unranked  int64   `json:"unranked"`    // attempts without a card.fingerprint
}

// Changes are the decisions that differ from the baseline's.
type Changes struct {
	Attempts    int64        `json:"attempts"`
	Transitions []Transition `json:"transitions"` // most attempts first
}

// Transition is a change from one outcome to another.
type Transition struct {
	From topics.Outcome `json:"from"`
	To   topics.Outcome `json:"to"`
	Counts
	Examples []Example `json:"examples"` // the largest amounts
}

// Example is one decision that differs.
type Example struct {
	ID     string    `json:"id"`
	Time   time.Time `json:"time"`
	Amount string    `json:"amount"`
	Fraud  *bool     `json:"fraud,omitempty"`
	Rules  []string  `json:"rules"` // what made the difference
}

// Precision is the share of fraud among the labelled hits; nil where there are none.
func (r RuleRow) Precision() *float64 { return quotient(r.Fraud, r.Fraud+r.Good) }

// Label is fraud or good, "" where that is not known.
func (e Example) Label() string {
	switch {
	case e.Fraud == nil:
		return ""
	case *e.Fraud:
		return "fraud"
	}
	return "good"
}
