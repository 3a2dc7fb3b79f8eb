package risk

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/internal/reference/schematest"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/rules"
	defaultrules "github.com/weirhq/weir/testdata"
	"github.com/weirhq/weir/topics"
)

const (
	commandID  = "0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b"
	paymentID  = "pay_0001_0190a3c45b6d7e8f9a0b1c2d3e4f5a6b"
	cardNumber = "4111111111111111" // a test number of the schemes
	partitions = 4
)

func testSet(t testing.TB) *rules.Set {
	t.Helper()
	set, err := rules.LoadFS(defaultrules.FS, defaultrules.Dir)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// assessorOf has no breakers, no data files, no candidate and metrics of its own.
func assessorOf(set *rules.Set) (*Assessor, error) {
	m, err := newMetrics(nil)
	if err != nil {
		return nil, err
	}
	return newAssessor(func() *rules.Set { return set }, (*rules.Set).Evaluate, partitions, m)
}

// assessAlone assesses a command of which nothing is asked of velocity.
func assessAlone(a *Assessor, read readFunc, r stream.Record) ([]stream.Message, *stream.DeadLetter, error) {
	d, dead := read(a, r)
	if dead != nil {
		return nil, dead, nil
	}
	if d.refusal == nil {
		a.decide(d, a.rules())
	}
	return a.assessment(d)
}

func testAssessor(t testing.TB) *Assessor {
	t.Helper()
	set := testSet(t)
	a, err := assessorOf(set)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// create is a command that no rule minds, with a part of its JSON replaced.
func create(replace ...string) string {
	text := `{"command_id":"` + commandID + `","type":"create","tenant":"acme","region":"eu","customer_id":"cus_1","amount":4000,` +
		`"currency":"EUR","trace_id":"trace-1","authorize":true,"description":"a deposit","card":{"token":"tok_approve","bin":"411111",` +
		`"country":"DE","type":"credit"},"context":{"ip":"203.0.113.7","device_id":"dev_1","email":"ann@example.com","country":"DE"}}`
	return strings.NewReplacer(replace...).Replace(text)
}

func assess(t *testing.T, a *Assessor, value string, headers ...topics.Header) (stream.Message, topics.AssessedCommand, *stream.DeadLetter) {
	t.Helper()
	messages, letter, err := assessAlone(a, readPayment, stream.Record{Time: time.Unix(1_800_000_000, 0), Value: []byte(value), Headers: headers})
	if err != nil {
		t.Fatal(err)
	}
	var in topics.AssessedCommand
	if letter != nil {
		if len(messages) > 0 {
			t.Fatal("a dead letter and a message")
		}
		return stream.Message{}, in, letter
	}
	if len(messages) != 1 {
		t.Fatalf("%d messages", len(messages))
	}
	if err := topics.Unmarshal(messages[0].Value, &in); err != nil {
		t.Fatal(err)
	}
	return messages[0], in, nil
}

func TestAssessForwardsTheCommandWithItsDecision(t *testing.T) {
	a := testAssessor(t)
	m, in, _ := assess(t, a, create(`"amount":4000`, `"amount":400000`))
	if in.Decision.Outcome != topics.OutcomeHold || in.Decision.Reasons[0] != "large_amount" || in.Decision.CommandID != commandID ||
		in.Decision.RuleSet != testSet(t).Hash() {
		t.Errorf("decision %+v", in.Decision)
	}
	if in.Command.Description != "a deposit" || in.Refusal != nil {
		t.Errorf("command %+v, refusal %v", in.Command, in.Refusal)
	}
	partition := topics.PartitionOf("acme", "cus_1", partitions)
	if m.Topic != topics.Inbox || m.Partition != partition || string(m.Key) != "cus_1" {
		t.Errorf("message to %s %d, key %s", m.Topic, m.Partition, m.Key)
	}
	want := topics.Envelope{Type: topics.TypeAssessedCommand, Tenant: "acme", Region: "eu", TraceID: "trace-1",
		Subject: topics.PaymentID{Partition: partition, UUID: uuid.Must(uuid.FromString(commandID))}.String()}
	if m.Envelope != want {
		t.Errorf("envelope %+v, want %+v", m.Envelope, want)
	}
	if _, err := schematest.Compile(t).CheckRecord(m.Topic, m.Envelope.Type, m.Value); err != nil {
		t.Error(err)
	}
}

func TestAssessPutsAGuestInItsOwnPartition(t *testing.T) {
	m, in, _ := assess(t, testAssessor(t), create(`"customer_id":"cus_1",`, ``))
	guest := topics.GuestCustomer(uuid.Must(uuid.FromString(commandID)))
	if string(m.Key) != guest || m.Partition != topics.PartitionOf("acme", guest, partitions) || in.Command.CustomerID != "" {
		t.Errorf("key %s, partition %d, customer %q", m.Key, m.Partition, in.Command.CustomerID)
	}
}

func TestAssessTakesTheTraceFromTheEnvelope(t *testing.T) {
	trace := func(v string) topics.Header { return topics.Header{Key: topics.HeaderTraceID, Value: []byte(v)} }
	without := create(`"trace_id":"trace-1",`, ``)
	for name, c := range map[string]struct {
		header topics.Header
		want   string
	}{
		"taken":       {trace("trace-2"), "trace-2"},
		"card number": {trace(cardNumber), ""},
		"too long":    {trace(strings.Repeat("x", 65)), ""},
		"line break":  {trace("a\nb"), ""},
	} {
		m, in, _ := assess(t, testAssessor(t), without, c.header)
		if in.Command.TraceID != c.want || m.Envelope.TraceID != c.want {
			t.Errorf("%s: %q and %q, want %q", name, in.Command.TraceID, m.Envelope.TraceID, c.want)
		}
	}
}

func TestAssessOtherCommandsPassWithoutRules(t *testing.T) {
	_, in, _ := assess(t, testAssessor(t), `{"command_id":"`+commandID+`","type":"capture","tenant":"acme","customer_id":"cus_1","payment_id":"`+paymentID+`"}`)
	if in.Decision.Outcome != topics.OutcomePass || in.Decision.RuleSet != "" || in.Refusal != nil {
		t.Errorf("decision %+v, refusal %v", in.Decision, in.Refusal)
	}
}

func TestAssessRefuses(t *testing.T) {
	schemas := schematest.Compile(t)
	for name, c := range map[string]struct {
		value string
		code  topics.RefusalCode
	}{
		"unknown currency":                {create(`EUR`, `EUX`), topics.RefusedInvalid},
		"negative amount":                 {create(`4000`, `-1`), topics.RefusedInvalid},
		"amount too large":                {create(`4000`, `9223372036854775807`), topics.RefusedInvalid},
		"no card":                         {create(`"card":`, `"cart":`), topics.RefusedInvalid},
		"unknown type":                    {create(`"create"`, `"creat"`), topics.RefusedInvalid},
		"capture without a payment":       {create(`"create"`, `"capture"`), topics.RefusedInvalid},
		"customer with a space":           {create(`cus_1`, `cus 1`), topics.RefusedInvalid},
		"long description":                {create(`a deposit`, strings.Repeat("x", 100_000)), topics.RefusedInvalid},
		"card number in the description":  {create(`a deposit`, `card 4111 1111 1111 1111`), topics.RefusedCardNumber},
		"card number as the token":        {create(`tok_approve`, cardNumber), topics.RefusedCardNumber},
		"card number as the customer":     {create(`cus_1`, cardNumber), topics.RefusedCardNumber},
		"card number as the trace":        {create(`trace-1`, cardNumber), topics.RefusedCardNumber},
		"card number as the region":       {create(`"eu"`, `"`+cardNumber+`"`), topics.RefusedCardNumber},
		"card number in an unknown field": {create(`"card":{`, `"card":{"number":"`+cardNumber+`",`), topics.RefusedCardNumber},
		"card number, escaped":            {create(`a deposit`, strings.ReplaceAll(cardNumber, "4", `\u0034`)), topics.RefusedCardNumber},
		"card number, masked before":      {create(`a deposit`, `************1111`), topics.RefusedCardNumber},
		"card number and invalid":         {create(`a deposit`, cardNumber, `EUR`, `EUX`), topics.RefusedCardNumber},
	} {
		m, in, letter := assess(t, testAssessor(t), c.value)
		if letter != nil {
			t.Errorf("%s: dead letter %+v", name, letter)
			continue
		}
		if _, err := schemas.CheckRecord(m.Topic, m.Envelope.Type, m.Value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if in.Refusal == nil || in.Refusal.Code != c.code || in.Refusal.Detail == "" {
			t.Errorf("%s: refusal %v, want %s", name, in.Refusal, c.code)
		}
		if in.Decision.Outcome != "" || in.Decision.RuleSet != "" {
			t.Errorf("%s: decision %+v", name, in.Decision)
		}
		if in.Command.CommandID != commandID || in.Command.Tenant != "acme" {
			t.Errorf("%s: forwarded %+v", name, in.Command)
		}
		if in.Command.Card != nil || in.Command.Context != nil || in.Command.Description != "" || len(m.Value) > 1000 {
			t.Errorf("%s: what the author wrote freely is forwarded: %.300s", name, m.Value)
		}
		all := append(append([]byte(m.Envelope.Subject+" "+m.Envelope.TraceID+" "+m.Envelope.Region+" "), m.Key...), m.Value...)
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

func TestAssessDeadLetters(t *testing.T) {
	for name, c := range map[string]struct {
		value string
		code  topics.RefusalCode
		says  string
	}{
		"empty":               {``, topics.RefusedUndecodable, "no value"},
		"not JSON":            {`hello`, topics.RefusedUndecodable, "not JSON"},
		"cut off":             {create()[:80], topics.RefusedUndecodable, "malformed JSON"},
		"an array":            {`[` + create() + `]`, topics.RefusedUndecodable, "an array"},
		"wrong type":          {create(`4000`, `"40.00"`), topics.RefusedUndecodable, "amount"},
		"given twice":         {create(`4000`, `4000,"amount":50000`), topics.RefusedUndecodable, `field "amount": is given twice`},
		"a fraction":          {create(`4000`, `40.5`), topics.RefusedUndecodable, "amount"},
		"overflow":            {create(`4000`, `92233720368547758070`), topics.RefusedUndecodable, "64 bits"},
		"no id":               {create(`"command_id"`, `"id"`), topics.RefusedInvalid, "command_id: is missing"},
		"nil id":              {create(commandID, uuid.Nil.String()), topics.RefusedInvalid, "command_id: is not a UUID"},
		"id without dashes":   {create(commandID, strings.ReplaceAll(commandID, "-", "")), topics.RefusedInvalid, "command_id: is not a UUID"},
		"no tenant":           {create(`"tenant":"acme",`, ``), topics.RefusedInvalid, "tenant: is missing"},
		"tenant with a space": {create(`acme`, `ac me`), topics.RefusedInvalid, "tenant: is not a name"},
		"card number, tenant": {create(`acme`, cardNumber), topics.RefusedInvalid, "tenant: is not a name"},
	} {
		_, in, letter := assess(t, testAssessor(t), c.value)
		if letter == nil {
			t.Errorf("%s: forwarded %+v", name, in)
			continue
		}
		if letter.Reason != c.code || !strings.Contains(letter.Detail, c.says) || topics.FindCardNumber([]byte(letter.Detail)) {
			t.Errorf("%s: %+v, want %s with %q", name, letter, c.code, c.says)
		}
	}
}

func TestAssessRepeatsItself(t *testing.T) {
	a := testAssessor(t)
	first, _, _ := assess(t, a, create(`"DE"`, `"FR"`, `4000`, `90000`))
	for range 50 {
		if again, _, _ := assess(t, a, create(`"DE"`, `"FR"`, `4000`, `90000`)); !bytes.Equal(first.Value, again.Value) || first.Partition != again.Partition {
			t.Fatalf("%s\n%s", first.Value, again.Value)
		}
	}
}

// BenchmarkAssess is the whole way of a command: decode, validate, evaluate the default rules, encode.
func BenchmarkAssess(b *testing.B) {
	a := testAssessor(b)
	r := stream.Record{Time: time.Unix(1_800_000_000, 0), Value: []byte(create())}
	b.ReportAllocs()
	for b.Loop() {
		if m, letter, err := assessAlone(a, readPayment, r); err != nil || letter != nil || len(m) != 1 {
			b.Fatal(m, letter, err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commands/s")
}

// BenchmarkAssessSteps is what each step costs.
func BenchmarkAssessSteps(b *testing.B) {
	value := []byte(create())
	var c topics.Command
	if err := topics.Unmarshal(value, &c); err != nil {
		b.Fatal(err)
	}
	set := testSet(b)
	in := topics.AssessedCommand{Command: c, Decision: set.Evaluate(rules.Input{Command: &c, Now: time.Unix(1_800_000_000, 0)})}
	for name, step := range map[string]func(){
		"decode":   func() { var c topics.Command; _ = topics.Unmarshal(value, &c) },
		"validate": func() { c.Validate() },
		"search":   func() { topics.FindCardNumber(value) },
		"evaluate": func() { set.Evaluate(rules.Input{Command: &c, Now: time.Unix(1_800_000_000, 0)}) },
		"encode":   func() { _, _ = topics.Marshal(&in) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				step()
			}
		})
	}
}
