package faulttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// card is a card number of its own for each place, so that one that is found tells how it came there.
func (w *world) card(place string) string {
	digits := fmt.Sprintf("4539%011d", 7_000_000_000+len(w.cards))
	for check := byte('0'); check <= '9'; check++ {
		if number := digits + string(check); topics.FindCardNumber([]byte(number)) {
			w.cards[number] = place
			return number
		}
	}
	panic("no check digit fits " + digits)
}

// script writes a number in the digits of another script, whose zero is given.
func script(number string, zero rune) string {
	return strings.Map(func(r rune) rune { return r - '0' + zero }, number)
}

func grouped(number string) string {
	return number[:4] + " " + number[4:8] + " " + number[8:12] + " " + number[12:]
}

// cardsOverHTTP puts a card number into every place of a request.
func cardsOverHTTP(t *testing.T, w *world) {
	payment := w.paid(t, 1000, "EUR", true).ID
	created := w.post(t, "/v1/intents", `{"amount":100,"currency":"EUR","card":{"token":"tok_approved"}}`, nil).ID
	body := func(fields string) string {
		return `{"amount":100,"currency":"EUR",` + fields + `,"card":{"token":"tok_approved"}}`
	}
	for place, text := range map[string]string{
		"customer_id": body(`"customer_id":"PAN"`), "description": body(`"description":"pay with PAN please"`),
		"description in groups": body(`"description":"GROUPED"`), "description with dashes": body(`"description":"DASHED"`),
		"description in full-width digits": body(`"description":"WIDE"`), "description in Arabic digits": body(`"description":"ARABIC"`),
		"description in escapes": body(`"description":"ESCAPED"`), "merchant_reference": body(`"merchant_reference":"PAN"`),
		"return_url": body(`"return_url":"https://shop.example/?card=PAN"`), "metadata value": body(`"metadata":{"note":"PAN"}`),
		"metadata key": body(`"metadata":{"PAN":"note"}`), "fingerprint": `{"amount":100,"currency":"EUR","card":{"token":"t","fingerprint":"PAN"}}`,
		"token": `{"amount":100,"currency":"EUR","card":{"token":"PAN"}}`, "unknown field": body(`"card_number":"PAN"`),
		"unknown field as a number": body(`"pan":PAN`), "amount": `{"amount":PAN,"currency":"EUR","card":{"token":"t"}}`,
		"user agent of the context": body(`"context":{"user_agent":"PAN"}`), "phone": body(`"context":{"phone":"PAN"}`),
		"device": body(`"context":{"device_id":"PAN"}`), "currency": `{"amount":100,"currency":"PAN","card":{"token":"t"}}`,
		"broken JSON": `{"card":"PAN"`, "no JSON": `PAN`,
	} {
		t.Run(place, func(t *testing.T) {
			number := w.card("HTTP body: " + place)
			escaped := ""
			for i := range len(number) {
				escaped += fmt.Sprintf(`\u%04x`, number[i])
			}
			text = strings.NewReplacer("PAN", number, "GROUPED", grouped(number), "DASHED", strings.ReplaceAll(grouped(number), " ", "-"), "ESCAPED", escaped,
				"WIDE", script(number, 0xFF10), "ARABIC", script(number, 0x660)).Replace(text)
			w.unmoved(t, func() { wantCardRefused(t, w.post(t, "/v1/intents", text, nil), number) })
		})
	}
	t.Run("reason of a cancel", func(t *testing.T) {
		number := w.card("HTTP body: reason")
		w.unmoved(t, func() {
			wantCardRefused(t, w.post(t, "/v1/intents/"+created+"/cancel", `{"reason":"`+number+`"}`, nil), number)
		})
	})
	for place, c := range map[string][2]string{
		"customer of an event": {"/v1/customers/PAN/events", `{"type":"login"}`}, "event": {"/v1/customers/c/events", `{"type":"login","metadata":{"a":"PAN"}}`},
		"device of an event": {"/v1/customers/c/events", `{"type":"login","context":{"device_id":"PAN"}}`},
	} {
		t.Run(place, func(t *testing.T) {
			number := w.card("HTTP: " + place)
			w.unmoved(t, func() {
				wantCardRefused(t, w.post(t, strings.ReplaceAll(c[0], "PAN", number), strings.ReplaceAll(c[1], "PAN", number), nil), number)
			})
		})
	}
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key", "X-Trace-Id"} {
		t.Run(name, func(t *testing.T) {
			number := w.card("HTTP header: " + name)
			headers := header{"Idempotency-Key": "", name: number}
			if name == "X-Trace-Id" {
				headers["Idempotency-Key"] = newID()
			}
			w.unmoved(t, func() {
				wantCardRefused(t, w.post(t, "/v1/intents/"+payment+"/void", `{}`, headers), number)
			})
		})
	}
	for name, path := range map[string]string{
		"path": "/v1/intents/PAN", "path that nothing serves": "/cards/PAN", "path of an operation": "/v1/intents/PAN/refunds",
		"escaped path": "/v1/intents/ESCAPED", "query": "/v1/intents?customer_id=PAN", "cursor": "/v1/intents?cursor=PAN",
		"escaped query": "/v1/intents?customer_id=ESCAPED", "unknown query": "/v1/intents?card=PAN", "query of a probe": "/healthz?card=PAN",
	} {
		t.Run(name, func(t *testing.T) {
			number := w.card("HTTP URL: " + name)
			escaped := ""
			for i := range len(number) {
				escaped += fmt.Sprintf("%%%02x", number[i])
			}
			path = strings.NewReplacer("PAN", number, "ESCAPED", escaped).Replace(path)
			wantCardRefused(t, w.call(t, http.MethodGet, path, "", nil), number)
		})
	}
	// Headers that nothing reads are not refused, and nothing of them is kept.
	for name, value := range map[string]string{
		"User-Agent": "PAN", "Cookie": "card=PAN", "Referer": "https://shop.example/PAN", "X-Api-Key": "PAN", "Authorization": "Bearer PAN",
		"Traceparent": "00-PAN-00f067aa0ba902b7-01", "Content-Type": "text/PAN", "X-Forwarded-For": "PAN", "Accept": "PAN",
	} {
		t.Run(name, func(t *testing.T) {
			number := w.card("HTTP header: " + name)
			headers := header{name: strings.ReplaceAll(value, "PAN", number)}
			if a := w.call(t, http.MethodGet, "/v1/intents/"+payment, "", headers); strings.Contains(string(a.body), number) {
				t.Errorf("the answer repeats the card number: %s", a)
			}
			w.unmoved(t, func() { w.post(t, "/v1/intents", `{"amount":-1}`, headers) })
		})
	}
	t.Run("method", func(t *testing.T) {
		w.call(t, w.card("HTTP method"), "/v1/intents", "", nil)
	})
}

func wantCardRefused(t *testing.T, a *answer, number string) {
	t.Helper()
	if a.status != http.StatusUnprocessableEntity || a.Error != "card_number" {
		t.Errorf("got %s; want 422 card_number", a)
	}
	if bytes.Contains(a.body, []byte(number)) {
		t.Errorf("the answer repeats the card number: %s", a)
	}
}

// cardsOverKafka puts a card number into every place of a record. What an outside producer wrote into its own topic stays
// there until it is deleted; nothing that weir writes repeats it.
func cardsOverKafka(t *testing.T, w *world) {
	for place, text := range map[string]string{
		"description": `"customer_id":"cus_1","description":"PAN"`, "metadata": `"customer_id":"cus_1","metadata":{"a":"PAN"}`,
		"metadata key": `"customer_id":"cus_1","metadata":{"PAN":"a"}`, "customer_id": `"customer_id":"PAN"`, "trace_id": `"trace_id":"PAN"`,
		"region": `"region":"PAN"`, "payment_id": `"payment_id":"PAN"`, "unknown field": `"customer_id":"cus_1","cards":[{"number":"PAN"}]`,
		"unknown field as a number": `"number":PAN`, "token": `"customer_id":"cus_1","card":{"token":"PAN"}`,
	} {
		t.Run("command: "+place, func(t *testing.T) {
			number, id := w.card("command: "+place), newID()
			text = strings.ReplaceAll(text, "PAN", number)
			w.unmoved(t, func() {
				w.produce(t, &kgo.Record{Topic: topics.Commands, Key: []byte("k"), Value: []byte(
					`{"command_id":"` + id + `","type":"create","tenant":"acme","amount":100,"currency":"EUR",` + text + `}`)})
				if e := w.refused(t, id); e.Refusal != topics.RefusedCardNumber {
					t.Errorf("refused with %s %q, want %s", e.Refusal, e.Detail, topics.RefusedCardNumber)
				}
			})
		})
	}
	head := func(key, value string) []kgo.RecordHeader {
		return []kgo.RecordHeader{{Key: key, Value: []byte(value)}}
	}
	for place, c := range map[string]struct {
		topic, letters, key, value string
		headers                    []kgo.RecordHeader
	}{
		"tenant":                  {topics.Commands, topics.CommandsDeadLetters, "k", `{"command_id":"0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b","tenant":"PAN x"}`, nil},
		"command id":              {topics.Commands, topics.CommandsDeadLetters, "k", `{"command_id":"PAN","tenant":"acme"}`, nil},
		"invalid JSON":            {topics.Commands, topics.CommandsDeadLetters, "k", `{"number":"PAN"`, nil},
		"wrong type":              {topics.Commands, topics.CommandsDeadLetters, "k", `{"metadata":{"PAN":1}}`, nil},
		"full-width digits":       {topics.Commands, topics.CommandsDeadLetters, "k", `{"number":"WIDE"`, nil},
		"bytes":                   {topics.Commands, topics.CommandsDeadLetters, "k", `PAN`, nil},
		"key":                     {topics.Commands, topics.CommandsDeadLetters, "PAN", `{}`, nil},
		"header":                  {topics.Commands, topics.CommandsDeadLetters, "k", `{}`, head("x-card", "PAN")},
		"trace header":            {topics.Commands, topics.CommandsDeadLetters, "k", `{}`, head(topics.HeaderTraceID, "PAN")},
		"name of a header":        {topics.Commands, topics.CommandsDeadLetters, "k", `{}`, head("PAN", "x")},
		"event: metadata":         {topics.CustomerEvents, topics.CustomerEventsDeadLetters, "k", `{"event_id":"0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b","tenant":"acme","customer_id":"c","type":"login","metadata":{"a":"PAN"}}`, nil},
		"event: customer":         {topics.CustomerEvents, topics.CustomerEventsDeadLetters, "PAN", `{"event_id":"0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b","tenant":"acme","customer_id":"PAN","type":"login"}`, nil},
		"event: unknown field":    {topics.CustomerEvents, topics.CustomerEventsDeadLetters, "k", `{"event_id":"0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b","tenant":"acme","customer_id":"c","type":"login","pan":PAN}`, nil},
		"event: type":             {topics.CustomerEvents, topics.CustomerEventsDeadLetters, "k", `{"event_id":"PAN","tenant":"PAN","customer_id":"c","type":"PAN"}`, head(topics.HeaderTraceID, "PAN")},
		"inbox: type":             {topics.Inbox, topics.InboxDeadLetters, "k", `{}`, head(topics.HeaderType, "PAN")},
		"inbox: name of a header": {topics.Inbox, topics.InboxDeadLetters, "k", `{}`, head("PAN", "x")},
		"inbox: payment of a timer": {topics.Inbox, topics.InboxDeadLetters, "k", `{"payment_id":"PAN","tenant":"PAN","customer_id":"PAN"}`,
			head(topics.HeaderType, topics.TypeTimerDue)},
		"inbox: ids of a command": {topics.Inbox, topics.InboxDeadLetters, "k", `{"command":{"command_id":"PAN","tenant":"acme PAN","customer_id":"PAN","trace_id":"PAN"}}`,
			head(topics.HeaderType, topics.TypeAssessedCommand)},
		"inbox: envelope": {topics.Inbox, topics.InboxDeadLetters, "k", `{}`, []kgo.RecordHeader{
			{Key: topics.HeaderSpecVersion, Value: []byte("1.0")}, {Key: topics.HeaderID, Value: []byte("PAN")}, {Key: topics.HeaderSource, Value: []byte("PAN")},
			{Key: topics.HeaderType, Value: []byte("weir.PAN.v1")}, {Key: topics.HeaderSubject, Value: []byte("PAN")}, {Key: topics.HeaderTenant, Value: []byte("PAN")},
			{Key: topics.HeaderRegion, Value: []byte("PAN")}, {Key: topics.HeaderTraceID, Value: []byte("PAN")}}},
		"webhooks: subject": {topics.PSPWebhooks, topics.PSPWebhooksDeadLetters, "k", `{}`, []kgo.RecordHeader{
			{Key: topics.HeaderSpecVersion, Value: []byte("1.0")}, {Key: topics.HeaderID, Value: []byte("PAN")}, {Key: topics.HeaderSource, Value: []byte("x")},
			{Key: topics.HeaderType, Value: []byte("x")}, {Key: topics.HeaderSubject, Value: []byte("PAN")}, {Key: topics.HeaderVerified, Value: []byte("true")}}},
	} {
		t.Run(place, func(t *testing.T) {
			number := w.card("record: " + place)
			put := strings.NewReplacer("PAN", number, "WIDE", script(number, 0xFF10)).Replace
			r := &kgo.Record{Topic: c.topic, Partition: 2, Key: []byte(put(c.key)), Value: []byte(put(c.value))}
			for _, h := range c.headers {
				r.Headers = append(r.Headers, kgo.RecordHeader{Key: put(h.Key), Value: []byte(put(string(h.Value)))})
			}
			w.unmoved(t, func() {
				if letter := w.letter(t, c.letters, w.produce(t, r)); !letter.Masked {
					t.Errorf("the dead letter does not say that it is masked: %+v", letter)
				}
			})
		})
	}
}

// noCardNumberStays searches everything that was written: log, topics and tables.
func noCardNumberStays(t *testing.T, w *world) {
	w.passed(t, tenant, "cus_last")
	search := func(where string, data []byte) {
		for number, place := range w.cards {
			if bytes.Contains(data, []byte(number)) || bytes.Contains(data, []byte(script(number, 0xFF10))) || bytes.Contains(data, []byte(grouped(number))) {
				t.Errorf("%s holds the card number that was put into %q: %.600q", where, place, data)
			}
		}
	}
	for line := range strings.Lines(w.log.String()) {
		search("the log", []byte(line))
	}
	metrics := w.call(t, http.MethodGet, "/metrics", "", nil)
	search("/metrics", metrics.body)
	w.mu.Lock()
	records := w.records
	w.mu.Unlock()
	kinds := map[string]int{}
	for _, r := range records {
		if w.own[placeOf(r)] {
			continue
		}
		kinds[r.Topic]++
		search(placeOf(r), r.Key)
		search(placeOf(r), r.Value)
		for _, h := range r.Headers {
			search(placeOf(r), []byte(h.Key))
			search(placeOf(r), h.Value)
		}
		var letter topics.DeadLetter
		if strings.HasSuffix(r.Topic, ".dlq.v1") && json.Unmarshal(r.Value, &letter) == nil {
			search(placeOf(r)+" (decoded)", bytes.Join([][]byte{letter.Key, letter.Value, fmt.Appendf(nil, "%s", letter.Headers)}, []byte{' '}))
		}
	}
	t.Log("records searched:", kinds)
	searchTables(t, w, search)
}

func searchTables(t *testing.T, w *world, search func(where string, data []byte)) {
	names, err := w.engine.Database.Pool.Query(t.Context(), `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(names, pgx.RowTo[string])
	if err != nil || len(tables) < 8 {
		t.Fatalf("tables %v: %v", tables, err)
	}
	frames, err := stream.NewFrames("payments")
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		rows, err := w.engine.Database.Pool.Query(t.Context(), "SELECT * FROM "+pgx.Identifier{table}.Sanitize())
		if err != nil {
			t.Fatal(err)
		}
		all, err := pgx.CollectRows(rows, pgx.RowToMap)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range all {
			for column, value := range row {
				data, ok := value.([]byte)
				if !ok {
					data = fmt.Append(nil, value)
				}
				search(table+"."+column, data)
			}
			if table != "stream_log" {
				continue
			}
			_, outputs, err := frames.Decode(row["partition"].(int32), row["position"].(int64), row["frame"].([]byte))
			if err != nil {
				t.Fatal(err)
			}
			for _, out := range outputs {
				search("stream_log (decoded)", fmt.Appendf(nil, "%s %s %+v", out.Key, out.Value, out.Envelope))
			}
		}
		t.Log(table, len(all), "rows")
	}
}
