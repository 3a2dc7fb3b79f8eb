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
		hard   bool
		kind   string
		ok     bool
	}{
		"authorised":                          {topics.EventAuthorized, topics.StatusAuthorized, false, KindApproved, true},
		"authorised, to be reviewed":          {topics.EventAuthorized, topics.StatusReviewing, false, "", false},
		"let pass by rules":                   {topics.EventReviewed, topics.StatusAuthorized, false, KindApproved, true},
		"let pass by rules, captured already": {topics.EventReviewed, topics.StatusCaptured, false, KindApproved, true},
		"let pass by a reviewer":              {topics.EventReleased, topics.StatusAuthorized, false, KindApproved, true},
		"let go on to the PSP by a reviewer":  {topics.EventReleased, topics.StatusCreated, false, "", false},
		"held":                                {topics.EventHeld, topics.StatusHeld, false, "", false},
		"blocked":                             {topics.EventBlocked, topics.StatusBlocked, false, "", true},
		"rejected":                            {topics.EventRejected, topics.StatusRejected, false, "", true},
		"declined":                            {topics.EventDeclined, topics.StatusDeclined, false, KindDeclined + ".soft", true},
		"declined for good":                   {topics.EventDeclined, topics.StatusDeclined, true, KindDeclined + ".hard", true},
		"voided while it is reviewed":         {topics.EventVoided, topics.StatusVoided, false, "", true},
	} {
		kind, ok := OutcomeOf(c.event, c.status, c.hard)
		if ok != c.ok || ok && kind != c.kind {
			t.Errorf("%s: %q, %t; want %q, %t", name, kind, ok, c.kind, c.ok)
		}
	}
}
