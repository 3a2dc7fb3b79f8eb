package deadletters

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// longAgo is when the records of these tests stood in their topics.
var longAgo = time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)

const (
	goodEvent   = `{"event_id":"0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b","type":"login","tenant":"acme","customer_id":"ana"}`
	goodCommand = `{"command_id":"0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b","type":"create","tenant":"acme","customer_id":"ana"}`
	payment     = "pay_0001_0190a3c45b6d7e8f9a0b1c2d3e4f5a6b"
)

// setAside is the letter of a record, made as the roles make it, read from offset 7 of the record's dead letters.
func setAside(t testing.TB, topic, value string, headers ...kgo.RecordHeader) *Letter {
	t.Helper()
	origin, ok := topics.Lookup(topic)
	if !ok || origin.DeadLetters == "" {
		t.Fatalf("%s has no dead letters", topic)
	}
	r := &kgo.Record{Topic: topic, Partition: 1, Offset: 40, Timestamp: longAgo, Key: []byte("ana"), Value: []byte(value), Headers: headers}
	record, err := stream.Letter("role", r, stream.DeadLetter{Reason: topics.RefusedPoison, Detail: "a defect"}, origin.DeadLetters)
	if err != nil {
		t.Fatal(err)
	}
	record.Offset, record.Timestamp = 7, longAgo.Add(time.Second)
	return letterOf(record)
}

func header(key, value string) kgo.RecordHeader {
	return kgo.RecordHeader{Key: key, Value: []byte(value)}
}

func TestRefusal(t *testing.T) {
	kind := func(name string) kgo.RecordHeader { return header(topics.HeaderType, name) }
	assessed := `{"command":` + goodCommand + `,"decision":{}}`
	report := func(source topics.ReportSource) string {
		return `{"report_id":"0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b","source":"` + string(source) + `","payment_id":"` + payment + `"}`
	}
	verified := header(topics.HeaderVerified, "true")
	const soon, late = time.Hour, topics.DedupHorizon
	for name, test := range map[string]struct {
		letter   *Letter
		change   func(*Letter)
		age      time.Duration
		answered bool
		want     string // "": it may be written again
	}{
		"a command":                      {setAside(t, topics.Commands, goodCommand), nil, soon, false, ""},
		"a command, almost too old":      {setAside(t, topics.Commands, goodCommand), nil, late - 1, false, ""},
		"a command, too old":             {setAside(t, topics.Commands, goodCommand), nil, late, false, "remembered for 30 days"},
		"no JSON":                        {setAside(t, topics.Commands, `{"command_id":`), nil, soon, true, "cannot read it either"},
		"no command id":                  {setAside(t, topics.Commands, `{"tenant":"acme"}`), nil, soon, true, "no command_id"},
		"a command id of zeros":          {setAside(t, topics.Commands, `{"tenant":"acme","command_id":"00000000-0000-0000-0000-000000000000"}`), nil, soon, true, "no command_id"},
		"no tenant":                      {setAside(t, topics.Commands, strings.Replace(goodCommand, "acme", "", 1)), nil, soon, true, "no tenant"},
		"masked":                         {setAside(t, topics.Commands, strings.Replace(goodCommand, "ana", "4111111111111111", 1)), nil, soon, true, "masked"},
		"its value cut short":            {setAside(t, topics.Commands, goodCommand+strings.Repeat(" ", 900_000)), nil, soon, true, "cut short; the whole record is payments.commands.v1:1:40"},
		"its headers cut short":          {setAside(t, topics.Commands, goodCommand, header("a", strings.Repeat("x", 800_000)), header("b", "")), nil, soon, true, "cut short"},
		"put aside again":                {setAside(t, topics.Commands, goodCommand), func(l *Letter) { l.Successor = ID{l.ID.Topic, 1, 9} }, soon, true, "payments.commands.dlq.v1:1:9"},
		"no dead letter":                 {setAside(t, topics.Commands, goodCommand), func(l *Letter) { l.Err = errors.New("field x") }, soon, true, "no dead letter: field x"},
		"of another topic":               {setAside(t, topics.Commands, goodCommand), func(l *Letter) { l.Record.Topic = topics.Inbox }, soon, true, `of "payments.inbox.v1"`},
		"of another partition":           {setAside(t, topics.Commands, goodCommand), func(l *Letter) { l.Record.Partition = 0 }, soon, true, "partition 0"},
		"replayed before, from long ago": {setAside(t, topics.Commands, goodCommand, header(topics.HeaderFirstSeen, "2026-01-01T00:00:00Z")), nil, soon, false, "it is from 2026-01-01"},
		"replayed before, who knows when": {setAside(t, topics.Commands, goodCommand, header(topics.HeaderFirstSeen, "yesterday")), nil, soon, false,
			"remembered for 30 days"},

		"a wallet command":                {setAside(t, topics.WalletCommands, goodCommand), nil, soon, false, ""},
		"a payout command":                {setAside(t, topics.PayoutCommands, goodCommand), nil, soon, false, ""},
		"a payout command, too old":       {setAside(t, topics.PayoutCommands, goodCommand), nil, late, false, "remembered for 30 days"},
		"a dispute command":               {setAside(t, topics.DisputeCommands, goodCommand), nil, soon, false, ""},
		"a dispute command, too old":      {setAside(t, topics.DisputeCommands, goodCommand), nil, late, false, "remembered for 30 days"},
		"a link command":                  {setAside(t, topics.LinkCommands, goodCommand), nil, soon, false, ""},
		"a link command, too old":         {setAside(t, topics.LinkCommands, goodCommand), nil, late, false, "remembered for 30 days"},
		"a wallet command, too old":       {setAside(t, topics.WalletCommands, goodCommand), nil, late, false, "remembered for 30 days"},
		"a wallet command without tenant": {setAside(t, topics.WalletCommands, strings.Replace(goodCommand, "acme", "", 1)), nil, soon, true, "no tenant"},
		"a wallet command of no shape":    {setAside(t, topics.WalletCommands, `{"amount":"5"}`), nil, soon, true, "cannot read it either"},

		"a customer event":                {setAside(t, topics.CustomerEvents, goodEvent), nil, soon, false, ""},
		"a customer event, too old":       {setAside(t, topics.CustomerEvents, goodEvent), nil, late, false, "remembered for 30 days"},
		"a customer event without tenant": {setAside(t, topics.CustomerEvents, strings.Replace(goodEvent, "acme", "", 1)), nil, soon, true, "it is invalid, so it would only be put aside again; its producer mends it: tenant"},
		"a customer event of no shape":    {setAside(t, topics.CustomerEvents, `{"amount":"5"}`), nil, soon, true, "cannot read it either"},

		"a webhook":               {setAside(t, topics.PSPWebhooks, "anything", verified), nil, soon, false, ""},
		"a webhook, too old":      {setAside(t, topics.PSPWebhooks, "anything", verified), nil, late, false, "remembered for 30 days"},
		"a webhook, not verified": {setAside(t, topics.PSPWebhooks, "anything"), nil, soon, true, "signature"},
		"a webhook that says no":  {setAside(t, topics.PSPWebhooks, "anything", header(topics.HeaderVerified, "false"), verified), nil, soon, true, "signature"},

		"a request": {setAside(t, topics.PSPRequests, `{}`, kind(topics.TypePSPRequest)), nil, soon, true, "never written again"},

		"inbox: a command, its author was told":    {setAside(t, topics.Inbox, assessed, kind(topics.TypeAssessedCommand)), nil, soon, false, "told that it failed"},
		"inbox: a command, nobody has asked again": {setAside(t, topics.Inbox, assessed, kind(topics.TypeAssessedCommand)), nil, soon, true, ""},
		"inbox: a command, too old":                {setAside(t, topics.Inbox, assessed, kind(topics.TypeAssessedCommand)), nil, late, true, "remembered for 30 days"},
		"inbox: a command without an id":           {setAside(t, topics.Inbox, `{"command":{}}`, kind(topics.TypeAssessedCommand)), nil, soon, true, "no command_id"},
		"inbox: a wallet command, its author told": {setAside(t, topics.Inbox, assessed, kind(topics.TypeAssessedWallet)), nil, soon, false, "told that it failed"},
		"inbox: a payout command, its author told": {setAside(t, topics.Inbox, assessed, kind(topics.TypeAssessedPayout)), nil, soon, false, "told that it failed"},
		"inbox: a dispute command, author told":    {setAside(t, topics.Inbox, assessed, kind(topics.TypeAssessedDispute)), nil, soon, false, "told that it failed"},
		"inbox: a link command, its author told":   {setAside(t, topics.Inbox, assessed, kind(topics.TypeAssessedLink)), nil, soon, false, "told that it failed"},
		"inbox: a wallet command, not asked again": {setAside(t, topics.Inbox, assessed, kind(topics.TypeAssessedWallet)), nil, soon, true, ""},
		"inbox: a wallet command, too old":         {setAside(t, topics.Inbox, assessed, kind(topics.TypeAssessedWallet)), nil, late, true, "remembered for 30 days"},
		"inbox: a change of a customer":            {setAside(t, topics.Inbox, goodCommand, kind(topics.TypeCustomerCommand)), nil, soon, false, ""},
		"inbox: a change of a customer, too old":   {setAside(t, topics.Inbox, goodCommand, kind(topics.TypeCustomerCommand)), nil, late, false, "remembered for 30 days"},
		"inbox: a customer event":                  {setAside(t, topics.Inbox, `{"event":`+goodEvent+`}`, kind(topics.TypeAssessedCustomerEvent)), nil, soon, false, ""},
		"inbox: a customer event, too old":         {setAside(t, topics.Inbox, `{"event":`+goodEvent+`}`, kind(topics.TypeAssessedCustomerEvent)), nil, late, false, "remembered for 30 days"},
		"inbox: a webhook's report":                {setAside(t, topics.Inbox, report(topics.SourceWebhook), kind(topics.TypePSPReport)), nil, soon, false, ""},
		"inbox: a webhook's report, too old":       {setAside(t, topics.Inbox, report(topics.SourceWebhook), kind(topics.TypePSPReport)), nil, late, false, "remembered for 30 days"},
		"inbox: an answer, known by its operation": {setAside(t, topics.Inbox, report(topics.SourceResponse), kind(topics.TypePSPReport)), nil, 2 * late, false, ""},
		"inbox: a timer, known by its generation":  {setAside(t, topics.Inbox, `{"generation":3}`, kind(topics.TypeTimerDue)), nil, 2 * late, false, ""},
		"a review request":                         {setAside(t, topics.Reviews, `{"payment_id":"pay_1"}`), nil, 2 * late, false, ""},
		"a review request of no shape":             {setAside(t, topics.Reviews, `[]`), nil, soon, true, "cannot read it either"},
		"inbox: a review, of which the first says": {setAside(t, topics.Inbox, `{"review":{}}`, kind(topics.TypeAssessedAuthorization)), nil, 2 * late, false, ""},
		"inbox: a review that is none":             {setAside(t, topics.Inbox, `[]`, kind(topics.TypeAssessedAuthorization)), nil, soon, true, "cannot read it either"},
		"inbox: a timer that is none":              {setAside(t, topics.Inbox, `[]`, kind(topics.TypeTimerDue)), nil, soon, true, "cannot read it either"},
		"inbox: of no type":                        {setAside(t, topics.Inbox, assessed), nil, soon, true, `its type ""`},
		"inbox: of an unknown type":                {setAside(t, topics.Inbox, `{}`, kind("weir.steal.v1")), nil, soon, true, "weir.steal.v1"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.change != nil {
				test.change(test.letter)
			}
			got := test.letter.Refusal(longAgo.Add(test.age), test.answered)
			if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("refused: %q, want %q", got, test.want)
			}
		})
	}
}

// TestEveryDeadLetterTopicIsDecidedOn: a new one must not slip through as replayable.
func TestEveryDeadLetterTopicIsDecidedOn(t *testing.T) {
	names, origins := Topics()
	decided := []string{topics.CommandsDeadLetters, topics.WalletCommandsDeadLetters, topics.PayoutCommandsDeadLetters, topics.DisputeCommandsDeadLetters, topics.LinkCommandsDeadLetters, topics.CustomerEventsDeadLetters, topics.InboxDeadLetters,
		topics.PSPRequestsDeadLetters, topics.PSPWebhooksDeadLetters, topics.SignalsDeadLetters, topics.ReviewsDeadLetters}
	if len(names) != len(decided) {
		t.Errorf("%v: decide in Refusal what a replay of each does", names)
	}
	other := setAside(t, topics.Commands, goodCommand)
	for _, name := range names {
		other.ID.Topic = name // a letter that claims to be of another topic's
		if !slices.Contains(origins[name], topics.Commands) && other.Refusal(longAgo, true) == "" {
			t.Errorf("a command's letter in %s is accepted", name)
		}
	}
}

// TestARecordIsWrittenAsItWas: key, value, headers, topic and partition, and once which letter it is from.
func TestARecordIsWrittenAsItWas(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		bytes := rapid.SliceOfN(rapid.Byte(), 0, 20)
		var headers []topics.DeadLetterHeader
		for range rapid.IntRange(0, 4).Draw(r, "headers") {
			headers = append(headers, topics.DeadLetterHeader{Key: rapid.SampledFrom([]string{"a", "ce_id", "verified"}).Draw(r, "name"), Value: bytes.Draw(r, "header")})
		}
		l := &Letter{ID: ID{"dead", 1, 2}, PutAside: longAgo.Add(time.Hour), Record: topics.DeadLetter{Topic: "alive", Partition: 1,
			Time: longAgo, Key: bytes.Draw(r, "key"), Value: bytes.Draw(r, "value"), Headers: headers}}
		first := longAgo
		for n := range rapid.IntRange(1, 4).Draw(r, "replays") {
			again := l.record()
			wantSame(r, again, l, headers)
			next := &Letter{ID: ID{"dead", 1, int64(3 + n)}, PutAside: l.PutAside.Add(time.Hour), Record: l.Record}
			next.Record.Time, next.Record.Headers = l.PutAside.Add(time.Minute), nil
			for _, h := range again.Headers {
				next.Record.Headers = append(next.Record.Headers, topics.DeadLetterHeader{Key: h.Key, Value: h.Value})
			}
			if of, _ := next.header(topics.HeaderReplayOf); of != l.ID.String() || !next.firstSeen().Equal(first) {
				r.Fatalf("replay %d: of %s, first seen %s; want %s, %s", n, of, next.firstSeen(), l.ID, first)
			}
			l = next
		}
	})
}

func wantSame(r *rapid.T, again *kgo.Record, l *Letter, headers []topics.DeadLetterHeader) {
	if again.Topic != "alive" || again.Partition != 1 || string(again.Key) != string(l.Record.Key) || string(again.Value) != string(l.Record.Value) {
		r.Fatalf("%+v is not the record of %+v", again, l)
	}
	if len(again.Headers) != len(headers)+2 {
		r.Fatalf("%d headers, want %d and two", len(again.Headers), len(headers))
	}
	for i, h := range headers {
		if again.Headers[i].Key != h.Key || string(again.Headers[i].Value) != string(h.Value) {
			r.Fatalf("header %d is %v, want %v", i, again.Headers[i], h)
		}
	}
}

func TestIDs(t *testing.T) {
	for _, test := range []struct {
		text, topic string
		want        string // "": an error
	}{
		{"payments.inbox.dlq.v1:3:17", "", "payments.inbox.dlq.v1:3:17"},
		{"payments.inbox.dlq.v1:3:17", "other", "payments.inbox.dlq.v1:3:17"},
		{"3:17", "payments.inbox.dlq.v1", "payments.inbox.dlq.v1:3:17"},
		{"3:17", "", ""}, {"", "t", ""}, {":3:17", "t", ""}, {"17", "t", ""}, {"t:-1:0", "", ""}, {"t:0:-1", "", ""}, {"t:x:0", "", ""}, {"t:0:0:0", "", ""},
		{"t:4294967296:0", "", ""},
	} {
		got, err := ParseID(test.text, test.topic)
		if (err != nil) != (test.want == "") || err == nil && got.String() != test.want {
			t.Errorf("%q of %q: %s %v, want %q", test.text, test.topic, got, err, test.want)
		}
	}
}

func TestAbout(t *testing.T) {
	subject := header(topics.HeaderSubject, payment)
	command := About{CommandID: "0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b"}
	for name, test := range map[string]struct {
		letter *Letter
		want   About
	}{
		"a command":             {setAside(t, topics.Commands, goodCommand), command},
		"of a wrong amount":     {setAside(t, topics.Commands, strings.Replace(goodCommand, "{", `{"amount":10.5,`, 1)), command},
		"an assessed command":   {setAside(t, topics.Inbox, `{"command":`+goodCommand+`}`, subject), About{CommandID: command.CommandID, PaymentID: payment}},
		"a report":              {setAside(t, topics.Inbox, `{"report_id":"r","payment_id":"p"}`, subject), About{PaymentID: "p", ReportID: "r"}},
		"no JSON":               {setAside(t, topics.Inbox, `{"command_id":"x"`, subject), About{PaymentID: payment}},
		"a webhook":             {setAside(t, topics.PSPWebhooks, `{}`, header(topics.HeaderSubject, "sandbox")), About{}},
		"masked, ids and all":   {setAside(t, topics.Inbox, `{"report_id":"1","detail":"4111111111111111"}`, subject), About{}},
		"an id of another kind": {setAside(t, topics.Commands, `{"command_id":5}`), About{}},
	} {
		if got := test.letter.About(); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}
