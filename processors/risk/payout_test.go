package risk

import (
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/internal/reference/schematest"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// withdrawal is a valid payout command, with a part of its JSON replaced.
func withdrawal(replace ...string) string {
	text := `{"command_id":"` + commandID + `","type":"create","tenant":"acme","region":"eu","customer_id":"cus_1","amount":500,` +
		`"currency":"EUR","card":{"token":"tok_1"},"requested_by":"ann","trace_id":"trace-1"}`
	return strings.NewReplacer(replace...).Replace(text)
}

func assessPayout(t *testing.T, value string) (m stream.Message, in topics.AssessedPayoutCommand, letter *stream.DeadLetter) {
	t.Helper()
	record := stream.Record{Time: time.Unix(1_800_000_000, 0), Value: []byte(value)}
	messages, letter, err := assessAlone(testAssessor(t), readPayout, record)
	if err != nil || len(messages)+map[bool]int{true: 1}[letter != nil] != 1 {
		t.Fatalf("%d messages, letter %v, error %v", len(messages), letter, err)
	}
	if letter != nil {
		return m, in, letter
	}
	if err := topics.Unmarshal(messages[0].Value, &in); err != nil {
		t.Fatal(err)
	}
	if _, err := schematest.Compile(t).CheckRecord(messages[0].Topic, messages[0].Envelope.Type, messages[0].Value); err != nil {
		t.Error(err)
	}
	return messages[0], in, nil
}

func TestAssessPayoutForwards(t *testing.T) {
	id := topics.NewPayoutID("acme", "cus_1", uuid.Must(uuid.FromString(commandID)), partitions).String()
	for kind, value := range map[topics.PayoutCommandType]string{
		topics.PayoutCreate: withdrawal(),
		topics.PayoutCancel: `{"command_id":"` + commandID + `","type":"cancel","tenant":"acme","region":"eu","customer_id":"cus_1","payout_id":"` + id + `","trace_id":"trace-1"}`,
	} {
		m, in, letter := assessPayout(t, value)
		if letter != nil || in.Refusal != nil || in.Command.Type != kind || in.Command.TraceID != "trace-1" ||
			!in.Command.IssuedAt.Equal(time.Unix(1_800_000_000, 0)) || in.Decision != nil {
			t.Errorf("%s: letter %+v, forwarded %+v", kind, letter, in)
		}
		envelope := topics.Envelope{Type: topics.TypeAssessedPayout, Subject: id, Tenant: "acme", Region: "eu", TraceID: "trace-1"}
		if m.Topic != topics.Inbox || m.Partition != topics.PartitionOf("acme", "cus_1", partitions) || string(m.Key) != "cus_1" || m.Envelope != envelope {
			t.Errorf("%s: message %+v", kind, m)
		}
	}
}

func TestAssessPayoutRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		value string
		code  topics.RefusalCode
	}{
		"no amount":               {withdrawal(`500`, `0`), topics.RefusedInvalid},
		"unknown type":            {withdrawal(`"create"`, `"seize"`), topics.RefusedInvalid},
		"no customer":             {withdrawal(`"customer_id":"cus_1",`, ``), topics.RefusedInvalid},
		"card number":             {withdrawal(`tok_1`, cardNumber), topics.RefusedCardNumber},
		"card number as customer": {withdrawal(`cus_1`, cardNumber), topics.RefusedCardNumber},
	} {
		m, in, letter := assessPayout(t, c.value)
		if letter != nil || in.Refusal == nil || in.Refusal.Code != c.code || in.Command.Amount != 0 || in.Command.Card != nil || in.Command.CommandID != commandID {
			t.Errorf("%s: letter %v, forwarded %+v, want %s", name, letter, in, c.code)
		}
		if topics.FindCardNumber(append(append([]byte(nil), m.Key...), m.Value...)) {
			t.Errorf("%s: a card number is forwarded", name)
		}
	}
	for name, value := range map[string]string{"not JSON": "hello", "no id": withdrawal(`"command_id"`, `"id"`), "no tenant": withdrawal(`"tenant":"acme",`, ``)} {
		if _, in, letter := assessPayout(t, value); letter == nil {
			t.Errorf("%s: forwarded %+v", name, in)
		}
	}
}
