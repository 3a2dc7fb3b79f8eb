package statement

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/store"
)

// books is a ledger that a test writes, as the fold does: entries, balances and M in one transaction for each partition.
type books struct {
	db      *database.DB
	writers []*store.Writer
	next    []int64        // M
	entries []ledger.Entry // in the order of their writing
}

var epoch = time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)

func newBooks(t testing.TB, partitions int) *books {
	b := &books{db: databasetest.New(t), next: make([]int64, partitions)}
	for partition := range partitions {
		b.writers = append(b.writers, store.NewWriter(int32(partition)))
	}
	return b
}

// write stores entries that have their partition, position and time. Their records are followed by so many that post
// nothing.
func (b *books) write(t testing.TB, silent int64, entries ...ledger.Entry) {
	t.Helper()
	byPartition := make([][]ledger.Entry, len(b.next))
	for _, e := range entries {
		byPartition[e.ID.Partition] = append(byPartition[e.ID.Partition], e)
		b.next[e.ID.Partition] = max(b.next[e.ID.Partition], e.ID.Position+1+silent)
	}
	for partition, entries := range byPartition {
		if len(entries) == 0 {
			continue
		}
		err := b.db.InTx(t.Context(), func(tx pgx.Tx) error {
			var batch pgx.Batch
			b.writers[partition].Queue(&batch, entries)
			batch.Queue(`INSERT INTO stream_positions (role, partition, next, base, topic_id, last_hash, format)
VALUES ('payments', $1, $2, 0, '', '', 1) ON CONFLICT (role, partition) DO UPDATE SET next = excluded.next`, partition, b.next[partition])
			return tx.SendBatch(t.Context(), &batch).Close()
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	b.entries = append(b.entries, entries...)
}

// project runs rounds until nothing lags.
func (b *books) project(t testing.TB, p *Projector) {
	t.Helper()
	for {
		round, err := p.Round(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !round.Behind {
			return
		}
	}
}

// want is the dumb model: every line of every account and partition, computed from the entries one posting at a time.
func (b *books) want() map[string][]line {
	lines := map[string][]line{}
	booked := make([]time.Time, len(b.next))
	for _, e := range b.entries {
		partition := e.ID.Partition
		if e.At.After(booked[partition]) {
			booked[partition] = e.At
		}
		for _, p := range e.Postings {
			key := key(partition, p.Account.ID())
			of := lines[key]
			place := Place{booked[partition], e.ID.Position, e.ID.Index}
			if n := len(of); n > 0 && of[n-1].Place == place {
				of[n-1].Amount += p.Minor
				of[n-1].Balance += p.Minor
				continue
			}
			balance := int64(0)
			if n := len(of); n > 0 {
				balance = of[n-1].Balance
			}
			lines[key] = append(of, line{place, p.Account.ID(), p.Minor, balance + p.Minor})
		}
	}
	return lines
}

// check compares every line that is stored with the model.
func (b *books) check(t testing.TB) {
	t.Helper()
	rows, _ := b.db.Pool.Query(t.Context(), `
SELECT partition, account, booked, position, ordinal, amount, balance FROM statement_lines
ORDER BY partition, account, booked, position, ordinal`)
	got := map[string][]line{}
	var partition int32
	var account [16]byte
	var l line
	_, err := pgx.ForEachRow(rows, []any{&partition, &account, &l.Booked, &l.Position, &l.Ordinal, &l.Amount, &l.Balance}, func() error {
		l.Account, l.Booked = account, l.Booked.UTC()
		key := key(partition, l.Account)
		got[key] = append(got[key], l)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := b.want()
	if len(got) != len(want) {
		t.Fatalf("lines of %d accounts, want %d", len(got), len(want))
	}
	for key := range want {
		if fmt.Sprint(got[key]) != fmt.Sprint(want[key]) {
			t.Fatalf("account %s\n got %v\nwant %v", key, got[key], want[key])
		}
	}
}

func customer(id string) ledger.Customer {
	return ledger.Customer{Tenant: "acme", ID: id, Currency: "EUR"}
}

// random returns n entries for the next positions, some in one record, some behind silent ones, with clocks that step
// back, over all partitions.
func (b *books) random(r *rand.Rand, n int) []ledger.Entry {
	next := append([]int64(nil), b.next...)
	var entries []ledger.Entry
	for len(entries) < n {
		partition := r.IntN(len(next))
		next[partition] += r.Int64N(3)
		at := epoch.Add(time.Duration(len(b.entries)+len(entries))*time.Second - time.Duration(r.IntN(3))*1500*time.Millisecond)
		for index := range int16(1 + r.IntN(2)) {
			c := customer(fmt.Sprint("customer-", r.IntN(5), "-of-", partition))
			e := ledger.Entry{
				ID: ledger.EntryID{Partition: int32(partition), Position: next[partition], Index: index},
				At: at, Template: "any",
			}
			amount := 1 + r.Int64N(1000)
			wallet, fees, receivable := c.Account(ledger.CustomerDebt), c.System(ledger.PSPFees), c.System(ledger.PSPReceivable)
			e.Postings = []ledger.Posting{{Account: wallet, Minor: amount}, {Account: receivable, Minor: -2 * amount}, {Account: fees, Minor: amount}}
			switch r.IntN(4) {
			case 0: // netted to something
				e.Postings = append(e.Postings, ledger.Posting{Account: wallet, Minor: 7}, ledger.Posting{Account: fees, Minor: -7})
			case 1: // netted to nothing
				e.Postings = append(e.Postings, ledger.Posting{Account: wallet, Minor: -amount}, ledger.Posting{Account: fees, Minor: amount})
			}
			entries = append(entries, e)
		}
		next[partition]++
	}
	return entries
}

func key(partition int32, id ledger.AccountID) string { return fmt.Sprint(partition, " ", id) }
