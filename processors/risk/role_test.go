package risk

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/topics"
)

// start runs the role until the test ends or stop is called.
func start(t *testing.T, b *brokertest.Broker) (stop func()) {
	t.Helper()
	role, err := New(Config{Kafka: b.Config.Options(slog.New(slog.DiscardHandler)), Partitions: partitions})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- role.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// read consumes a topic from its start until n records are there.
func read(t *testing.T, b *brokertest.Broker, topic string, n int) []*kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client := b.Client(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	var records []*kgo.Record
	for len(records) < n {
		fetches := client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			t.Fatalf("%s: %d of %d records: %v", topic, len(records), n, err)
		}
		records = append(records, fetches.Records()...)
	}
	return records
}

func produce(t *testing.T, b *brokertest.Broker, values ...string) {
	t.Helper()
	client := b.Client(t, kgo.DefaultProduceTopic(topics.Commands))
	for _, v := range values {
		var c topics.Command
		_ = topics.Unmarshal([]byte(v), &c) // what does not decode has no key
		if err := client.ProduceSync(t.Context(), &kgo.Record{Key: []byte(c.CustomerID), Value: []byte(v)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRoleAssessesInOrder(t *testing.T) {
	b := brokertest.New(t, partitions)
	const customers, commands = 7, 40
	var values []string
	for i := range commands {
		for c := range customers {
			values = append(values, create(commandID, fmt.Sprintf("0190a3c4-5b6d-7e8f-%04x-%012x", c, i), `cus_1`, fmt.Sprintf("cus_%d", c)))
		}
	}
	start(t, b)
	produce(t, b, values...)
	next := map[string]int{}
	for _, r := range read(t, b, topics.Inbox, customers*commands) {
		var in topics.AssessedCommand
		if err := topics.Unmarshal(r.Value, &in); err != nil {
			t.Fatal(err)
		}
		customer := in.Command.CustomerID
		if r.Partition != topics.PartitionOf("acme", customer, partitions) || string(r.Key) != customer {
			t.Errorf("%s stands in partition %d with key %s", customer, r.Partition, r.Key)
		}
		if want := fmt.Sprintf("%012x", next[customer]); !strings.HasSuffix(in.Command.CommandID, want) {
			t.Fatalf("%s: command %s, want number %s", customer, in.Command.CommandID, want)
		}
		next[customer]++
	}
}

func TestRolePutsWhatItCannotReadAside(t *testing.T) {
	b := brokertest.New(t, partitions)
	start(t, b)
	secret := `{"command_id":"x","card":{"number":"` + cardNumber + `"}}`
	produce(t, b, `not a command`, create(), secret, create(commandID, "0190a3c4-5b6d-7e8f-9a0b-000000000002"))
	if got := len(read(t, b, topics.Inbox, 2)); got != 2 {
		t.Errorf("%d records in the inbox, want 2", got)
	}
	for _, r := range read(t, b, topics.CommandsDeadLetters, 2) {
		var letter topics.DeadLetter
		if err := topics.Unmarshal(r.Value, &letter); err != nil {
			t.Fatal(err)
		}
		if letter.Topic != topics.Commands || letter.Detail == "" || letter.Role != RoleName {
			t.Errorf("dead letter %+v", letter)
		}
		if !letter.Masked && string(letter.Value) != `not a command` {
			t.Errorf("the original bytes are %q", letter.Value)
		}
		if topics.FindCardNumber(letter.Value) || topics.FindCardNumber(r.Value) {
			t.Error("a card number is stored")
		}
	}
}

func TestRoleGoesOnAfterAStop(t *testing.T) {
	b := brokertest.New(t, partitions)
	stop := start(t, b)
	produce(t, b, create())
	read(t, b, topics.Inbox, 1)
	stop()
	second := "0190a3c4-5b6d-7e8f-9a0b-000000000002"
	produce(t, b, create(commandID, second))
	start(t, b)
	records := read(t, b, topics.Inbox, 2)
	var last topics.AssessedCommand
	if err := topics.Unmarshal(records[len(records)-1].Value, &last); err != nil || last.Command.CommandID != second {
		t.Errorf("the last command is %s (%v), want %s", last.Command.CommandID, err, second)
	}
	if len(records) != 2 {
		t.Errorf("%d records: what was committed is repeated", len(records))
	}
}
