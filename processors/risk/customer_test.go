package risk

import (
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

const eventID = "0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5e01"

// login is a customer event that no rule minds, with a part of its JSON replaced.
func login(replace ...string) string {
	text := `{"event_id":"` + eventID + `","type":"login","tenant":"acme","region":"eu","customer_id":"cus_1","trace_id":"trace-3",` +
		`"amount":500,"currency":"EUR","context":{"ip":"203.0.113.7","device_id":"dev_1","country":"DE"},"metadata":{"method":"password"}}`
	return strings.NewReplacer(replace...).Replace(text)
}

// eventSet is a set of the stage event alone.
const eventSet = `
version: 1
stage: event
rules:
  - { name: far_away, when: event.type == "login" && context.country != "DE", outcome: step_up, on_missing: pass, score: 5 }
`

func eventAssessor(t *testing.T) *Assessor {
	t.Helper()
	set, err := rules.Compile([]rules.File{{Name: "events.yaml", Text: []byte(eventSet)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := assessorOf(set)
	if err != nil {
		t.Fatal(err)
	}
	a.find = func(c *topics.Command) *topics.Enrichment {
		if c.Context == nil {
			return nil
		}
		return &topics.Enrichment{IPCountry: "IE"}
	}
	return a
}

var eventTime = time.Unix(1_800_000_000, 0).UTC()

func assessEvent(t *testing.T, a *Assessor, value string) (m stream.Message, in topics.AssessedCustomerEvent, letter *stream.DeadLetter) {
	t.Helper()
	messages, letter, err := assessAlone(a, readEvent, stream.Record{Time: eventTime, Value: []byte(value)})
	if err != nil || len(messages)+map[bool]int{true: 1}[letter != nil] != 1 {
		t.Fatalf("%d messages, letter %v, error %v", len(messages), letter, err)
	}
	if letter != nil {
		return m, in, letter
	}
	if err := topics.Unmarshal(messages[0].Value, &in); err != nil {
		t.Fatal(err)
	}
	return messages[0], in, nil
}

func TestACustomerEventIsDecidedOn(t *testing.T) {
	a := eventAssessor(t)
	m, in, _ := assessEvent(t, a, login(`"country":"DE"`, `"country":"FR"`, eventID, strings.ToUpper(eventID)))
	d := in.Decision
	if d.Outcome != topics.OutcomeStepUp || d.Score != 5 || d.RuleSet == "" || d.Stage != topics.StageEvent || d.EventID != eventID || d.CommandID != "" {
		t.Errorf("decision %+v", d)
	}
	if in.Event.EventID != eventID || !in.AssessedAt.Equal(eventTime) || !in.Event.OccurredAt.Equal(eventTime) || in.Enrichment == nil ||
		in.Event.Metadata["method"] != "password" {
		t.Errorf("assessed %+v", in)
	}
	want := topics.Envelope{Type: topics.TypeAssessedCustomerEvent, Subject: eventID, Tenant: "acme", Region: "eu", TraceID: "trace-3"}
	if m.Topic != topics.Inbox || string(m.Key) != "cus_1" || m.Envelope != want || m.Partition != topics.PartitionOf("acme", "cus_1", a.partitions) {
		t.Errorf("forwarded to %d of %s under %q with %+v", m.Partition, m.Topic, m.Key, m.Envelope)
	}
	if _, in, _ = assessEvent(t, a, login(`"trace_id"`, `"occurred_at":"2027-01-14T08:00:00+01:00","trace_id"`)); in.Decision.Outcome != topics.OutcomePass ||
		in.Decision.Evaluated != 1 || !in.Event.OccurredAt.Equal(time.Date(2027, 1, 14, 7, 0, 0, 0, time.UTC)) {
		t.Errorf("an event that no rule minds: %+v", in)
	}
}

// Where the set has no rules for events, they pass all the same, and say so.
func TestACustomerEventWithoutRulesPasses(t *testing.T) {
	_, in, _ := assessEvent(t, testAssessor(t), login())
	if d := in.Decision; d.Outcome != topics.OutcomePass || d.RuleSet != "" || d.EventID != eventID || d.Stage != topics.StageEvent || in.AssessedAt.IsZero() {
		t.Errorf("decision %+v, assessed at %s", d, in.AssessedAt)
	}
}

func TestACustomerEventThatIsWrongIsPutAside(t *testing.T) {
	const card = "4111111111111111"
	for name, c := range map[string]struct {
		value string
		code  topics.RefusalCode
		says  string
	}{
		"not JSON":          {`hello`, topics.RefusedUndecodable, "not JSON"},
		"given twice":       {login(`500`, `500,"amount":1`), topics.RefusedUndecodable, `field "amount": is given twice`},
		"wrong type":        {login(`500`, `"5.00"`), topics.RefusedUndecodable, "amount"},
		"no id":             {login(`"event_id"`, `"id"`), topics.RefusedInvalid, "event_id: is missing"},
		"no tenant":         {login(`"tenant":"acme",`, ``), topics.RefusedInvalid, "tenant: is missing"},
		"no customer":       {login(`"customer_id":"cus_1",`, ``), topics.RefusedInvalid, "customer_id: is missing"},
		"type":              {login(`"login"`, `"Log in"`), topics.RefusedInvalid, "type: is not a type of event"},
		"payment of none":   {login(`"login"`, `"dispute"`, `"trace_id"`, `"payment_id":"7","trace_id"`), topics.RefusedInvalid, "payment_id: is not a payment's id"},
		"too old":           {login(`"trace_id"`, `"occurred_at":"2026-12-01T00:00:00Z","trace_id"`), topics.RefusedTooOld, "occurred_at: is more than 30 days ago"},
		"ahead":             {login(`"trace_id"`, `"occurred_at":"2027-02-01T00:00:00Z","trace_id"`), topics.RefusedInvalid, "occurred_at: is more than a day ahead"},
		"card number":       {login(`password`, card), topics.RefusedCardNumber, "holds a card number"},
		"unknown field":     {login(`"trace_id"`, `"pan":"`+card+`","trace_id"`), topics.RefusedCardNumber, "holds a card number"},
		"card as an object": {login(`"metadata"`, `"card":"`+card+`","metadata"`), topics.RefusedUndecodable, "card"},
	} {
		_, in, letter := assessEvent(t, eventAssessor(t), c.value)
		if letter == nil || letter.Reason != c.code || !strings.Contains(letter.Detail, c.says) || strings.Contains(letter.Detail, card) {
			t.Errorf("%s: letter %+v, forwarded %+v, want %s with %q", name, letter, in, c.code, c.says)
		}
	}
}
