package stream

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/topics"
)

func newTestFrames(t testing.TB) *Frames {
	t.Helper()
	f, err := NewFrames("payments")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// typicalOutputs is what an authorisation that captures at once gives: three events, an entry and a decision.
func typicalOutputs(t testing.TB, n int) []Output {
	t.Helper()
	var outputs []Output
	customer, payment := fmt.Sprintf("cus_%08x", n*7919), fmt.Sprintf("pay_0001_%032x", n*104729)
	add := func(topic, kind string, value any) {
		data, err := topics.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		outputs = append(outputs, Output{Topic: topic, Key: []byte(customer), Value: data, Envelope: topics.Envelope{
			Type: kind, Subject: payment, Tenant: "acme", Region: "eu", TraceID: fmt.Sprintf("%032x", n*15485863)}})
	}
	at := time.UnixMilli(1767225600000 + int64(n)).UTC()
	event := topics.PaymentEvent{Tenant: "acme", Region: "eu", CustomerID: customer, PaymentID: payment, At: at,
		CommandID: fmt.Sprintf("018f2b6e-0000-7000-8000-%012x", n), TraceID: fmt.Sprintf("%032x", n*15485863),
		Amount: 1050, Currency: "EUR", RequestID: fmt.Sprintf("1-%d-0", n)}
	for i, kind := range []topics.EventType{topics.EventAuthorized, topics.EventCaptureRequested, topics.EventCaptured} {
		event.EventID, event.Type, event.Status = fmt.Sprintf("1-%d-%d", n, i), kind, topics.StatusCaptured
		event.PSP = &topics.PSPData{Source: topics.SourceResponse, Operation: topics.OperationAuthorize, Fee: 31,
			PSPReference: fmt.Sprintf("psp_%024x", n), NetworkReference: fmt.Sprintf("%015d", n)}
		event.Totals = &topics.Totals{Authorized: 1050, Captured: 1050}
		add(topics.Events, "weir.payment."+string(kind)+".v1", event)
	}
	add(topics.Entries, "weir.ledger.entry.v1", topics.LedgerEntry{EntryID: fmt.Sprintf("1-%d-0", n), Template: "deposit_captured",
		Tenant: "acme", CustomerID: customer, PaymentID: payment, BookedAt: at, Postings: []topics.LedgerPosting{
			{AccountID: fmt.Sprintf("%032x", n), Code: "psp_receivable", Currency: "EUR", Amount: 1019},
			{AccountID: fmt.Sprintf("%032x", n*3), Code: "psp_fees", Currency: "EUR", Amount: 31},
			{AccountID: fmt.Sprintf("%032x", n*5), Code: "customer_wallet", Owner: customer, Currency: "EUR", Amount: -1050}}})
	add(topics.Decisions, "weir.risk.decision.v1", topics.Decision{CommandID: event.CommandID, Outcome: topics.OutcomePass,
		Score: 12, Evaluated: 40, RuleSet: strings.Repeat("ab", 32)})
	return outputs
}

func TestFramesKeepEveryByte(t *testing.T) {
	f := newTestFrames(t)
	at := time.UnixMilli(1767225600123).UTC()
	for name, outputs := range map[string][]Output{
		"typical":         typicalOutputs(t, 42),
		"of a wallet":     walletOutputs(),
		"none":            nil,
		"empty":           {{Topic: topics.Events}},
		"unlisted topic":  {{Topic: "some.other.topic", Key: []byte("k"), Value: []byte("v")}},
		"incompressible":  {{Topic: topics.Entries, Value: []byte{0, 255, 3, 7}}},
		"many of a topic": {{Topic: topics.Events}, {Topic: topics.Entries}, {Topic: topics.Events}, {Topic: topics.Events}},
		"large":           {{Topic: topics.Events, Value: bytes.Repeat([]byte("large "), 300_000)}},
	} {
		t.Run(name, func(t *testing.T) {
			frame, err := f.Encode(at, outputs)
			if err != nil {
				t.Fatal(err)
			}
			gotAt, got, err := f.Decode(3, 77, frame)
			if err != nil {
				t.Fatal(err)
			}
			identify("weir/payments", 3, 77, at, outputs)
			if !gotAt.Equal(at) || len(got) != len(outputs) {
				t.Fatalf("got %d outputs of %s", len(got), gotAt)
			}
			for i := range outputs {
				want := outgoing(3, &outputs[i])
				if record := outgoing(3, &got[i]); record.Topic != want.Topic || !bytes.Equal(record.Key, want.Key) ||
					!bytes.Equal(record.Value, want.Value) || !sameHeaders(record.Headers, want.Headers) {
					t.Errorf("output %d\n got %v\nwant %v", i, record, want)
				}
			}
		})
	}
}

// walletOutputs is what a bet publishes.
func walletOutputs() []Output {
	return []Output{
		{Topic: topics.Entries, Key: []byte("cus_812"), Envelope: topics.Envelope{Type: topics.TypeLedgerEntry, Tenant: "acme"},
			Value: []byte(`{"entry_id":"2-881-0","template":"game_debit","tenant":"acme","customer_id":"cus_812","postings":[{"code":"customer_wallet","amount":731}]}`)},
		{Topic: topics.WalletEvents, Key: []byte("cus_812"), Envelope: topics.Envelope{Type: topics.TypeWalletEvent, Tenant: "acme"},
			Value: []byte(`{"event_id":"2-881-0","type":"debited","tenant":"acme","customer_id":"cus_812","amount":731,"currency":"EUR","reason":"game","round_id":"r_9"}`)},
	}
}

// Frames of payments stay what they were; those of wallets have a dictionary of their own.
func TestFrameFormats(t *testing.T) {
	f := newTestFrames(t)
	for format, outputs := range map[byte][]Output{frameCompressed: typicalOutputs(t, 1), frameWallet: walletOutputs()} {
		frame, err := f.Encode(time.UnixMilli(1), outputs)
		if err != nil || frame[0] != format {
			t.Errorf("format %d (%v), want %d", frame[0], err, format)
		}
	}
}

func TestFrameIndexCountsWithinATopic(t *testing.T) {
	outputs := []Output{{Topic: "a"}, {Topic: "b"}, {Topic: "a"}, {Topic: "b"}, {Topic: "a"}}
	identify("s", 1, 2, time.Time{}, outputs)
	var ids []string
	for _, o := range outputs {
		ids = append(ids, o.Envelope.ID)
	}
	if want := []string{"1-2-0", "1-2-0", "1-2-1", "1-2-1", "1-2-2"}; !reflect.DeepEqual(ids, want) {
		t.Errorf("got %v, want %v", ids, want)
	}
}

func TestFrameOfTheFuture(t *testing.T) {
	f := newTestFrames(t)
	frame, err := f.Encode(time.UnixMilli(1), typicalOutputs(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	frame[0] = frameLast + 1
	if _, _, err := f.Decode(0, 0, frame); !errors.Is(err, ErrFutureFormat) {
		t.Errorf("got %v", err)
	}
	frame[0] = 0
	if _, _, err := f.Decode(0, 0, frame); err == nil || errors.Is(err, ErrFutureFormat) {
		t.Errorf("got %v", err)
	}
	if _, _, err := f.Decode(0, 0, nil); err == nil {
		t.Error("an empty frame is read")
	}
}

func TestDamagedFrame(t *testing.T) {
	f := newTestFrames(t)
	frame, err := f.Encode(time.UnixMilli(1), typicalOutputs(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	intact, err := f.unpack(frame)
	if err != nil {
		t.Fatal(err)
	}
	for i := range frame {
		damaged := bytes.Clone(frame)
		damaged[i] ^= 0x10
		body, err := f.unpack(damaged)
		if err == nil && !bytes.Equal(body, intact) { // the same bytes may be copied from elsewhere
			t.Fatalf("byte %d is changed and nothing is noticed", i)
		}
		if _, _, err := f.Decode(0, 0, frame[:i]); err == nil {
			t.Fatalf("cut after %d bytes and nothing is noticed", i)
		}
	}
}

// Dictionaries are part of the formats: stored frames cannot be read with another one.
func TestDictionaryIsNeverEdited(t *testing.T) {
	for _, d := range []struct {
		name       string
		dictionary []byte
		want       string
	}{
		{"dictionary1.txt", dictionary1, "f3fe7c031227e82012253dd7a0df4b80bda72ce696be8c6975973a3d6c20d7ea"},
		{"dictionary2.txt", dictionary2, "331678e3d0aa0f9355004a26833a530be30e09688f2bcaf28c8a5335ca7fde78"},
	} {
		if got := fmt.Sprintf("%x", sha256.Sum256(d.dictionary)); got != d.want {
			t.Errorf("%s has SHA-256 %s, want %s: add a dictionary and a format number instead", d.name, got, d.want)
		}
	}
}

func FuzzFrameDecode(f *testing.F) {
	frames := newTestFrames(f)
	for n := range 3 {
		frame, err := frames.Encode(time.UnixMilli(int64(n)), typicalOutputs(f, n)[:n+1])
		if err != nil {
			f.Fatal(err)
		}
		body, err := frames.unpack(frame)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frame)
		f.Add(body)
	}
	f.Add([]byte{2, 1, 0, 2, 'x', 1, 1, 1, 1, 1, 1, 1})
	f.Add([]byte{0, 1, 1, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, frame []byte) {
		_, _, _ = frames.Decode(1, 2, frame) // it must not panic; the check keeps most of them out
		at, outputs, err := decodeBody(frame)
		if err != nil {
			return
		}
		identify(frames.source, 1, 2, at, outputs)
		again, err := frames.Encode(at, outputs)
		if err != nil {
			t.Fatal(err)
		}
		atAgain, outputsAgain, err := frames.Decode(1, 2, again)
		if err != nil || !at.Equal(atAgain) || !reflect.DeepEqual(outputs, outputsAgain) {
			t.Fatalf("decoded differently the second time: %v\n got %v\nwant %v", err, outputsAgain, outputs)
		}
	})
}

func BenchmarkFrameEncode(b *testing.B) {
	f := newTestFrames(b)
	outputs := typicalOutputs(b, 12345)
	size, values := 0, 0
	for _, o := range outputs {
		values += len(o.Value)
	}
	b.ReportAllocs()
	for b.Loop() {
		frame, err := f.Encode(time.UnixMilli(1767225600000), outputs)
		if err != nil {
			b.Fatal(err)
		}
		size = len(frame)
	}
	b.ReportMetric(float64(size), "frame-bytes")
	b.ReportMetric(float64(values), "value-bytes")
}

func BenchmarkFrameDecode(b *testing.B) {
	f := newTestFrames(b)
	frame, err := f.Encode(time.UnixMilli(1767225600000), typicalOutputs(b, 12345))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := f.Decode(1, 2, frame); err != nil {
			b.Fatal(err)
		}
	}
}
