package schematest

import (
	"testing"

	"github.com/weirhq/weir/topics"
)

const command = `{"command_id":"018e0000-0000-7000-8000-000000000001","type":"create","tenant":"acme","amount":1050,"currency":"EUR"`

// TestChecksFail: what does not fit its schema is found, at the top and inside.
func TestChecksFail(t *testing.T) {
	schemas := Compile(t)
	for _, test := range []struct {
		name, topic, kind, value string
		ok                       bool
	}{
		{"a command", topics.Commands, topics.TypeCommand, command + `}`, true},
		{"an unknown field", topics.Commands, topics.TypeCommand, command + `,"colour":"red"}`, false},
		{"an unknown field inside", topics.Commands, topics.TypeCommand, command + `,"card":{"token":"t","pan":"1"}}`, false},
		{"another type", topics.Commands, topics.TypeCommand, command + `,"customer_id":7}`, false},
		{"another type inside", topics.Commands, topics.TypeCommand, command + `,"card":{"token":7}}`, false},
		{"a missing field", topics.Commands, topics.TypeCommand, `{"type":"create","tenant":"acme"}`, false},
		{"a value not listed", topics.Commands, topics.TypeCommand, command + `,"capture_method":"later"}`, false},
		{"a bad time", topics.Commands, topics.TypeCommand, command + `,"issued_at":"yesterday"}`, false},
		{"an event", topics.Events, topics.TypePaymentEvent, `{"event_id":"0-1-0","type":"created","tenant":"acme","at":"2026-03-01T12:00:00Z"}`, true},
		{"an event not listed", topics.Events, topics.TypePaymentEvent, `{"event_id":"0-1-0","type":"born","tenant":"acme","at":"2026-03-01T12:00:00Z"}`, false},
		{"another ce_type", topics.Events, topics.TypeCommand, command + `}`, false},
		{"another topic", "payments", topics.TypeCommand, command + `}`, false},
	} {
		name, err := schemas.CheckRecord(test.topic, test.kind, []byte(test.value))
		if (err == nil) != test.ok || test.ok && name == "" {
			t.Errorf("%s: %q %v", test.name, name, err)
		}
	}
	if err := schemas.Check(&topics.Decision{Outcome: topics.OutcomePass}); err != nil {
		t.Error(err)
	}
	if err := schemas.Check(topics.Decision{Outcome: "perhaps"}); err == nil {
		t.Error("an outcome that is not listed passes")
	}
}
