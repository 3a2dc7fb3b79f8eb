package main

import (
	"context"
	"log/slog"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/segmentio/encoding/json"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/internal/engine"
	"github.com/weirhq/weir/processors/risk"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

const (
	deadLetterPartitions = 2
	deadLetterPatience   = 2 * time.Minute // for what must come: what is tried again waits twice as long each time
	deadLetterLook       = 20 * time.Millisecond
)

// deadLetterWorld is a cluster, and an engine on it once it is started.
type deadLetterWorld struct {
	broker *brokertest.Broker
	db     *database.DB
	client *kgo.Client
}

func newDeadLetterWorld(t *testing.T) *deadLetterWorld {
	t.Helper()
	t.Chdir(t.TempDir())
	b := brokertest.New(t, deadLetterPartitions)
	return &deadLetterWorld{b, databasetest.New(t), b.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))}
}

// command runs weir deadletters with the world's broker.
func (w *deadLetterWorld) command(t *testing.T, want int, args ...string) string {
	t.Helper()
	args = append(append([]string{"deadletters"}, args...), "--brokers", strings.Join(w.broker.Config.Brokers, ","))
	code, out, errOut := weir(t, nil, args...)
	if code != want {
		t.Fatalf("%v: exit code %d, want %d\n%s%s", args, code, want, out, errOut)
	}
	return out + errOut
}

// until waits until what a function returns holds all the words.
func until(t *testing.T, look func() string, words ...string) string {
	t.Helper()
	ticker, deadline := time.NewTicker(deadLetterLook), time.After(deadLetterPatience)
	defer ticker.Stop()
	for {
		got, missing := look(), ""
		for _, word := range words {
			if !strings.Contains(got, word) {
				missing = word
			}
		}
		if missing == "" {
			return got
		}
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("does not come to hold %q:\n%s", missing, got)
		}
	}
}

// create is a command that makes a payment of 10.50 EUR, and the payment's id.
func (w *deadLetterWorld) create(t *testing.T, customer string) (value []byte, id string) {
	t.Helper()
	command := uuid.Must(uuid.NewV7())
	value, err := topics.Marshal(topics.Command{CommandID: command.String(), Type: topics.CommandCreate, Tenant: "acme", CustomerID: customer,
		Amount: 1050, Currency: "EUR", Authorize: true, CaptureMethod: topics.CaptureAutomatic, Card: &topics.Card{Token: "tok_approved"}})
	if err != nil {
		t.Fatal(err)
	}
	return value, topics.PaymentID{Partition: topics.PartitionOf("acme", customer, deadLetterPartitions), UUID: command}.String()
}

func (w *deadLetterWorld) produce(t *testing.T, value []byte) {
	t.Helper()
	if err := w.client.ProduceSync(t.Context(), &kgo.Record{Topic: topics.Commands, Partition: 1, Key: []byte("cus_1"), Value: value}).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// putAside runs a risk role that fails on every command, until it has put a number of them aside.
func (w *deadLetterWorld) putAside(t *testing.T, letters int) {
	t.Helper()
	broken, err := stream.NewTransform(stream.TransformConfig{Role: risk.RoleName, Input: topics.Commands, DeadLetters: topics.CommandsDeadLetters,
		Kafka: w.broker.Config.Options(slog.New(slog.DiscardHandler)),
		Apply: func(_ context.Context, r stream.Record) ([]stream.Message, *stream.DeadLetter, error) {
			if err := topics.Unmarshal(r.Value, new(topics.Command)); err != nil {
				return nil, &stream.DeadLetter{Reason: topics.RefusedUndecodable, Detail: err.Error()}, nil
			}
			panic("a defect of ours\x1b[2J")
		}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- broken.Run(ctx) }()
	until(t, func() string { return strings.Repeat("x", strings.Count(w.command(t, exitOK, "list", "--json"), "\n")) }, strings.Repeat("x", letters))
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func (w *deadLetterWorld) start(t *testing.T, more ...config.Setting) {
	t.Helper()
	cfg, err := config.Load(config.Sources{Flags: append([]config.Setting{
		{Key: "kafka.brokers", Value: strings.Join(w.broker.Config.Brokers, ",")}, {Key: "kafka.partitions", Value: "2"},
		{Key: "database.url", Value: w.db.URL()}, {Key: "data_dir", Value: t.TempDir()}, {Key: "roles", Value: "risk,payments,psp,statements,sandbox"},
		{Key: "api.listen", Value: "127.0.0.1:0"}, {Key: "sandbox.listen", Value: freeAddress(t)}, {Key: "sandbox.webhook_url", Value: "http://127.0.0.1:1"},
	}, more...)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	e, err := engine.Start(ctx, cfg, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := e.Ready(ctx); err != nil {
		t.Fatal(err)
	}
}

// life is what weir payment prints; "" while there is no such payment.
func (w *deadLetterWorld) life(t *testing.T, id string) string {
	t.Helper()
	_, out, _ := weir(t, nil, "payment", id, "--database-url", w.db.URL())
	return out
}

// settle waits until everything that was produced before has been folded, by way of one more payment of the customer.
func (w *deadLetterWorld) settle(t *testing.T, customer string) {
	t.Helper()
	value, id := w.create(t, customer)
	w.produce(t, value)
	until(t, func() string { return w.life(t, id) }, "captured")
}

func (w *deadLetterWorld) fsck(t *testing.T) {
	t.Helper()
	code, out, errOut := weir(t, nil, "fsck", "--database-url", w.db.URL(), "--brokers", strings.Join(w.broker.Config.Brokers, ","))
	if code != exitOK {
		t.Errorf("fsck: exit code %d\n%s%s", code, out, errOut)
	}
}

// TestReplayOfCommands: a defect puts two commands aside. One of them nobody can read; the other has exactly one effect
// once the defect is mended, however often it is replayed and sent.
func TestReplayOfCommands(t *testing.T) {
	w := newDeadLetterWorld(t)
	value, id := w.create(t, "cus_1")
	w.produce(t, []byte(`{"command_id":`))
	w.produce(t, value)
	w.putAside(t, 2)

	const broken, good = "payments.commands.dlq.v1:1:0", "payments.commands.dlq.v1:1:1"
	list := w.command(t, exitOK, "list")
	for _, want := range []string{`PUT ASIDE +LETTER +CAME FROM +REASON +ABOUT +DETAIL\n`,
		`\d+Z  ` + broken + `  payments.commands.v1:1:0  undecodable  key cus_1 +\S`,
		`\d+Z  ` + good + `  payments.commands.v1:1:1  poison +key cus_1, command [0-9a-f-]{36} +.*a defect of ours�\[2J`,
	} {
		if !regexp.MustCompile(want).MatchString(list) {
			t.Errorf("list: no %s in\n%s", want, list)
		}
	}
	if got := w.command(t, exitOK, "list", "payments.commands.v1", "--reason", "poison", "--since", "1h", "--limit", "1"); strings.Contains(got, broken) || !strings.Contains(got, good) {
		t.Errorf("list --reason poison:\n%s", got)
	}
	var line letterLine
	if err := json.Unmarshal([]byte(w.command(t, exitOK, "list", "--json", "--reason", "poison")), &line); err != nil || line.Letter != good ||
		string(line.Record.Value) != string(value) || line.CommandID == "" {
		t.Errorf("list --json: %+v %v", line, err)
	}

	w.start(t)
	dry := w.command(t, exitProblem, "replay", "--topic", topics.CommandsDeadLetters)
	if !strings.Contains(dry, broken+": refused: this version cannot read it either") ||
		!strings.Contains(dry, good+": would be written to payments.commands.v1, partition 1\n1 of 2 would be written again; nothing was") {
		t.Errorf("without --yes:\n%s", dry)
	}
	if got := w.command(t, exitProblem, "replay", "--topic", topics.CommandsDeadLetters, "--yes"); !strings.Contains(got,
		good+": written again as payments.commands.v1:1:2\n1 of 2 written again\n") { // so the dry run has written nothing
		t.Errorf("with --yes:\n%s", got)
	}
	life := until(t, func() string { return w.life(t, id) }, "captured")

	w.command(t, exitOK, "replay", good, "--yes")
	w.command(t, exitOK, "replay", "1:1", "--topic", topics.Commands, "--yes")
	w.produce(t, value) // its producer sends it again, too
	w.settle(t, "cus_1")
	if again := w.life(t, id); again != life {
		t.Errorf("replayed and sent again:\n%s\nbefore:\n%s", again, life)
	}
	w.fsck(t)
}

// TestReplayOfTheInbox: the database refuses a payment. Its author is told that it failed, so it is replayed only on the
// word that nobody has asked again; then it has exactly one effect.
func TestReplayOfTheInbox(t *testing.T) {
	w := newDeadLetterWorld(t)
	w.start(t)
	w.alter(t, `ADD CONSTRAINT defect CHECK (customer <> 'cus_2')`)
	value, id := w.create(t, "cus_2")
	w.produce(t, value)
	until(t, func() string { return w.command(t, exitOK, "list", topics.InboxDeadLetters) }, id, "defect")
	w.alter(t, `DROP CONSTRAINT defect`)

	if got := w.command(t, exitProblem, "replay", "--topic", topics.InboxDeadLetters, "--yes"); !strings.Contains(got, "refused: its author was told that it failed") {
		t.Errorf("without --answered:\n%s", got)
	}
	w.command(t, exitOK, "replay", "--topic", topics.InboxDeadLetters, "--yes", "--answered")
	life := until(t, func() string { return w.life(t, id) }, "captured")
	w.command(t, exitOK, "replay", "--topic", topics.InboxDeadLetters, "--yes", "--answered")
	w.settle(t, "cus_2")
	if again := w.life(t, id); again != life {
		t.Errorf("replayed again:\n%s\nbefore:\n%s", again, life)
	}
	w.fsck(t)
}

func (w *deadLetterWorld) alter(t *testing.T, how string) {
	t.Helper()
	if _, err := w.db.Pool.Exec(t.Context(), "ALTER TABLE payments "+how); err != nil {
		t.Fatal(err)
	}
}

// TestALongListIsWhole: the table is written in pieces.
func TestALongListIsWhole(t *testing.T) {
	w := newDeadLetterWorld(t)
	var records []*kgo.Record
	for range 2*alignedRows + 1 {
		records = append(records, &kgo.Record{Topic: topics.CommandsDeadLetters, Partition: 0, Value: []byte(`{"reason":"poison"}`)})
	}
	if err := w.client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(w.command(t, exitOK, "list"), "\n"); got != 1+len(records) {
		t.Errorf("%d lines, want a heading and %d", got, len(records))
	}
}

func TestDeadLettersUsage(t *testing.T) {
	w := newDeadLetterWorld(t)
	for _, test := range []struct {
		args string
		code int
		says string
	}{
		{"list ledger.entries.v1", exitProblem, `topic "ledger.entries.v1": want one of`},
		{"list --reason bad", exitProblem, `reason "bad": want one of`},
		{"list --since yesterday", exitUsage, "flag --since: want an age such as 24h"},
		{"list --since -1h", exitUsage, "flag --since: want an age such as 24h"},
		{"list --limit -1", exitUsage, "flag --limit: want 0 or more"},
		{"replay", exitUsage, "nothing is chosen"},
		{"replay 1:1", exitUsage, `letter "1:1": want topic:partition:offset`},
		{"replay payments.inbox.dlq.v1:0:0 --yes", exitProblem, "letter payments.inbox.dlq.v1:0:0: there is none"},
		{"replay --topic payments.inbox.dlq.v1", exitOK, "0 of 0 would be written again"},
		{"list --since 2026-01-31T09:30:00Z", exitOK, "PUT ASIDE"},
	} {
		if got := w.command(t, test.code, strings.Fields(test.args)...); !strings.Contains(got, test.says) {
			t.Errorf("%s: %q, want %q", test.args, got, test.says)
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
