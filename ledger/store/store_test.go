package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"pgregory.net/rapid"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

const partition = 3

// book numbers entries, applies them in memory and writes them.
type book struct {
	db       *database.DB
	writer   *Writer
	balances *ledger.Balances
	position int64
}

func newBook(t testing.TB) *book {
	return &book{db: databasetest.New(t), writer: NewWriter(partition), balances: ledger.NewBalances()}
}

func (b *book) write(ctx context.Context, entries ...ledger.Entry) error {
	for i := range entries {
		e := &entries[i]
		e.ID = ledger.EntryID{Partition: partition, Position: b.position}
		b.position++
		e.At = time.Unix(1_800_000_000+b.position, 123_000_000).UTC()
		if e.PaymentID == "" && e.Reference == "" {
			e.PaymentID = topics.PaymentID{Partition: partition, UUID: uuid.UUID{15: byte(b.position), 14: byte(b.position >> 8)}}.String()
		}
	}
	var batch pgx.Batch
	b.writer.Queue(&batch, entries)
	err := b.db.InTx(ctx, func(tx pgx.Tx) error { return tx.SendBatch(ctx, &batch).Close() })
	if err != nil { // as the runtime opens a new state
		writer, failed := OpenWriter(ctx, b.db.Pool, partition)
		b.writer, err = writer, errors.Join(err, failed)
	}
	return err
}

func must(t testing.TB, e ledger.Entry, err error) ledger.Entry {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

var ana = ledger.Customer{Tenant: "acme", ID: "ana", Currency: "EUR"}

func deposit(t testing.TB, c ledger.Customer, amount, fee int64) ledger.Entry {
	e, err := ledger.DepositCaptured(c, amount, fee, ledger.Standing{})
	return must(t, e, err)
}

func refund(t testing.TB, c ledger.Customer, amount int64) ledger.Entry {
	e, err := ledger.RefundRequested(c, amount)
	return must(t, e, err)
}

// TestWriterAgainstTheBook writes batches of any movements and compares the database with the book in memory.
func TestWriterAgainstTheBook(t *testing.T) {
	b := newBook(t)
	written := map[ledger.EntryID]ledger.Entry{}
	accounts := map[ledger.AccountID]bool{}
	customers := []ledger.Customer{ana, {Tenant: "acme", ID: "bob", Currency: "EUR"}, {Tenant: "acme", ID: "ana", Currency: "KWD"}, {Tenant: "other", ID: "ana", Currency: "EUR"}}
	rapid.Check(t, func(r *rapid.T) {
		var entries []ledger.Entry
		for range rapid.IntRange(0, 12).Draw(r, "entries") {
			if e, ok := movement(r, b.balances, rapid.SampledFrom(customers).Draw(r, "customer")); ok {
				e.Reference = rapid.SampledFrom([]string{"", "round-7"}).Draw(r, "reference")
				e.Effective = rapid.SampledFrom([]time.Time{{}, time.Unix(1_700_000_000, 0).UTC()}).Draw(r, "effective")
				entries = append(entries, e)
			}
		}
		if err := b.write(t.Context(), entries...); err != nil {
			r.Fatal(err)
		}
		for _, e := range entries {
			written[e.ID] = e
			for _, p := range e.Postings {
				accounts[p.Account.ID()] = true
			}
		}
	})
	stored, err := LoadBalances(t.Context(), b.db.Pool, partition, slicesOf(accounts))
	if err != nil {
		t.Fatal(err)
	}
	if len(stored) != len(accounts) || len(stored) == 0 {
		t.Fatalf("%d accounts are stored, %d were posted to", len(stored), len(accounts))
	}
	for id, balance := range stored {
		if want := b.balances.Balance(id); balance != want {
			t.Errorf("account %s: stored %d, in memory %d", id, balance, want)
		}
	}
	for id, want := range written {
		got, err := Entry(t.Context(), b.db.Pool, id)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("stored %v, want %v", got, want)
		}
	}
	checkTrialBalance(t, b)
}

// movement draws one that the book accepts.
func movement(r *rapid.T, balances *ledger.Balances, c ledger.Customer) (ledger.Entry, bool) {
	amount := rapid.Int64Range(1, 1000).Draw(r, "amount")
	standing := balances.Standing(c)
	var e ledger.Entry
	var err error
	switch rapid.IntRange(0, 3).Draw(r, "movement") {
	case 0:
		e, err = ledger.DepositCaptured(c, amount, rapid.Int64Range(0, 40).Draw(r, "fee"), standing)
	case 1:
		e, err = ledger.RefundRequested(c, amount)
	case 2:
		e, err = ledger.RefundSettled(c, amount)
	case 3:
		e, err = ledger.RefundForced(c, amount, 500, standing)
	}
	if err != nil {
		r.Fatal(err)
	}
	return e, balances.Apply(&e) == nil
}

func slicesOf(accounts map[ledger.AccountID]bool) (ids []ledger.AccountID) {
	for id := range maps.Keys(accounts) {
		ids = append(ids, id)
	}
	return ids
}

func checkTrialBalance(t *testing.T, b *book) {
	t.Helper()
	lines, err := TrialBalance(t.Context(), b.db.Pool, "")
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]int64{}
	for _, line := range lines {
		sums[line.Tenant+" "+string(line.Currency)] += line.Minor
	}
	if want := map[string]int64{"acme EUR": 0, "acme KWD": 0, "other EUR": 0}; !maps.Equal(sums, want) {
		t.Errorf("trial balances %v, want %v", sums, want)
	}
}

// TestFloorIsCheckedTwice writes debits that the book in memory never saw: the database refuses them by itself (L4).
func TestFloorIsCheckedTwice(t *testing.T) {
	b := newBook(t)
	cases := map[string]func(ledger.Customer) (before []ledger.Entry, entry ledger.Entry, refuse bool){
		"of a new wallet": func(c ledger.Customer) ([]ledger.Entry, ledger.Entry, bool) {
			return nil, refund(t, c, 1), true
		},
		"of an empty wallet": func(c ledger.Customer) ([]ledger.Entry, ledger.Entry, bool) {
			return []ledger.Entry{deposit(t, c, 500, 0), refund(t, c, 500)}, refund(t, c, 1), true
		},
		"above the balance": func(c ledger.Customer) ([]ledger.Entry, ledger.Entry, bool) {
			return []ledger.Entry{deposit(t, c, 500, 0)}, refund(t, c, 501), true
		},
		"of the whole balance": func(c ledger.Customer) ([]ledger.Entry, ledger.Entry, bool) {
			return []ledger.Entry{deposit(t, c, 500, 0)}, refund(t, c, 500), false
		},
		"below the balance": func(c ledger.Customer) ([]ledger.Entry, ledger.Entry, bool) {
			return []ledger.Entry{deposit(t, c, 500, 0)}, refund(t, c, 499), false
		},
		"of a system account": func(c ledger.Customer) ([]ledger.Entry, ledger.Entry, bool) {
			return nil, must2(ledger.RefundSettled(c, 500)), false
		},
		"of a debt, which has no ceiling": func(c ledger.Customer) ([]ledger.Entry, ledger.Entry, bool) {
			return nil, must2(ledger.RefundForced(c, 500, 500, ledger.Standing{})), false
		},
	}
	for name, build := range cases {
		t.Run(name, func(t *testing.T) {
			before, entry, refuse := build(ledger.Customer{Tenant: "acme", ID: name, Currency: "EUR"})
			for _, e := range before {
				if err := b.write(t.Context(), e); err != nil {
					t.Fatal(err)
				}
			}
			err := b.write(t.Context(), entry)
			switch {
			case !refuse && err != nil:
				t.Error(err)
			case refuse && database.SQLState(err) != "23514":
				t.Errorf("%v, want SQLSTATE 23514", err)
			}
		})
	}
	var unguarded int
	row := b.db.Pool.QueryRow(t.Context(), `SELECT count(*) FROM accounts WHERE code = 'customer_wallet' AND NOT guarded`)
	if err := row.Scan(&unguarded); err != nil || unguarded > 0 {
		t.Errorf("%d wallets without a guard, %v", unguarded, err)
	}
}

func must2(e ledger.Entry, err error) ledger.Entry {
	if err != nil {
		panic(err)
	}
	return e
}

// TestDebitBeforeCreditInOneBatch moves a wallet that the batch itself opens: only the sum counts.
func TestDebitBeforeCreditInOneBatch(t *testing.T) {
	b := newBook(t)
	if err := b.write(t.Context(), deposit(t, ana, 500, 10), refund(t, ana, 500), deposit(t, ana, 7, 0)); err != nil {
		t.Fatal(err)
	}
	wallet := ana.Account(ledger.CustomerWallet).ID()
	balances, err := LoadBalances(t.Context(), b.db.Pool, partition, []ledger.AccountID{wallet})
	if err != nil || balances[wallet] != -7 {
		t.Errorf("balances %v, %v", balances, err)
	}
}

// TestBatchAbove64Bits moves more on one account than a delta can hold, although no balance does.
func TestBatchAbove64Bits(t *testing.T) {
	b := newBook(t)
	settled := must2(ledger.RefundSettled(ana, math.MaxInt64))
	back := ledger.Entry{Template: "back", Postings: []ledger.Posting{
		{Account: settled.Postings[1].Account, Minor: math.MaxInt64}, {Account: settled.Postings[0].Account, Minor: -math.MaxInt64}}}
	if err := b.write(t.Context(), back, settled); err != nil {
		t.Fatal(err)
	}
	twice := []ledger.Entry{settled, back, back, settled, settled, back}
	if err := b.write(t.Context(), twice...); err != nil {
		t.Fatal(err)
	}
	if err := b.write(t.Context(), settled); err != nil {
		t.Fatal(err)
	}
	if err := b.write(t.Context(), settled); database.SQLState(err) != "22003" {
		t.Errorf("a balance beyond 64 bits: %v, want SQLSTATE 22003", err)
	}
}

func TestEntryOfEveryLength(t *testing.T) {
	b := newBook(t)
	var entries []ledger.Entry
	for n := 2; n <= ledger.MaxPostings; n++ {
		e := ledger.Entry{Template: fmt.Sprintf("of %d", n)}
		for i := 1; i < n; i++ {
			e.Postings = append(e.Postings, ledger.Posting{Account: ana.System(ledger.PSPFees), Minor: int64(i)})
		}
		e.Postings = append(e.Postings, ledger.Posting{Account: ana.System(ledger.PSPReceivable), Minor: -int64(n*(n-1)) / 2})
		if err := e.Validate(); err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	if err := b.write(t.Context(), entries...); err != nil {
		t.Fatal(err)
	}
	for _, want := range entries {
		if got, err := Entry(t.Context(), b.db.Pool, want.ID); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("stored %v, %v, want %v", got, err, want)
		}
	}
}

func TestEntriesAreWrittenOnce(t *testing.T) {
	b := newBook(t)
	if err := b.write(t.Context(), deposit(t, ana, 500, 10)); err != nil {
		t.Fatal(err)
	}
	b.position--
	b.writer = NewWriter(partition) // that does not know of it
	if err := b.write(t.Context(), deposit(t, ana, 500, 10)); database.SQLState(err) != "23505" {
		t.Errorf("the same id again: %v, want SQLSTATE 23505", err)
	}
}

func TestNoEntry(t *testing.T) {
	b := newBook(t)
	if _, err := Entry(t.Context(), b.db.Pool, ledger.EntryID{Position: 1}); !errors.Is(err, ErrNoEntry) || !strings.Contains(err.Error(), "entry 0-1-0") {
		t.Errorf("%v, want ErrNoEntry of 0-1-0", err)
	}
	if balances, err := LoadBalances(t.Context(), b.db.Pool, partition, nil); err != nil || len(balances) != 0 {
		t.Errorf("balances of nothing: %v, %v", balances, err)
	}
}

func TestQueueRefusesAnotherPartition(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	var batch pgx.Batch
	NewWriter(partition).Queue(&batch, []ledger.Entry{{ID: ledger.EntryID{Partition: partition + 1}}})
}

// BenchmarkWriter writes batches of 500 entries of three postings.
func BenchmarkWriter(b *testing.B) {
	book := newBook(b)
	const size = 500
	entries := make([]ledger.Entry, size)
	for b.Loop() {
		for i := range entries {
			c := ledger.Customer{Tenant: "acme", ID: fmt.Sprint("customer-", (book.position+int64(i))%10_000), Currency: "EUR"}
			entries[i] = deposit(b, c, 1000, 30)
		}
		if err := book.write(b.Context(), entries...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/size, "ns/entry")
}

// BenchmarkEntryBytes reports what an entry of two postings takes on PostgreSQL: one of a payment, and one of a wallet that
// belongs to a game round.
func BenchmarkEntryBytes(b *testing.B) {
	for name, build := range map[string]func() ledger.Entry{
		"payment": func() ledger.Entry { return deposit(b, ana, 1000, 0) },
		"round": func() ledger.Entry {
			return ledger.Entry{Template: "game_debit", Reference: "018e0000-0000-7000-8000-000000000001", Postings: []ledger.Posting{
				{Account: ana.Account(ledger.CustomerWallet), Minor: -1}, {Account: ana.System(ledger.GameRevenue), Minor: 1}}}
		},
	} {
		b.Run(name, func(b *testing.B) { entryBytes(b, build) })
	}
}

func entryBytes(b *testing.B, build func() ledger.Entry) {
	book := newBook(b)
	const size = 1000
	entries := make([]ledger.Entry, size)
	walBefore := int64(0)
	measure := func(sql string, into ...any) {
		if err := book.db.Pool.QueryRow(b.Context(), sql).Scan(into...); err != nil {
			b.Skip(err) // not PostgreSQL
		}
	}
	const wal = `SELECT (pg_current_wal_insert_lsn() - '0/0')::int8`
	measure(wal, &walBefore)
	for b.Loop() {
		for i := range entries {
			entries[i] = build()
		}
		if err := book.write(b.Context(), entries...); err != nil {
			b.Fatal(err)
		}
	}
	var table, index, walAfter int64
	measure(wal, &walAfter)
	measure(`SELECT pg_table_size('entries'), pg_indexes_size('entries')`, &table, &index)
	b.ReportMetric(float64(table)/float64(book.position), "table-B/entry")
	b.ReportMetric(float64(index)/float64(book.position), "index-B/entry")
	b.ReportMetric(float64(walAfter-walBefore)/float64(book.position), "wal-B/entry")
}

// BenchmarkEncode is what pgx adds for the parameters of the same entries.
func BenchmarkEncode(b *testing.B) {
	writer := NewWriter(partition)
	entries := make([]ledger.Entry, 500)
	for i := range entries {
		entries[i] = deposit(b, ana, 1000, 30)
		entries[i].ID = ledger.EntryID{Partition: partition, Position: int64(i)}
		entries[i].PaymentID = topics.PaymentID{UUID: uuid.UUID{1}}.String()
	}
	var batch pgx.Batch
	writer.Queue(&batch, entries)
	oids := []uint32{pgtype.Int4OID, pgtype.Int8ArrayOID, pgtype.Int2ArrayOID, pgtype.TimestamptzArrayOID, pgtype.UUIDArrayOID,
		pgtype.TextArrayOID, pgtype.TimestamptzArrayOID, pgtype.TextArrayOID, pgtype.Int8ArrayOID,
		pgtype.UUIDArrayOID, pgtype.Int8ArrayOID, pgtype.UUIDArrayOID, pgtype.Int8ArrayOID, pgtype.UUIDArrayOID,
		pgtype.Int8ArrayOID}
	types := pgtype.NewMap()
	var buffer []byte
	b.ReportAllocs()
	for b.Loop() {
		buffer = buffer[:0]
		for i, argument := range batch.QueuedQueries[0].Arguments {
			var err error
			if buffer, err = types.Encode(oids[i], pgtype.BinaryFormatCode, argument, buffer); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(entries)), "ns/entry")
}

// BenchmarkQueue is what the writer itself costs, without database.
func BenchmarkQueue(b *testing.B) {
	writer := NewWriter(0)
	entries := make([]ledger.Entry, 500)
	for i := range entries {
		entries[i] = deposit(b, ledger.Customer{Tenant: "acme", ID: fmt.Sprint("customer-", i), Currency: "EUR"}, 1000, 30)
		entries[i].PaymentID = topics.PaymentID{UUID: uuid.UUID{1}}.String()
	}
	b.ReportAllocs()
	for b.Loop() {
		for i := range entries {
			entries[i].ID.Position++
			entries[i].ID.Index = int16(i)
		}
		var batch pgx.Batch
		writer.Queue(&batch, entries)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(entries)), "ns/entry")
}
