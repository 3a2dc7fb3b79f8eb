package lifecycle

import "github.com/weirhq/weir/topics"

// Trigger is an input as the transition table knows it.
type Trigger struct {
	Source  TriggerSource
	What    string            // the command, the operation reported of, or the timer
	Outcome topics.PSPOutcome // of a report
}

// TriggerSource is where an input comes from.
type TriggerSource string

const (
	FromCommand TriggerSource = "command"
	FromReport  TriggerSource = "report"     // of an operation that we asked for
	FromPSP     TriggerSource = "psp itself" // a report of what nobody asked for
	FromTimer   TriggerSource = "timer"
	FromReview  TriggerSource = "review"  // risk's answer on an authorisation
	FromStray   TriggerSource = "stray"   // a report of an attempt that was given up, or of what releases it
	FromUnclear TriggerSource = "unclear" // a report that may be of the payment or of an attempt that was given up
)

// String is the trigger as the diagram and the documents show it: "capture", "capture approved", "expire timer".
func (t Trigger) String() string {
	switch t.Source {
	case FromReport:
		return "PSP: " + t.What + " " + string(t.Outcome)
	case FromPSP:
		return "PSP itself: " + t.What + " " + string(t.Outcome)
	case FromTimer:
		return t.What + " timer"
	case FromReview:
		return "review: " + t.What
	case FromStray:
		return "PSP of an attempt given up: " + t.What + " " + string(t.Outcome)
	case FromUnclear:
		return "PSP asked twice: " + t.What + " of neither attempt"
	}
	return t.What
}

func command(c topics.CommandType) []Trigger {
	return []Trigger{{Source: FromCommand, What: string(c)}}
}

func timer(k topics.TimerKind) []Trigger {
	return []Trigger{{Source: FromTimer, What: string(k)}}
}

func review(outcomes ...topics.Outcome) []Trigger {
	all := make([]Trigger, len(outcomes))
	for i, outcome := range outcomes {
		all[i] = Trigger{Source: FromReview, What: string(outcome)}
	}
	return all
}

// report lists outcomes of one operation. A confirmation is reported as the authorisation that it continues.
func report(op topics.PSPOperation, outcomes ...topics.PSPOutcome) []Trigger {
	return triggers(FromReport, op, outcomes)
}

func stray(op topics.PSPOperation, outcomes ...topics.PSPOutcome) []Trigger {
	return triggers(FromStray, op, outcomes)
}

func itself(op topics.PSPOperation, outcomes ...topics.PSPOutcome) []Trigger {
	return triggers(FromPSP, op, outcomes)
}

func unclear() []Trigger {
	return []Trigger{{Source: FromUnclear, What: "report"}}
}

func triggers(source TriggerSource, op topics.PSPOperation, outcomes []topics.PSPOutcome) []Trigger {
	all := make([]Trigger, len(outcomes))
	for i, outcome := range outcomes {
		all[i] = Trigger{source, string(op), outcome}
	}
	return all
}
