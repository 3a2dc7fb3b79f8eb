package fsck

import (
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/topics"
)

// TestForgottenInputsAreFound takes away what is remembered of commands, of a webhook's fact and of a customer event.
func TestForgottenInputsAreFound(t *testing.T) {
	f := newFixture(t)
	f.at = time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	f.play()
	anna := customers(t)[0][0]
	const fact = "0190a3c4-0000-7000-8000-00000000fac7"
	f.payByWebhook(anna, fact)
	const event = "0190a3c4-0000-7000-8000-00000000e7e7"
	f.feed(home(anna), anna, topics.TypeAssessedCustomerEvent, &topics.AssessedCustomerEvent{AssessedAt: f.at,
		Event: topics.CustomerEvent{EventID: event, Type: "login", Tenant: "acme", CustomerID: anna}})
	f.publishAll()
	f.wantNone()
	f.save()
	command := `partition = 0 AND id = '` + commandID(2) + `'`
	for _, c := range []corruption{
		{"a command is forgotten", sql(`DELETE FROM applied_inputs WHERE ` + command),
			[]string{"input: partition 0: command " + commandID(2), "the record at position 1 was it, but applied_inputs does not have it"}},
		{"the refused command too", sql(`DELETE FROM applied_inputs WHERE partition = 0 AND id = '` + commandID(13) + `'`),
			[]string{"input: partition 0: command " + commandID(13), "does not have it"}},
		{"a command of another tenant", sql(`UPDATE applied_inputs SET scope = scope + 1 WHERE ` + command),
			[]string{"input: partition 0: command " + commandID(2), "does not have it"}},
		{"a command of an earlier record", sql(`UPDATE applied_inputs SET position = 0 WHERE ` + command),
			[]string{"input: partition 0: command " + commandID(2), "applied_inputs has it at 0"}},
		{"two commands change places", sql(`UPDATE applied_inputs SET position = 7 - position WHERE partition = 0 AND position IN (2, 5)`),
			[]string{"input: partition 0: command " + commandID(6), "the record at position 5 was it, applied_inputs has it at 2"}},
		{"a fact is forgotten", sql(`DELETE FROM applied_inputs WHERE id = '` + fact + `'`),
			[]string{"input: partition 0: webhook fact " + fact, "does not have it"}},
		{"a customer event is forgotten", sql(`DELETE FROM applied_inputs WHERE id = '` + event + `'`),
			[]string{"input: partition 0: customer event " + event, "does not have it"}},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(f.on(t)) })
	}
	t.Run("one remembered before there were scopes", func(t *testing.T) {
		f := f.on(t)
		f.exec(`UPDATE applied_inputs SET scope = 0, fingerprint = 0 WHERE ` + command)
		f.wantNone()
	})
}

// TestOldInputsMayBeForgotten is the same with commands from before the horizon.
func TestOldInputsMayBeForgotten(t *testing.T) {
	f := newFixture(t)
	f.at = time.Now().Add(-topics.DedupHorizon - time.Hour).UTC().Truncate(time.Second)
	f.play()
	f.exec(`DELETE FROM applied_inputs`)
	f.wantNone()
}

// payByWebhook pays for a customer of partition 0; the PSP's answer comes as a webhook.
func (f *fixture) payByWebhook(customer, report string) {
	f.t.Helper()
	request := topics.EventID{Partition: 0, Position: f.next[0], Index: 1}.String()
	id := uuid.FromStringOrNil(commandID(90))
	f.feed(0, customer, topics.TypeAssessedCommand, &topics.AssessedCommand{
		Command: topics.Command{CommandID: id.String(), Type: topics.CommandCreate, Tenant: "acme", CustomerID: customer,
			Amount: 1000, Currency: "EUR", Authorize: true, CaptureMethod: topics.CaptureAutomatic,
			Card: &topics.Card{Token: "tok_approved", BIN: "411111", Last4: "1111", Scheme: "visa"}},
		Decision: topics.Decision{CommandID: id.String(), Outcome: topics.OutcomePass, RuleSet: "none"},
	})
	f.feed(0, customer, topics.TypePSPReport, &topics.PSPReport{
		ReportID: report, Source: topics.SourceWebhook, PSP: "sandbox", Tenant: "acme", CustomerID: customer,
		PaymentID: topics.PaymentID{UUID: id}.String(), RequestID: request, Operation: topics.OperationAuthorize,
		Outcome: topics.PSPApproved, Amount: 1000, Currency: "EUR", Captured: true, PSPReference: "psp",
	})
}
