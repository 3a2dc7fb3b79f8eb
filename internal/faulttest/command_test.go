package faulttest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// wrongCommands are commands that a producer puts into payments.commands.v1. Each is refused in the one order, so that
// whoever waits for it hears of it.
func wrongCommands(t *testing.T, w *world) {
	customer := "cus_commands"
	good := func() topics.Command {
		return topics.Command{CommandID: newID(), Type: topics.CommandCreate, Tenant: tenant, CustomerID: customer, Amount: 1000,
			Currency: "EUR", Authorize: true, CaptureMethod: topics.CaptureAutomatic, Card: &topics.Card{Token: "tok_approved"}, IssuedAt: time.Now().UTC()}
	}
	create := good()
	w.command(t, create)
	id := paymentOf(t, create)
	w.until(t, id, "captured")
	follow := func(kind topics.CommandType) topics.Command {
		return topics.Command{CommandID: newID(), Type: kind, Tenant: tenant, CustomerID: customer, PaymentID: id}
	}
	cancelled := good()
	cancelled.Authorize = false
	w.command(t, cancelled)
	w.until(t, paymentOf(t, cancelled), "created")
	end := follow(topics.CommandCancel)
	end.PaymentID = paymentOf(t, cancelled)
	w.command(t, end)
	w.until(t, end.PaymentID, "cancelled")

	for name, c := range map[string]struct {
		command func() topics.Command
		code    topics.RefusalCode
		says    string
	}{
		"unknown currency":        {func() topics.Command { c := good(); c.Currency = "XXZ"; return c }, topics.RefusedInvalid, "currency"},
		"negative amount":         {func() topics.Command { c := good(); c.Amount = -1; return c }, topics.RefusedInvalid, "amount"},
		"amount above the limit":  {func() topics.Command { c := good(); c.Amount = topics.MaxAmount + 1; return c }, topics.RefusedInvalid, "amount"},
		"no card":                 {func() topics.Command { c := good(); c.Card = nil; return c }, topics.RefusedInvalid, "card"},
		"unknown type":            {func() topics.Command { c := good(); c.Type = "steal"; return c }, topics.RefusedInvalid, "type"},
		"customer of look-alikes": {func() topics.Command { c := good(); c.CustomerID = "сus_1"; return c }, topics.RefusedInvalid, "customer_id"},
		"unknown payment": {func() topics.Command {
			c := follow(topics.CommandCapture)
			c.PaymentID = topics.PaymentID{Partition: topics.PartitionOf(tenant, customer, partitions), UUID: uuid.Must(uuid.NewV7())}.String()
			return c
		}, topics.RefusedUnknownPayment, ""},
		"a command for a finished payment": {func() topics.Command {
			c := follow(topics.CommandAuthorize)
			c.PaymentID = paymentOf(t, cancelled)
			return c
		}, topics.RefusedFinished, "cancelled"},
		"another customer of another partition":  {func() topics.Command { c := follow(topics.CommandRefund); c.CustomerID = stranger(customer); return c }, topics.RefusedUnknownPayment, "customer"},
		"another customer of the same partition": {func() topics.Command { c := follow(topics.CommandRefund); c.CustomerID = neighbour(customer); return c }, topics.RefusedCustomerMismatch, ""},
		"another tenant":                         {func() topics.Command { c := follow(topics.CommandRefund); c.Tenant = rival; return c }, w.notTheirs(t, topics.Command{Tenant: rival, CustomerID: customer, PaymentID: id}), ""},
		"another currency":                       {func() topics.Command { c := follow(topics.CommandRefund); c.Amount, c.Currency = 100, "JPY"; return c }, topics.RefusedCurrencyMismatch, "EUR"},
		"an amount without a currency":           {func() topics.Command { c := follow(topics.CommandRefund); c.Amount = 100; return c }, topics.RefusedInvalid, "currency"},
		"refund above captured":                  {func() topics.Command { c := follow(topics.CommandRefund); c.Amount, c.Currency = 1001, "EUR"; return c }, topics.RefusedExceedsCaptured, "10.00"},
		"issued before the horizon":              {func() topics.Command { c := good(); c.IssuedAt = time.Now().Add(-31 * 24 * time.Hour); return c }, topics.RefusedTooOld, "720h"},
	} {
		t.Run(name, func(t *testing.T) {
			w.unmoved(t, func() {
				command := c.command()
				w.command(t, command)
				e := w.refused(t, command.CommandID)
				if e.Refusal != c.code || !strings.Contains(e.Detail, c.says) || e.Tenant != command.Tenant {
					t.Errorf("refused with %s %q of %s; want %s with %q", e.Refusal, e.Detail, e.Tenant, c.code, c.says)
				}
			})
		})
	}
	t.Run("a repeated command id with other content", func(t *testing.T) {
		w.unmoved(t, func() {
			again := create
			again.Amount, again.Card = 999_999, &topics.Card{Token: "tok_approved.other"}
			w.command(t, again)
			refund := follow(topics.CommandRefund)
			refund.CommandID, refund.Amount, refund.Currency = create.CommandID, 1000, "EUR"
			w.command(t, refund)
			w.passed(t, tenant, customer)
			w.mu.Lock()
			defer w.mu.Unlock()
			refused := 0
			for _, r := range w.records {
				var e topics.PaymentEvent
				if r.Topic != topics.Events || topics.Unmarshal(r.Value, &e) != nil || e.CommandID != create.CommandID {
					continue
				}
				if e.Refusal == topics.RefusedDuplicateCommand {
					refused++
				} else if e.Type == topics.EventCommandRefused || e.Amount > 1000 {
					t.Errorf("the repeat led to %s", r.Value)
				}
			}
			if refused != 2 {
				t.Errorf("%d refusals, want one of each", refused)
			}
		})
	})
}

// passed waits until everything that was written for a customer before has been folded.
func (w *world) passed(t *testing.T, tenant, customer string) {
	t.Helper()
	barrier := topics.Command{CommandID: newID(), Type: topics.CommandCapture, Tenant: tenant, CustomerID: customer,
		PaymentID: topics.PaymentID{UUID: uuid.Must(uuid.NewV7())}.String()}
	w.command(t, barrier)
	w.refused(t, barrier.CommandID)
}

func paymentOf(t *testing.T, create topics.Command) string {
	t.Helper()
	id, err := uuid.FromString(create.CommandID)
	if err != nil {
		t.Fatal(err)
	}
	return topics.PaymentID{Partition: topics.PartitionOf(create.Tenant, create.CustomerID, partitions), UUID: id}.String()
}

// ofPartition is a customer of a partition.
func ofPartition(partition int32) string {
	for n := 0; ; n++ {
		if customer := fmt.Sprint("cus-", n); topics.PartitionOf(tenant, customer, partitions) == partition {
			return customer
		}
	}
}

// neighbour is another customer whose partition is the same.
func neighbour(customer string) string { return another(customer, true) }

// stranger is another customer whose partition is another one.
func stranger(customer string) string { return another(customer, false) }

func another(customer string, together bool) string {
	for n := 0; ; n++ {
		other := fmt.Sprint(customer, "-", n)
		same := topics.PartitionOf(tenant, other, partitions) == topics.PartitionOf(tenant, customer, partitions)
		if same == together {
			return other
		}
	}
}

// wrongRecords are bytes that are no record of their topic, or stand where none belongs.
func wrongRecords(t *testing.T, w *world) {
	assessed := []kgo.RecordHeader{{Key: topics.HeaderType, Value: []byte(topics.TypeAssessedCommand)}}
	typed := func(kind string) []kgo.RecordHeader {
		return []kgo.RecordHeader{{Key: topics.HeaderType, Value: []byte(kind)}}
	}
	garbage := []kgo.RecordHeader{{Key: "", Value: nil}, {Key: "ce_type", Value: []byte{0xff, 0xfe}}, {Key: "ce_specversion", Value: []byte("9")},
		{Key: "\x00\x1b[2J", Value: bytes.Repeat([]byte{0}, 2000)}, {Key: "ce_time", Value: []byte("never")}}
	large := []byte(`{"command_id":"` + strings.Repeat("x", 900<<10) + `"}`)
	for name, c := range map[string]struct {
		topic   string
		key     []byte
		value   []byte
		headers []kgo.RecordHeader
		letters string
		reason  topics.RefusalCode
		says    string
	}{
		"no value":                          {topics.Commands, []byte("k"), nil, nil, topics.CommandsDeadLetters, topics.RefusedUndecodable, "no value"},
		"an empty value":                    {topics.Commands, nil, []byte{}, nil, topics.CommandsDeadLetters, topics.RefusedUndecodable, "no value"},
		"bytes":                             {topics.Commands, []byte("k"), []byte{0, 1, 2, 0xff}, nil, topics.CommandsDeadLetters, topics.RefusedUndecodable, ""},
		"invalid JSON":                      {topics.Commands, []byte("k"), []byte(`{"command_id":`), nil, topics.CommandsDeadLetters, topics.RefusedUndecodable, "malformed JSON"},
		"10.505 euros":                      {topics.Commands, []byte("k"), []byte(`{"command_id":"0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b","tenant":"acme","amount":10.505}`), nil, topics.CommandsDeadLetters, topics.RefusedUndecodable, `"amount"`},
		"1.5 yen":                           {topics.Commands, []byte("k"), []byte(`{"amount":1.5,"currency":"JPY"}`), nil, topics.CommandsDeadLetters, topics.RefusedUndecodable, `"amount"`},
		"amount above 64 bits":              {topics.Commands, []byte("k"), []byte(`{"amount":9223372036854775808}`), nil, topics.CommandsDeadLetters, topics.RefusedUndecodable, `"amount"`},
		"no command id":                     {topics.Commands, []byte("k"), []byte(`{"tenant":"acme","type":"create"}`), nil, topics.CommandsDeadLetters, topics.RefusedInvalid, "command_id"},
		"the command id of zeros":           {topics.Commands, []byte("k"), []byte(`{"tenant":"acme","command_id":"00000000-0000-0000-0000-000000000000"}`), nil, topics.CommandsDeadLetters, topics.RefusedInvalid, "command_id"},
		"no tenant":                         {topics.Commands, []byte("k"), []byte(`{"command_id":"0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b"}`), nil, topics.CommandsDeadLetters, topics.RefusedInvalid, "tenant"},
		"a tenant with a zero byte":         {topics.Commands, []byte("k"), []byte(`{"command_id":"0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b","tenant":"a\u0000cus"}`), nil, topics.CommandsDeadLetters, topics.RefusedInvalid, "tenant"},
		"900 KB":                            {topics.Commands, []byte("k"), large, nil, topics.CommandsDeadLetters, topics.RefusedInvalid, "command_id"},
		"headers with garbage":              {topics.Commands, []byte("k"), []byte(`{}`), garbage, topics.CommandsDeadLetters, topics.RefusedInvalid, "command_id"},
		"events: bytes":                     {topics.CustomerEvents, []byte("k"), []byte{0, 1, 2, 0xff}, nil, topics.CustomerEventsDeadLetters, topics.RefusedUndecodable, ""},
		"events: a duration in words":       {topics.CustomerEvents, []byte("k"), []byte(`{"duration_seconds":"1h"}`), nil, topics.CustomerEventsDeadLetters, topics.RefusedUndecodable, `"duration_seconds"`},
		"events: no id":                     {topics.CustomerEvents, []byte("k"), []byte(`{"tenant":"acme","customer_id":"ann","type":"login"}`), nil, topics.CustomerEventsDeadLetters, topics.RefusedInvalid, "event_id"},
		"events: the name of another event": {topics.CustomerEvents, []byte("k"), []byte(`{"event_id":"0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b","tenant":"acme","customer_id":"ann","type":"event.login"}`), nil, topics.CustomerEventsDeadLetters, topics.RefusedInvalid, "type: is not a type of event"},
		"events: of last year":              {topics.CustomerEvents, []byte("k"), []byte(`{"event_id":"0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b","tenant":"acme","customer_id":"ann","type":"login","occurred_at":"2020-01-01T00:00:00Z"}`), nil, topics.CustomerEventsDeadLetters, topics.RefusedTooOld, "occurred_at"},
		"events: headers with garbage":      {topics.CustomerEvents, []byte("k"), []byte(`{}`), garbage, topics.CustomerEventsDeadLetters, topics.RefusedInvalid, "event_id"},
		"inbox: an event of nobody":         {topics.Inbox, nil, []byte(`{"event":{"event_id":"0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b"}}`), typed(topics.TypeAssessedCustomerEvent), topics.InboxDeadLetters, topics.RefusedUndecodable, "customer_id"},
		"inbox: an event from long ago": {topics.Inbox, nil, []byte(`{"event":{"event_id":"0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b","tenant":"acme","customer_id":"` + ofPartition(1) + `"},"assessed_at":"2020-01-01T00:00:00Z"}`),
			typed(topics.TypeAssessedCustomerEvent), topics.InboxDeadLetters, topics.RefusedTooOld, "assessed_at"},
		"inbox: no value":                   {topics.Inbox, nil, nil, assessed, topics.InboxDeadLetters, topics.RefusedUndecodable, "no value"},
		"inbox: no headers":                 {topics.Inbox, nil, []byte(`{}`), nil, topics.InboxDeadLetters, topics.RefusedUndecodable, topics.HeaderType},
		"inbox: unknown type":               {topics.Inbox, nil, []byte(`{}`), typed("weir.steal.v1"), topics.InboxDeadLetters, topics.RefusedUndecodable, "weir.steal.v1"},
		"inbox: a type of 900 KB":           {topics.Inbox, nil, []byte(`{}`), typed(strings.Repeat("t", 900<<10)), topics.InboxDeadLetters, topics.RefusedUndecodable, topics.HeaderType},
		"inbox: headers with garbage":       {topics.Inbox, nil, []byte(`{}`), garbage, topics.InboxDeadLetters, topics.RefusedUndecodable, topics.HeaderType},
		"inbox: 900 KB":                     {topics.Inbox, nil, large, assessed, topics.InboxDeadLetters, topics.RefusedUndecodable, "command_id"},
		"inbox: a report without a payment": {topics.Inbox, nil, []byte(`{"source":"response","outcome":"approved"}`), typed(topics.TypePSPReport), topics.InboxDeadLetters, topics.RefusedUndecodable, "payment id"},
		"inbox: a report in the wrong partition": {topics.Inbox, nil, []byte(`{"source":"response","outcome":"approved","payment_id":"pay_0003_0190a3c45b6d7e8f9a0b1c2d3e4f5a6b"}`),
			typed(topics.TypePSPReport), topics.InboxDeadLetters, topics.RefusedUndecodable, "partition 3"},
		"inbox: a timer of nothing": {topics.Inbox, nil, []byte(`{"payment_id":"pay_"}`), typed(topics.TypeTimerDue), topics.InboxDeadLetters, topics.RefusedUndecodable, "payment id"},
		"webhooks: not verified":    {topics.PSPWebhooks, []byte("k"), []byte(`{}`), nil, topics.PSPWebhooksDeadLetters, topics.RefusedUndecodable, "not verified"},
	} {
		t.Run(name, func(t *testing.T) {
			w.unmoved(t, func() {
				written := w.produce(t, &kgo.Record{Topic: c.topic, Partition: 1, Key: c.key, Value: c.value, Headers: c.headers})
				letter := w.letter(t, c.letters, written)
				if c.reason != "" && letter.Reason != c.reason || !strings.Contains(letter.Detail, c.says) {
					t.Errorf("dead letter: %s %.200q; want %s with %q", letter.Reason, letter.Detail, c.reason, c.says)
				}
				if !bytes.HasPrefix(c.value, letter.Value) || len(letter.Value)+letter.OmittedBytes != len(c.value) || len(letter.Value) == 0 && len(c.value) > 0 {
					t.Errorf("the dead letter has %d bytes and omits %d, the record has %d", len(letter.Value), letter.OmittedBytes, len(c.value))
				}
				if !bytes.Equal(letter.Key, c.key) {
					t.Errorf("key %q, want %q", letter.Key, c.key)
				}
			})
		})
	}
	t.Run("inbox: a command in the wrong partition", func(t *testing.T) {
		w.unmoved(t, func() {
			in := topics.AssessedCommand{Command: topics.Command{CommandID: newID(), Type: topics.CommandCreate, Tenant: tenant, CustomerID: "cus_1",
				Amount: 100, Currency: "EUR", Card: &topics.Card{Token: "tok_approved"}}, Decision: topics.Decision{Outcome: topics.OutcomePass}}
			value, err := topics.Marshal(in)
			if err != nil {
				t.Fatal(err)
			}
			wrong := (topics.PartitionOf(tenant, "cus_1", partitions) + 1) % partitions
			w.produce(t, &kgo.Record{Topic: topics.Inbox, Partition: wrong, Value: value, Headers: assessed})
			if e := w.refused(t, in.Command.CommandID); e.Refusal != topics.RefusedInvalid || !strings.Contains(e.Detail, "partition") {
				t.Errorf("refused with %s %q", e.Refusal, e.Detail)
			}
		})
	})
	t.Run("inbox: a command that was not assessed", func(t *testing.T) {
		w.unmoved(t, func() {
			in := topics.AssessedCommand{Command: topics.Command{CommandID: newID(), Type: topics.CommandCreate, Tenant: tenant, CustomerID: "cus_1",
				Amount: 100, Currency: "EUR", Card: &topics.Card{Token: "tok_approved"}}}
			value, err := topics.Marshal(in)
			if err != nil {
				t.Fatal(err)
			}
			w.produce(t, &kgo.Record{Topic: topics.Inbox, Partition: topics.PartitionOf(tenant, "cus_1", partitions), Value: value, Headers: assessed})
			if e := w.refused(t, in.Command.CommandID); e.Refusal != topics.RefusedInvalid || !strings.Contains(e.Detail, "decision") {
				t.Errorf("refused with %s %q", e.Refusal, e.Detail)
			}
		})
	})
}
