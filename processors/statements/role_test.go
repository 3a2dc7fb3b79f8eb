package statements

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/statement"
	"github.com/weirhq/weir/ledger/store"
	"github.com/weirhq/weir/topics"
)

const partitions = 2

// world is a database with entries and a broker.
type world struct {
	db      *database.DB
	broker  *brokertest.Broker
	writers [partitions]*store.Writer
	next    [partitions]int64
}

func newWorld(t *testing.T) *world {
	w := &world{db: databasetest.New(t), broker: brokertest.New(t, partitions)}
	for i := range w.writers {
		w.writers[i] = store.NewWriter(int32(i))
	}
	return w
}

// book writes one deposit of a customer in each partition, and M.
func (w *world) book(t *testing.T, customer string, amount int64) {
	t.Helper()
	for partition := range int32(partitions) {
		e, err := ledger.DepositCaptured(ledger.Customer{Tenant: "acme", ID: customer, Currency: "EUR"}, amount, 0, ledger.Standing{})
		if err != nil {
			t.Fatal(err)
		}
		position := w.next[partition]
		e.ID = ledger.EntryID{Partition: partition, Position: position}
		e.At = time.Date(2026, 1, 31, 9, 30, int(position), 0, time.UTC)
		w.next[partition]++
		err = w.db.InTx(t.Context(), func(tx pgx.Tx) error {
			var batch pgx.Batch
			w.writers[partition].Queue(&batch, []ledger.Entry{e})
			batch.Queue(`INSERT INTO stream_positions (role, partition, next, base, topic_id, last_hash, format)
VALUES ('payments', $1, $2, 0, '', '', 1) ON CONFLICT (role, partition) DO UPDATE SET next = excluded.next`, partition, position+1)
			return tx.SendBatch(t.Context(), &batch).Close()
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// run runs a process of the role until the function that it returns is called.
func (w *world) run(t *testing.T) (stop func()) {
	t.Helper()
	_, stop = w.start(t)
	return stop
}

func (w *world) start(t *testing.T) (role *Statements, stop func()) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	role, err := New(Config{Database: w.db, Kafka: w.broker.Config.Options(log), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- role.Run(ctx) }()
	stopped := false
	stop = func() {
		if cancel(); !stopped {
			stopped = true
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(stop)
	return role, stop
}

// reader keeps what compaction would: the last value of each key, as a reader of committed records sees them.
type reader struct {
	client *kgo.Client
	last   map[string]string
	newest map[string]topics.EventID
}

func (w *world) reader(t *testing.T) *reader {
	return &reader{
		client: w.broker.Client(t, kgo.ConsumeTopics(topics.LedgerBalances), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())),
		last: map[string]string{}, newest: map[string]topics.EventID{},
	}
}

// until reads until the topic holds what is wanted. No record may be older than the one of its key before it.
func (r *reader) until(t *testing.T, want map[string]string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for !maps.Equal(r.last, want) {
		fetches := r.client.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("the topic holds\n%v, want\n%v", r.last, want)
		}
		fetches.EachRecord(func(record *kgo.Record) {
			var b topics.LedgerBalance
			if err := topics.Unmarshal(record.Value, &b); err != nil {
				t.Fatal(err)
			}
			id, err := topics.ParseEventID(b.EntryID)
			if before, ok := r.newest[string(record.Key)]; err != nil || ok && id.Position < before.Position || record.Partition != b.Partition {
				t.Errorf("%s in partition %d behind %v: %v", record.Value, record.Partition, before, err)
			}
			if key := fmt.Sprintf("%s-%d", b.AccountID, b.Partition); key != string(record.Key) {
				t.Errorf("key %s, want %s", record.Key, key)
			}
			r.newest[string(record.Key)] = id
			r.last[fmt.Sprint(b.Code, " ", b.Owner, " ", b.Partition)] = fmt.Sprint(b.Balance, " ", b.EntryID)
		})
	}
}

// TestBalancesArePublished: the topic holds the last balance of each account, through a process that stored lines and
// died before it published them, and through a stop and a start.
func TestBalancesArePublished(t *testing.T) {
	w := newWorld(t)
	w.book(t, "ana", 100)
	dead := statement.NewProjector(w.db, 0)
	if _, err := dead.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop := w.run(t)
	r := w.reader(t)
	r.until(t, map[string]string{
		"customer_wallet ana 0": "-100 0-0-0", "psp_receivable  0": "100 0-0-0",
		"customer_wallet ana 1": "-100 1-0-0", "psp_receivable  1": "100 1-0-0",
	})
	w.book(t, "bob", 7)
	want := map[string]string{
		"customer_wallet ana 0": "-100 0-0-0", "customer_wallet bob 0": "-7 0-1-0", "psp_receivable  0": "107 0-1-0",
		"customer_wallet ana 1": "-100 1-0-0", "customer_wallet bob 1": "-7 1-1-0", "psp_receivable  1": "107 1-1-0",
	}
	r.until(t, want)
	stop()
	w.book(t, "ana", 1)
	for partition := range partitions {
		want[fmt.Sprint("customer_wallet ana ", partition)] = fmt.Sprintf("-101 %d-2-0", partition)
		want[fmt.Sprint("psp_receivable  ", partition)] = fmt.Sprintf("108 %d-2-0", partition)
	}
	w.run(t)
	r.until(t, want)
}

// TestTakeOver: of two processes the later one leads; when it is gone the other takes over. A publisher that was
// deposed cannot publish any more.
func TestTakeOver(t *testing.T) {
	w := newWorld(t)
	w.book(t, "ana", 1)
	former, err := newPublisher(t.Context(), w.broker.Config.Options(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	defer former.close()
	w.run(t)
	r := w.reader(t)
	want := map[string]string{}
	expect := func(sum, position int64) {
		t.Helper()
		for partition := range partitions {
			want[fmt.Sprint("customer_wallet ana ", partition)] = fmt.Sprintf("-%d %d-%d-0", sum, partition, position)
			want[fmt.Sprint("psp_receivable  ", partition)] = fmt.Sprintf("%d %d-%d-0", sum, partition, position)
		}
		r.until(t, want)
	}
	expect(1, 0)
	stale := []statement.Last{{Account: ledger.Account{Tenant: "acme", Code: ledger.CustomerWallet, Owner: "ana", Currency: "EUR"}}}
	if err := former.publish(t.Context(), stale); err == nil {
		t.Error("a deposed leader published a balance")
	}
	stop := w.run(t)
	w.book(t, "ana", 2)
	expect(3, 1)
	stop()
	w.book(t, "ana", 3)
	expect(6, 2)
}

// TestWhatCannotBeProjectedIsSaid: an entry on an account that does not exist stops the projection of its partition, which
// says so, and goes on when the account is there. The other partition goes on meanwhile.
func TestWhatCannotBeProjectedIsSaid(t *testing.T) {
	w := newWorld(t)
	w.book(t, "ana", 1)
	exec := func(sql string) {
		t.Helper()
		if tag, err := w.db.Pool.Exec(t.Context(), sql); err != nil || tag.RowsAffected() != 1 {
			t.Fatal(tag, err)
		}
	}
	exec(`UPDATE accounts SET partition = 77 WHERE partition = 0 AND owner = 'ana'`)
	role, _ := w.start(t)
	look, patience := time.NewTicker(10*time.Millisecond), time.After(2*time.Minute)
	defer look.Stop()
	for err := role.Ready(); err == nil || !strings.Contains(err.Error(), "does not exist"); err = role.Ready() {
		select {
		case <-look.C:
		case <-patience:
			t.Fatalf("%v, want that an account does not exist", err)
		}
	}
	r := w.reader(t)
	r.until(t, map[string]string{"customer_wallet ana 1": "-1 1-0-0", "psp_receivable  1": "1 1-0-0"})
	exec(`UPDATE accounts SET partition = 0 WHERE partition = 77`)
	r.until(t, map[string]string{
		"customer_wallet ana 0": "-1 0-0-0", "psp_receivable  0": "1 0-0-0",
		"customer_wallet ana 1": "-1 1-0-0", "psp_receivable  1": "1 1-0-0",
	})
}
