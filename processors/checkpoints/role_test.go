package checkpoints

import (
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/mod/sumdb/note"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/chain"
	"github.com/weirhq/weir/ledger/store"
	"github.com/weirhq/weir/topics"
)

// TestRole books, and reads what is signed of it as an outsider would.
func TestRole(t *testing.T) {
	db, broker := databasetest.New(t), brokertest.New(t, 2)
	secret, public, err := note.GenerateKey(rand.Reader, "weir/test")
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	role, err := New(Config{Pool: db.Pool, Kafka: broker.Config.Options(slog.New(slog.DiscardHandler)), Key: secret,
		Interval: 10 * time.Millisecond, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- role.Run(ctx) }()

	reader := broker.Client(t, kgo.ConsumeTopics(topics.LedgerCheckpoints), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	writer := store.NewWriter(1)
	for n := range int64(3) {
		e, err := ledger.DepositCaptured(ledger.Customer{Tenant: "acme", ID: "ana", Currency: "EUR"}, 10_000, 290, ledger.Standing{})
		if err != nil {
			t.Fatal(err)
		}
		e.ID, e.At = ledger.EntryID{Partition: 1, Position: n}, time.Unix(1_800_000_000, 0)
		var batch pgx.Batch
		writer.Queue(&batch, []ledger.Entry{e})
		if err := db.InTx(t.Context(), func(tx pgx.Tx) error { return tx.SendBatch(t.Context(), &batch).Close() }); err != nil {
			t.Fatal(err)
		}
		head, err := store.Head(t.Context(), db.Pool, 1)
		if err != nil {
			t.Fatal(err)
		}
		r := next(t, reader)
		c, err := chain.Open(r.Value, verifier)
		if err != nil || c.Head != head || c.Signer != "weir/test" || r.Partition != 1 || string(r.Key) != "1" {
			t.Fatalf("checkpoint %+v, %v, key %q in partition %d; want %+v", c, err, r.Key, r.Partition, head)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// next waits for a record: a poll may come back with none.
func next(t *testing.T, reader *kgo.Client) *kgo.Record {
	t.Helper()
	for {
		fetches := reader.PollRecords(t.Context(), 1)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		if records := fetches.Records(); len(records) > 0 {
			return records[0]
		}
	}
}

// TestABrokerThatIsAway: what is not published counts as not signed, and so is signed by a later round.
func TestABrokerThatIsAway(t *testing.T) {
	db := databasetest.New(t)
	writer := store.NewWriter(0)
	e, err := ledger.DepositCaptured(ledger.Customer{Tenant: "acme", ID: "ana", Currency: "EUR"}, 10_000, 290, ledger.Standing{})
	if err != nil {
		t.Fatal(err)
	}
	var batch pgx.Batch
	writer.Queue(&batch, []ledger.Entry{e})
	if err := db.Pool.SendBatch(t.Context(), &batch).Close(); err != nil {
		t.Fatal(err)
	}
	secret, _, err := note.GenerateKey(rand.Reader, "weir/test")
	if err != nil {
		t.Fatal(err)
	}
	role, err := New(Config{Pool: db.Pool, Kafka: []kgo.Opt{kgo.SeedBrokers("127.0.0.1:1"), kgo.RecordDeliveryTimeout(time.Second)}, Key: secret,
		Interval: time.Hour, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer role.client.Close()
	if err := role.round(t.Context()); err == nil || len(role.signed) > 0 {
		t.Errorf("%v, signed %v", err, role.signed)
	}
}

func TestKeyThatIsNone(t *testing.T) {
	if _, err := New(Config{Key: "secret"}); err == nil || !strings.Contains(err.Error(), "weir ledger keygen") || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v", err)
	}
}
