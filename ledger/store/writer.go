// Package store keeps the ledger in SQL: entries with their postings as two arrays, and account balances.
package store

import (
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/chain"
)

// Writer queues the statements that store the entries of one partition, and chains them. It is used by one goroutine;
// what it queued is valid until the next call of Queue. What it queued must be stored before it queues more: where that
// fails, the writer's chain is ahead of the database, and another one is opened.
type Writer struct {
	partition int32
	head      chain.Head
	hasher    chain.Hasher
	record    chain.Record
	groups    [ledger.MaxPostings + 1]entryColumns // by the number of postings
	accounts  accountColumns
}

// NewWriter returns a writer of a partition without entries. OpenWriter is for those that may have some.
func NewWriter(partition int32) *Writer {
	return &Writer{partition: partition, head: chain.Genesis(partition), accounts: newAccountColumns()}
}

// Queue adds to the batch the statements that insert the entries and move the balances of their accounts by the sums of
// the postings. The entries must be valid, of the writer's partition, in order and after those queued before, and applied
// to the partition's ledger.Balances before: a guarded account that would be left below its floor makes the transaction
// fail with SQLSTATE 23514 (L4, second line). Queue panics where an entry is of another partition, out of order or names no
// payment id: that is a bug of the caller.
func (w *Writer) Queue(batch *pgx.Batch, entries []ledger.Entry) {
	for i := 2; i < len(w.groups); i++ {
		w.groups[i].reset(i)
	}
	w.accounts.reset()
	for i := range entries {
		e := &entries[i]
		if e.ID.Partition != w.partition {
			panic(fmt.Sprintf("ledger/store: entry %s queued in partition %d", e.ID, w.partition))
		}
		w.chain(e)
		for j, id := range w.record.Accounts {
			if !w.accounts.add(id, &e.Postings[j]) {
				w.accounts.queue(batch, w.partition)
				w.accounts = newAccountColumns() // the batch holds the former arrays
				w.accounts.add(id, &e.Postings[j])
			}
		}
		w.groups[len(e.Postings)].add(e, &w.record, w.head.Link())
	}
	if len(entries) == 0 {
		return
	}
	for i := range w.groups {
		w.groups[i].queue(batch, w.partition)
	}
	w.accounts.queue(batch, w.partition)
	batch.Queue(storeHead, w.partition, w.head.Entries, w.head.Position, w.head.Index, w.head.Hash[:])
}

// The fence of the transaction that this is part of sees to it that the head is the one that the writer went on from.
const storeHead = `INSERT INTO ledger_chain (partition, entries, position, ordinal, head) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (partition) DO UPDATE SET entries = excluded.entries, position = excluded.position, ordinal = excluded.ordinal, head = excluded.head`

// chain extends the chain by the entry (L5).
func (w *Writer) chain(e *ledger.Entry) {
	if err := w.record.Set(e); err != nil {
		panic(fmt.Sprintf("ledger/store: %v", err))
	}
	if last := w.head.Last(); w.record.Before(last.Position, last.Index) || e.ID == last {
		panic(fmt.Sprintf("ledger/store: entry %s queued after entry %s", e.ID, last))
	}
	w.head = w.hasher.Extend(&w.head, &w.record)
}

// entryColumns are the entries with one number of postings, column by column. pgx encodes the columns itself: arrays
// encoded beforehand save 0.5 µs and 13 allocations of the 12 µs that an entry takes (BenchmarkEncode, BenchmarkWriter),
// which does not pay for a codec of our own.
type entryColumns struct {
	insert    string // the statement
	positions []int64
	ordinals  []int16
	booked    []time.Time
	effective []pgtype.Timestamptz
	payments  []pgtype.UUID
	templates []string
	reference []pgtype.Text
	links     []int64
	accounts  [][][16]byte // the accounts of the first postings, of the second postings, …
	amounts   [][]int64
}

func (c *entryColumns) reset(postings int) {
	if c.accounts == nil {
		c.insert = insertEntries(postings)
		c.accounts = make([][][16]byte, postings)
		c.amounts = make([][]int64, postings)
	}
	c.positions, c.ordinals, c.booked = c.positions[:0], c.ordinals[:0], c.booked[:0]
	c.effective, c.payments, c.templates = c.effective[:0], c.payments[:0], c.templates[:0]
	c.reference, c.links = c.reference[:0], c.links[:0]
	for i := range c.accounts {
		c.accounts[i], c.amounts[i] = c.accounts[i][:0], c.amounts[i][:0]
	}
}

func (c *entryColumns) add(e *ledger.Entry, r *chain.Record, link int64) {
	c.positions = append(c.positions, r.Position)
	c.ordinals = append(c.ordinals, r.Index)
	c.booked = append(c.booked, e.At)
	c.effective = append(c.effective, pgtype.Timestamptz{Time: e.Effective, Valid: r.Effective != r.Booked})
	c.payments = append(c.payments, pgtype.UUID{Bytes: r.Payment, Valid: e.PaymentID != ""})
	c.templates = append(c.templates, e.Template)
	c.reference = append(c.reference, pgtype.Text{String: e.Reference, Valid: e.Reference != ""})
	c.links = append(c.links, link)
	for i := range r.Accounts {
		c.accounts[i] = append(c.accounts[i], r.Accounts[i])
		c.amounts[i] = append(c.amounts[i], r.Amounts[i])
	}
}

func (c *entryColumns) queue(batch *pgx.Batch, partition int32) {
	if len(c.positions) == 0 {
		return
	}
	args := []any{partition, c.positions, c.ordinals, c.booked, c.payments, c.templates, c.effective, c.reference, c.links}
	for i := range c.accounts {
		args = append(args, c.accounts[i], c.amounts[i])
	}
	batch.Queue(c.insert, args...)
}

// insertEntries is the insert for entries with n postings. Each posting is a column of its own in the parameters and the
// arrays are built row by row: unnest would flatten an array of arrays, and slices are not known to CockroachDB.
func insertEntries(n int) string {
	var params, accounts, amounts, columns []string
	for i := range n {
		params = append(params, fmt.Sprintf("$%d::uuid[], $%d::int8[]", 10+2*i, 11+2*i))
		columns = append(columns, fmt.Sprintf("a%d, m%d", i, i))
		accounts = append(accounts, fmt.Sprintf("a%d", i))
		amounts = append(amounts, fmt.Sprintf("m%d", i))
	}
	return fmt.Sprintf(`INSERT INTO entries (partition, position, ordinal, booked_at, payment, template, effective, reference, link, accounts, amounts)
SELECT $1::int4, position, ordinal, booked_at, payment, template, effective, reference, link, ARRAY[%s], ARRAY[%s]
FROM unnest($2::int8[], $3::int2[], $4::timestamptz[], $5::uuid[], $6::text[],
	$7::timestamptz[], $8::text[], $9::int8[], %s)
	AS e(position, ordinal, booked_at, payment, template, effective, reference, link, %s)`,
		strings.Join(accounts, ", "), strings.Join(amounts, ", "), strings.Join(params, ", "), strings.Join(columns, ", "))
}
