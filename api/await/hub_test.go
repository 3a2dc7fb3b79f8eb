package await_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/api/await"
	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/until"
	"github.com/weirhq/weir/topics"
)

const (
	partitions = 4
	patience   = 2 * time.Minute // of a test for what must come
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// start runs a hub until the test ends and returns it when it is ready.
func start(t testing.TB, b *brokertest.Broker, registry prometheus.Registerer) *await.Hub {
	t.Helper()
	hub, err := await.New(b.Config.Options(quiet()), quiet(), registry)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := hub.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	eventually(t, "the hub is ready", func() bool { return hub.Partitions() == partitions })
	return hub
}

func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	until.True(t, patience, what, condition)
}

func ask(t testing.TB, hub *await.Hub, q await.Question) *await.PaymentWaiter {
	t.Helper()
	w, err := hub.Ask(q)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

func wait(t testing.TB, w *await.PaymentWaiter) await.Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	answer, ok := w.Wait(ctx)
	if !ok {
		t.Fatal("no answer")
	}
	return answer
}

// record is an event as the payments role publishes it.
func record(t testing.TB, e topics.PaymentEvent) *kgo.Record {
	t.Helper()
	id, err := topics.ParseEventID(e.EventID)
	if err != nil {
		t.Fatal(err)
	}
	value, err := topics.Marshal(&e)
	if err != nil {
		t.Fatal(err)
	}
	r := &kgo.Record{Topic: topics.Events, Partition: id.Partition, Value: value}
	for _, h := range (topics.Envelope{ID: e.EventID, Source: "weir/payments", Type: topics.TypePaymentEvent}).Headers() {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	return r
}

func publish(t testing.TB, client *kgo.Client, events ...topics.PaymentEvent) {
	t.Helper()
	for _, e := range events {
		if err := client.ProduceSync(t.Context(), record(t, e)).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

func producer(t testing.TB, b *brokertest.Broker, options ...kgo.Opt) *kgo.Client {
	return b.Client(t, append(options, kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
}

func TestCommandIsFollowedToThePSPsAnswer(t *testing.T) {
	b := brokertest.New(t, partitions)
	client := producer(t, b)
	publish(t, client, topics.PaymentEvent{EventID: "3-1-0", Type: topics.EventAuthorized, PaymentID: "pay_old", RequestID: "3-0-0"})
	hub := start(t, b, nil)
	w := ask(t, hub, await.Question{CommandID: "c1", PaymentID: "pay_1"})
	other := ask(t, hub, await.Question{CommandID: "c2", PaymentID: "pay_2"})
	publish(t, client,
		topics.PaymentEvent{EventID: "3-5-0", Type: topics.EventCreated, CommandID: "c1", PaymentID: "pay_1", More: true},
		topics.PaymentEvent{EventID: "3-5-1", Type: topics.EventAuthorizationRequested, CommandID: "c1", PaymentID: "pay_1"},
		topics.PaymentEvent{EventID: "3-6-0", Type: topics.EventAuthorized, RequestID: "3-4-1", PaymentID: "pay_9"},
		topics.PaymentEvent{EventID: "3-9-0", Type: topics.EventDeclined, RequestID: "3-5-1", PaymentID: "pay_1",
			PSP: &topics.PSPData{DeclineCode: "stolen_card"}})
	answer := wait(t, w)
	if answer.Event.Type != topics.EventDeclined || answer.Request != "3-5-1" || answer.Event.PSP.DeclineCode != "stolen_card" {
		t.Errorf("got %+v", answer)
	}
	if _, ok := other.Answer(); ok {
		t.Error("the other question has an answer")
	}
}

// A refusal of a payment that does not exist names no payment.
func TestRefusalIsFoundByTheCommand(t *testing.T) {
	b := brokertest.New(t, partitions)
	hub := start(t, b, nil)
	w := ask(t, hub, await.Question{CommandID: "c1", PaymentID: "pay_1"})
	publish(t, producer(t, b), topics.PaymentEvent{EventID: "0-5-0", Type: topics.EventCommandRefused, CommandID: "c1",
		Refusal: topics.RefusedUnknownPayment})
	if answer := wait(t, w); answer.Event.Refusal != topics.RefusedUnknownPayment {
		t.Errorf("got %+v", answer)
	}
}

// Questions are asked while others are answered; every one gets its own answer.
func TestManyWaiters(t *testing.T) {
	const each = 200
	b := brokertest.New(t, partitions)
	hub := start(t, b, nil)
	client := producer(t, b)
	var wg sync.WaitGroup
	for partition := range partitions {
		wg.Go(func() {
			for i := range each {
				command, payment := fmt.Sprintf("c%d-%d", partition, i), fmt.Sprintf("pay_%d-%d", partition, i)
				w, err := hub.Ask(await.Question{CommandID: command, PaymentID: payment})
				if err != nil {
					t.Error(err)
					return
				}
				client.Produce(context.Background(), record(t, topics.PaymentEvent{
					EventID: fmt.Sprintf("%d-%d-0", partition, i), Type: topics.EventCreated, CommandID: command, PaymentID: payment,
				}), nil)
				wg.Go(func() {
					defer w.Close()
					ctx, cancel := context.WithTimeout(context.Background(), patience)
					defer cancel()
					if answer, ok := w.Wait(ctx); !ok || answer.Event.CommandID != command {
						t.Errorf("%s: got the answer of %q, %v", command, answer.Event.CommandID, ok)
					}
				})
			}
		})
	}
	wg.Wait()
}

// O5: what is published again after an abort is the same fact, and is seen once. An aborted transaction's events count:
// the database has committed before they are written.
func TestRepublishedEventsAreSeenOnce(t *testing.T) {
	b := brokertest.New(t, partitions)
	registry := prometheus.NewRegistry()
	hub := start(t, b, registry)
	w := ask(t, hub, await.Question{CommandID: "c1", PaymentID: "pay_1"})
	events := []topics.PaymentEvent{
		{EventID: "2-5-0", Type: topics.EventCaptureRequested, CommandID: "c1", PaymentID: "pay_1"},
		{EventID: "2-6-0", Type: topics.EventCaptured, RequestID: "2-5-0", PaymentID: "pay_1"},
	}
	client := producer(t, b, kgo.TransactionalID("weir-payments-2"))
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	publish(t, client, events...)
	if answer := wait(t, w); answer.Event.Type != topics.EventCaptured {
		t.Errorf("got %+v", answer)
	}
	if err := client.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	publish(t, client, events...)
	if err := client.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both repeats are dropped", func() bool {
		return metric(t, registry, "weir_api_events_repeated_total") == 2
	})
}

// metric reads a counter or gauge without labels.
func metric(t testing.TB, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if m := family.GetMetric()[0]; family.GetName() == name {
			return m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// What is no event stops nobody.
func TestUndecodableEventIsPassedOver(t *testing.T) {
	b := brokertest.New(t, partitions)
	hub := start(t, b, nil)
	w := ask(t, hub, await.Question{CommandID: "c1", PaymentID: "pay_1"})
	client := producer(t, b)
	for _, value := range []string{"", "{", `{"event_id":7}`, `{"event_id":"x","payment_id":"pay_1"}`, `{"event_id":"1-1-0","payment_id":"pay_1","amount":"many"}`} {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topics.Events, Partition: 1, Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	publish(t, client, topics.PaymentEvent{EventID: "1-5-0", Type: topics.EventCreated, CommandID: "c1", PaymentID: "pay_1"})
	if answer := wait(t, w); answer.Event.EventID != "1-5-0" {
		t.Errorf("got %+v", answer)
	}
}

func TestQuestionsAreBounded(t *testing.T) {
	hub := start(t, brokertest.New(t, partitions), nil)
	for i := range await.MaxWaiters {
		ask(t, hub, await.Question{CommandID: fmt.Sprint("c", i), PaymentID: fmt.Sprint("pay_", i)})
	}
	if _, err := hub.Ask(await.Question{CommandID: "one more"}); !errors.Is(err, await.ErrBusy) {
		t.Errorf("got %v, want %v", err, await.ErrBusy)
	}
}

func TestDeadlineAndClose(t *testing.T) {
	b := brokertest.New(t, partitions)
	registry := prometheus.NewRegistry()
	hub := start(t, b, registry)
	w := ask(t, hub, await.Question{CommandID: "c1", PaymentID: "pay_1"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if answer, ok := w.Wait(ctx); ok {
		t.Errorf("got %+v after the deadline", answer)
	}
	w.Close()
	w.Close() // once is enough, twice is harmless
	if open := metric(t, registry, "weir_api_waiters"); open != 0 {
		t.Errorf("%v questions count as open, want none", open)
	}
}

func TestQuestionsBeforeTheHubIsReadyAreRefused(t *testing.T) {
	hub, err := await.New([]kgo.Opt{kgo.SeedBrokers("127.0.0.1:1")}, quiet(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- hub.Run(ctx) }()
	if _, err := hub.Ask(await.Question{CommandID: "c1"}); !errors.Is(err, await.ErrNotReady) {
		t.Errorf("got %v, want %v", err, await.ErrNotReady)
	}
	if err := hub.Check(ctx); err == nil || !strings.Contains(err.Error(), topics.Events) {
		t.Errorf("got %v, want an error that names the topic", err)
	}
	cancel()
	if err := <-ran; err != nil {
		t.Errorf("got %v when stopped", err)
	}
}

// walletRecord is an event as the payments role publishes it.
func walletRecord(t testing.TB, e topics.WalletEvent) *kgo.Record {
	t.Helper()
	id, err := topics.ParseEventID(e.EventID)
	if err != nil {
		t.Fatal(err)
	}
	value, err := topics.Marshal(&e)
	if err != nil {
		t.Fatal(err)
	}
	r := &kgo.Record{Topic: topics.WalletEvents, Partition: id.Partition, Value: value}
	for _, h := range (topics.Envelope{ID: e.EventID, Source: "weir/payments", Type: topics.TypeWalletEvent}).Headers() {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	return r
}

// A wallet command is answered by the last event of its record. An event of a payment answers nothing of a wallet, not
// even under the same command id, and the two topics have marks of their own.
func TestWalletCommandIsAnswered(t *testing.T) {
	b := brokertest.New(t, partitions)
	client := producer(t, b)
	hub := start(t, b, nil)
	w, err := await.AskCommand[topics.WalletEvent](hub, topics.WalletEvents, "c1")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	publish(t, client, topics.PaymentEvent{EventID: "2-9-0", Type: topics.EventCommandRefused, CommandID: "c1"})
	for _, e := range []topics.WalletEvent{
		{EventID: "2-3-0", Type: topics.WalletCredited, CommandID: "another"},
		{EventID: "2-4-0", Type: topics.WalletHoldExpired, CommandID: "c1", More: true},
		{EventID: "2-4-1", Type: topics.WalletDebited, CommandID: "c1", Amount: 7},
		{EventID: "2-4-1", Type: topics.WalletDebited, CommandID: "c1", Amount: 8}, // published again
	} {
		if err := client.ProduceSync(t.Context(), walletRecord(t, e)).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if event, ok := w.Wait(ctx); !ok || event.Type != topics.WalletDebited || event.Amount != 7 {
		t.Errorf("got %+v, %v", event, ok)
	}
}

// One event of a record that has caused two is no answer yet.
func TestWalletAnswerIsTheWholeRecord(t *testing.T) {
	b := brokertest.New(t, partitions)
	hub := start(t, b, nil)
	w, err := await.AskCommand[topics.WalletEvent](hub, topics.WalletEvents, "c1")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	first := topics.WalletEvent{EventID: "2-4-0", Type: topics.WalletHoldReleased, CommandID: "c1", More: true}
	if err := producer(t, b).ProduceSync(t.Context(), walletRecord(t, first)).FirstErr(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the first event is read", func() bool { return len(w.Events()) == 1 })
	if event, ok := w.Answer(); ok {
		t.Errorf("answered with %+v", event)
	}
	w.Learn(topics.WalletEvent{EventID: "2-4-1", Type: topics.WalletClosed, CommandID: "c1"}, first)
	if event, ok := w.Answer(); !ok || event.Type != topics.WalletClosed {
		t.Errorf("got %+v, %v", event, ok)
	}
}

// decisionRecord is a decision as the payments role publishes it, on a customer event.
func decisionRecord(t testing.TB, id string, d topics.Decision) *kgo.Record {
	t.Helper()
	r := record(t, topics.PaymentEvent{EventID: id})
	value, err := topics.Marshal(&d)
	if err != nil {
		t.Fatal(err)
	}
	r.Topic, r.Value = topics.Decisions, value
	r.Headers = append(r.Headers, kgo.RecordHeader{Key: topics.HeaderSubject, Value: []byte(d.EventID)})
	return r
}

// The decision on a customer event answers whoever asked for it, and nobody of another tenant.
func TestADecisionAnswersItsEvent(t *testing.T) {
	b := brokertest.New(t, partitions)
	client := producer(t, b)
	hub := start(t, b, nil)
	w, err := hub.AskDecision(t.Context(), "acme", "e1")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, r := range []*kgo.Record{
		decisionRecord(t, "3-1-0", topics.Decision{Tenant: "acme", EventID: "e2", Outcome: topics.OutcomeHold}),
		decisionRecord(t, "3-2-0", topics.Decision{Tenant: "rival", EventID: "e1", Outcome: topics.OutcomeHold}),
		decisionRecord(t, "3-3-0", topics.Decision{Tenant: "acme", EventID: "e1", Outcome: topics.OutcomeBlock}),
		decisionRecord(t, "3-3-0", topics.Decision{Tenant: "acme", EventID: "e1", Outcome: topics.OutcomeBlock}), // published again
	} {
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if d, ok := w.Wait(ctx); !ok || d.Outcome != topics.OutcomeBlock {
		t.Errorf("decision %+v, %t", d, ok)
	}
	cancel()
	if d, ok := w.Wait(ctx); ok {
		t.Errorf("a second decision %+v", d)
	}
}
