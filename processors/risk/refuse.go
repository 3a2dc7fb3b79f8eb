package risk

import (
	"fmt"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/topics"
)

// Longest names that a refused command keeps, in bytes.
const (
	maxTenant   = 64
	maxRegion   = 32
	maxCustomer = 64
	maxTrace    = 64
)

// identify finds a command's id and checks its tenant: without both nobody could be told of a refusal. detail says what
// is wrong, "" where nothing is; it quotes no value.
func identify(commandID, tenant string) (id uuid.UUID, detail string) {
	if commandID == "" {
		return id, "command_id: is missing; want a UUID of the form 0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b"
	}
	id, err := uuid.FromString(commandID)
	if err != nil || len(commandID) != 36 || id.IsNil() {
		return id, "command_id: is not a UUID; want the form 0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b, not all zeros"
	}
	if tenant == "" {
		return id, "tenant: is missing; want the name of the brand that the customer belongs to"
	}
	if !isName(tenant, maxTenant) {
		return id, "tenant: is not a name; want printable ASCII without spaces, quotes and slashes, at most 64 characters"
	}
	return id, ""
}

// issued is when a command was issued: where it does not say, when it was written. The topics are kept longer than ids are
// remembered. Where the group's offsets are lost, all of them is read again, and what was forgotten meanwhile is too old.
func issued(said, written time.Time) time.Time {
	if said.IsZero() && topics.ValidTime(written) {
		return written.UTC()
	}
	return said
}

// placed makes what names no region one of the installation's, which chooses the rules and limits, and refuses what names
// another. What is wrong otherwise goes first.
func (a *Assessor) placed(region *string, refusal *topics.Refusal) *topics.Refusal {
	if *region == "" {
		*region = a.region
	}
	if refusal == nil && a.region != "" && *region != a.region {
		return &topics.Refusal{Code: topics.RefusedInvalid, Detail: fmt.Sprintf("region: is not %s, which is served here; want that or none", a.region)}
	}
	return refusal
}

// validate adds to the command's own validation the search for a card number in fields that are unknown here. instead
// says what to do about one.
func validate(refusal *topics.Refusal, raw []byte, instead string) *topics.Refusal {
	if (refusal == nil || refusal.Code != topics.RefusedCardNumber) && topics.FindCardNumber(raw) {
		// It outweighs whatever else is wrong: the producer has to hear of this first.
		return &topics.Refusal{Code: topics.RefusedCardNumber, Detail: "the command holds a card number; " + instead}
	}
	return refusal
}

// isName tells whether a text is a name of at most limit bytes that holds no card number, masked or not.
func isName(text string, limit int) bool {
	if text == "" || len(text) > limit || strings.Contains(text, "****") {
		return false
	}
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' || strings.IndexByte("\"'`/\\", text[i]) >= 0 {
			return false
		}
	}
	return !topics.FindCardNumber([]byte(text))
}

// traceOf is the trace id of a record's envelope, "" where there is none that may be forwarded.
func traceOf(headers []topics.Header) string {
	for _, h := range headers {
		if h.Key == topics.HeaderTraceID && isName(string(h.Value), maxTrace) {
			return string(h.Value)
		}
	}
	return ""
}
