package kyc

import (
	"errors"
	"fmt"
	"strings"

	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/topics"
)

// MaxDocument bounds a profile in JSON, in bytes.
const MaxDocument = 256 << 10

// ReadProfile reads a profile from JSON, strictly: a misspelt field must not be taken for an absent one. Its errors name the field
// and quote nothing of it.
func ReadProfile(data []byte) (*Profile, error) {
	if len(data) > MaxDocument {
		return nil, fmt.Errorf("the profile has more than %d bytes", MaxDocument)
	}
	p := new(Profile)
	if err := topics.Unmarshal(data, p); err != nil {
		var wrong *topics.DecodeError
		if errors.As(err, &wrong) {
			return nil, wrong
		}
		return nil, errors.New("the profile is not a JSON object")
	}
	if _, err := json.Parse(data, new(Profile), json.DisallowUnknownFields|json.DontMatchCaseInsensitiveStructFields); err != nil {
		// Its name is the writer's own word, and may be a customer's.
		return nil, fmt.Errorf("a field is not known; want status, kyc_level, country, nationality, pep, expected_turnover with amount and currency, and personal with %s",
			strings.Join(Fields(), ", "))
	}
	return p, nil
}
