package topics

// Refusal is why a refund or a wallet command is not carried out by the rules' decision: nil where it goes on. What a rule
// holds goes on where a second person has approved it; a block never does.
func (d *Decision) Refusal(approvedBy string) *Refusal {
	if d == nil {
		return nil // no rule was evaluated; nor where the outcome is empty
	}
	switch d.Outcome {
	case "", OutcomePass, OutcomeAllow:
		return nil
	case OutcomeBlock:
		return &Refusal{RefusedBlocked, "a risk rule blocks it"}
	}
	if approvedBy != "" {
		return nil
	}
	return &Refusal{RefusedReviewRequired, "a risk rule wants a second person to approve it; it passes as a new command with requested_by and approved_by (over HTTP: requested_by, and approve: true with another person's API key)"}
}

// maxPerson is how long a person's name may be, in characters.
const maxPerson = 64

// invalidPeople checks who asked for a command and who approved it: two people, where it takes an approval.
func invalidPeople(requestedBy, approvedBy, what string) string {
	switch {
	case requestedBy == "" || approvedBy == "":
		return "requested_by and approved_by: one is missing; " + what + " needs two people"
	case MixedScripts(requestedBy), MixedScripts(approvedBy):
		return "requested_by and approved_by: one mixes letters of several scripts, which look alike; want the letters of one"
	case SamePerson(requestedBy, approvedBy):
		return "approved_by: is the same as requested_by, or looks like it; " + what + " needs two people"
	}
	return ""
}
