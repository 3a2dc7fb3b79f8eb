package api

import (
	"errors"
	"testing"

	"github.com/weirhq/weir/internal/kyc"
	"github.com/weirhq/weir/topics"
)

// What is wrong with a customer's record is told by the field of the body, which has no "data".
func TestARefusedRecordNamesTheFieldOfTheBody(t *testing.T) {
	for _, detail := range []string{"data.country: is not a country", "country: is not a country"} {
		refusal := &kyc.Refused{Refusal: topics.Refusal{Code: topics.RefusedInvalid, Detail: detail}}
		var problem *Problem
		if err := unwritten(refusal); !errors.As(err, &problem) || problem.Message != "country: is not a country" || problem.Details == nil || problem.Details.Field != "country" {
			t.Errorf("%s: got %v", detail, err)
		}
	}
}
