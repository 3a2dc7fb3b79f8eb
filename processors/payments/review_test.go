package payments_test

import (
	"strings"
	"testing"

	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/topics"
)

// reviewing folds a payment up to the question to risk, and returns it.
func reviewing(t *testing.T, in *inbox) *topics.ReviewRequest {
	t.Helper()
	c := create(1, "anna", topics.CaptureAutomatic)
	c.Decision.Reviews, c.Features = true, map[string]topics.Feature{"attempts": {Value: 3}}
	in.put(topics.TypeAssessedCommand, c)
	in.fold(1)
	requests := outputsOf[topics.PSPRequest](t, in.published, topics.PSPRequests)
	if len(requests) != 1 || requests[0].Capture {
		t.Fatalf("asked for %+v, want an authorisation alone", requests)
	}
	report := approved(&requests[0], false)
	report.Authentication = &topics.AuthData{AVS: "N", CVV: "M"}
	in.restart()
	in.put(topics.TypePSPReport, report)
	in.put(topics.TypePSPReport, report)
	in.fold(1)
	reviews := outputsOf[topics.ReviewRequest](t, in.published, topics.Reviews)
	if len(reviews) != 1 {
		t.Fatalf("%d reviews are asked for", len(reviews))
	}
	r := &reviews[0]
	if r.Authorization.Authentication.AVS != "N" || r.Authorization.Amount != 10_000 || r.Before.Features["attempts"].Value != 3 ||
		r.Command.Card.Token != "tok_visa" || r.Command.Context != nil {
		t.Errorf("asked to look at %+v", r)
	}
	in.published = nil
	in.restart()
	return r
}

func answered(r *topics.ReviewRequest, outcome topics.Outcome) *topics.AssessedAuthorization {
	return &topics.AssessedAuthorization{Review: *r, AssessedAt: start, Decision: topics.Decision{
		CommandID: r.Command.CommandID, Stage: topics.StageAfterAuthorization, Outcome: outcome, RuleSet: "later"}}
}

// TestTheFirstAnswerOfAReviewCounts: an answer that comes again, be it another one, changes nothing; its decision is
// published once, with what it went by.
func TestTheFirstAnswerOfAReviewCounts(t *testing.T) {
	for name, by := range map[string]int{"in one batch": 10, "one by one, with restarts": 1} {
		t.Run(name, func(t *testing.T) {
			db := databasetest.New(t)
			in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
			r := reviewing(t, in)
			for _, outcome := range []topics.Outcome{topics.OutcomeBlock, topics.OutcomePass, topics.OutcomeBlock} {
				in.put(topics.TypeAssessedAuthorization, answered(r, outcome))
				if by == 1 {
					in.fold(1)
					in.restart()
				}
			}
			in.fold(by)
			decisions := outputsOf[topics.Decision](t, in.published, topics.Decisions)
			if len(decisions) != 1 || decisions[0].Outcome != topics.OutcomeBlock || decisions[0].Stage != topics.StageAfterAuthorization ||
				decisions[0].PaymentID != r.PaymentID || decisions[0].Features["attempts"].Value != 3 {
				t.Errorf("decisions %+v", decisions)
			}
			requests := outputsOf[topics.PSPRequest](t, in.published, topics.PSPRequests)
			if len(requests) != 1 || requests[0].Operation != topics.OperationVoid {
				t.Errorf("asked for %+v, want one void", requests)
			}
			checkChain(t, db, 1)
			wantSound(t, in)
		})
	}
}

// TestAnswersOfReviewsThatAreNone: what fits no payment changes nothing, and what stands in the wrong partition is put aside.
func TestAnswersOfReviewsThatAreNone(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	r := reviewing(t, in)
	unknown, foreign, elsewhere, altered := *r, *r, *r, *r
	altered.Authorization.Authentication = &topics.AuthData{AVS: "Y", CVV: "M"}
	in.put(topics.TypeAssessedAuthorization, answered(&altered, topics.OutcomePass))
	unknown.PaymentID = topics.PaymentID{UUID: id(99)}.String()
	foreign.Command.Tenant = "other"
	elsewhere.PaymentID = topics.PaymentID{Partition: 1, UUID: id(1)}.String()
	in.put(topics.TypeAssessedAuthorization, answered(&unknown, topics.OutcomePass))
	in.put(topics.TypeAssessedAuthorization, answered(&foreign, topics.OutcomePass))
	in.put(topics.TypeAssessedAuthorization, answered(&elsewhere, topics.OutcomePass))
	in.putBytes(topics.TypeAssessedAuthorization, []byte(`[]`))
	in.fold(10)
	if requests := outputsOf[topics.PSPRequest](t, in.published, topics.PSPRequests); len(requests) != 0 {
		t.Errorf("asked for %+v", requests)
	}
	if len(in.letters) != 2 || !strings.Contains(in.letters[0].Detail, "the review in 0") {
		t.Errorf("put aside: %+v", in.letters)
	}
	in.published = nil
	in.put(topics.TypeAssessedAuthorization, answered(r, topics.OutcomePass))
	in.fold(1)
	if requests := outputsOf[topics.PSPRequest](t, in.published, topics.PSPRequests); len(requests) != 1 || requests[0].Operation != topics.OperationCapture {
		t.Errorf("asked for %+v, want the capture", requests)
	}
}
