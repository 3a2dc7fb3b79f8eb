package velocity

import (
	"testing"

	"github.com/weirhq/weir/topics"
)

// TestOutcomeOf: a payment counts as approved once: by the PSP, or where the authorisation is reviewed by who lets it pass.
func TestOutcomeOf(t *testing.T) {
	for name, c := range map[string]struct {
		event  topics.EventType
		status topics.PaymentStatus
		said   Declined
		kind   string
		ok     bool
	}{
		"authorised":                          {topics.EventAuthorized, topics.StatusAuthorized, Declined{}, KindApproved, true},
		"authorised, to be reviewed":          {topics.EventAuthorized, topics.StatusReviewing, Declined{}, "", false},
		"let pass by rules":                   {topics.EventReviewed, topics.StatusAuthorized, Declined{}, KindApproved, true},
		"let pass by rules, captured already": {topics.EventReviewed, topics.StatusCaptured, Declined{}, KindApproved, true},
		"let pass by a reviewer":              {topics.EventReleased, topics.StatusAuthorized, Declined{}, KindApproved, true},
		"let go on to the PSP by a reviewer":  {topics.EventReleased, topics.StatusCreated, Declined{}, "", false},
		"held":                                {topics.EventHeld, topics.StatusHeld, Declined{}, "", false},
		"blocked":                             {topics.EventBlocked, topics.StatusBlocked, Declined{}, "", true},
		"rejected":                            {topics.EventRejected, topics.StatusRejected, Declined{}, "", true},
		"declined":                            {topics.EventDeclined, topics.StatusDeclined, Declined{}, KindDeclined + ".soft", true},
		"declined for good":                   {topics.EventDeclined, topics.StatusDeclined, Declined{Hard: true}, KindDeclined + ".hard", true},
		"declined for want of a route":        {topics.EventDeclined, topics.StatusDeclined, Declined{Code: topics.DeclineNoRoute}, "", true},
		"declined by one PSP of several":      {topics.EventAttemptDeclined, topics.StatusAuthorizing, Declined{Code: "51"}, "", false},
		"voided while it is reviewed":         {topics.EventVoided, topics.StatusVoided, Declined{}, "", true},
	} {
		kind, ok := OutcomeOf(c.event, c.status, c.said)
		if ok != c.ok || ok && kind != c.kind {
			t.Errorf("%s: %q, %t; want %q, %t", name, kind, ok, c.kind, c.ok)
		}
	}
}
