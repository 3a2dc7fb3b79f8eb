package risk

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/reference/schematest"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// bet is a valid wallet command, with a part of its JSON replaced.
func bet(replace ...string) string {
	text := `{"command_id":"` + commandID + `","type":"debit","tenant":"acme","region":"eu","customer_id":"cus_1","amount":500,` +
		`"currency":"EUR","reason":"game","round_id":"round_7","description":"a bet","trace_id":"trace-1"}`
	return strings.NewReplacer(replace...).Replace(text)
}

func assessWallet(t *testing.T, value string, headers ...topics.Header) (m stream.Message, in topics.AssessedWalletCommand, letter *stream.DeadLetter) {
	t.Helper()
	record := stream.Record{Time: time.Unix(1_800_000_000, 0), Value: []byte(value), Headers: headers}
	messages, letter, err := assessAlone(testAssessor(t), readWallet, record)
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

func TestAssessWalletForwards(t *testing.T) {
	m, in, _ := assessWallet(t, bet(`,"trace_id":"trace-1"`, ``), topics.Header{Key: topics.HeaderTraceID, Value: []byte("trace-2")})
	want := topics.WalletCommand{CommandID: commandID, Type: topics.WalletDebit, Tenant: "acme", Region: "eu", CustomerID: "cus_1",
		Amount: 500, Currency: "EUR", Reason: topics.ReasonGame, RoundID: "round_7", Description: "a bet", TraceID: "trace-2", IssuedAt: time.Unix(1_800_000_000, 0).UTC()}
	if in.Command != want || in.Refusal != nil {
		t.Errorf("%+v, refusal %v; want %+v", in.Command, in.Refusal, want)
	}
	envelope := topics.Envelope{Type: topics.TypeAssessedWallet, Tenant: "acme", Region: "eu", TraceID: "trace-2"}
	if m.Topic != topics.Inbox || m.Partition != topics.PartitionOf("acme", "cus_1", partitions) || string(m.Key) != "cus_1" || m.Envelope != envelope {
		t.Errorf("message %+v", m)
	}
}

func TestAssessWalletRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		value string
		code  topics.RefusalCode
	}{
		"unknown currency":                {bet(`EUR`, `EUX`), topics.RefusedInvalid},
		"no amount":                       {bet(`500`, `0`), topics.RefusedInvalid},
		"unknown type":                    {bet(`"debit"`, `"steal"`), topics.RefusedInvalid},
		"no round":                        {bet(`round_id`, `round`), topics.RefusedInvalid},
		"no customer":                     {bet(`"customer_id":"cus_1",`, ``), topics.RefusedInvalid},
		"customer with a space":           {bet(`cus_1`, `cus 1`), topics.RefusedInvalid},
		"long description":                {bet(`a bet`, strings.Repeat("x", 100_000)), topics.RefusedInvalid},
		"card number":                     {bet(`a bet`, `4111 1111 1111 1111`), topics.RefusedCardNumber},
		"card number as the customer":     {bet(`cus_1`, cardNumber), topics.RefusedCardNumber},
		"card number as the region":       {bet(`"eu"`, `"`+cardNumber+`"`), topics.RefusedCardNumber},
		"card number in an unknown field": {bet(`{`, `{"note":"`+cardNumber+`",`), topics.RefusedCardNumber},
		"card number and invalid":         {bet(`a bet`, cardNumber, `EUR`, `EUX`), topics.RefusedCardNumber},
	} {
		m, in, letter := assessWallet(t, c.value)
		if letter != nil || in.Refusal == nil || in.Refusal.Code != c.code || in.Refusal.Detail == "" {
			t.Errorf("%s: letter %v, refusal %v, want %s", name, letter, in.Refusal, c.code)
			continue
		}
		if in.Command.CommandID != commandID || in.Command.Tenant != "acme" || in.Command.Type != "" || in.Command.Amount != 0 ||
			in.Command.Description != "" || in.Command.RoundID != "" {
			t.Errorf("%s: forwarded %+v", name, in.Command)
		}
		all := append(append([]byte(m.Envelope.TraceID+" "+m.Envelope.Region+" "), m.Key...), m.Value...)
		if topics.FindCardNumber(all) || bytes.Contains(all, []byte("1111 1111")) {
			t.Errorf("%s: a card number is forwarded", name)
		}
		want := in.Command.CustomerID
		if want == "" {
			want = topics.GuestCustomer(uuid.Must(uuid.FromString(commandID)))
		}
		if m.Partition != topics.PartitionOf("acme", want, partitions) || string(m.Key) != want {
			t.Errorf("%s: key %s, partition %d", name, m.Key, m.Partition)
		}
	}
}

func TestAssessWalletDeadLetters(t *testing.T) {
	for name, c := range map[string]struct {
		value string
		code  topics.RefusalCode
		says  string
	}{
		"not JSON":   {`hello`, topics.RefusedUndecodable, "not JSON"},
		"wrong type": {bet(`500`, `"5.00"`), topics.RefusedUndecodable, "amount"},
		"a fraction": {bet(`500`, `5.5`), topics.RefusedUndecodable, "amount"},
		"no id":      {bet(`"command_id"`, `"id"`), topics.RefusedInvalid, "command_id: is missing"},
		"no tenant":  {bet(`"tenant":"acme",`, ``), topics.RefusedInvalid, "tenant: is missing"},
	} {
		_, in, letter := assessWallet(t, c.value)
		if letter == nil || letter.Reason != c.code || !strings.Contains(letter.Detail, c.says) {
			t.Errorf("%s: letter %+v, forwarded %+v, want %s with %q", name, letter, in, c.code, c.says)
		}
	}
}

func TestRoleAssessesBothTopics(t *testing.T) {
	b := brokertest.New(t, partitions)
	start(t, b)
	client := b.Client(t, kgo.DefaultProduceTopic(topics.WalletCommands))
	for _, value := range []string{`not a command`, bet()} {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Key: []byte("cus_1"), Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	produce(t, b, create(commandID, "0190a3c4-5b6d-7e8f-9a0b-000000000002"))
	kinds := map[string]bool{}
	for _, r := range read(t, b, topics.Inbox, 2) {
		for _, h := range r.Headers {
			if h.Key == topics.HeaderType {
				kinds[string(h.Value)] = true
			}
		}
	}
	if !kinds[topics.TypeAssessedWallet] || !kinds[topics.TypeAssessedCommand] {
		t.Errorf("the inbox holds %v", kinds)
	}
	var letter topics.DeadLetter
	if err := topics.Unmarshal(read(t, b, topics.WalletCommandsDeadLetters, 1)[0].Value, &letter); err != nil || letter.Topic != topics.WalletCommands {
		t.Errorf("dead letter %+v, %v", letter, err)
	}
}
