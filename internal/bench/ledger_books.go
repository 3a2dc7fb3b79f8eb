package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/store"
	"github.com/weirhq/weir/topics"
)

// batchEntries is how many entries one transaction holds: what the engine applies at once by default.
const batchEntries = 1000

// books is the ledger's store as the fold uses it: entries are made, applied in memory and written in one transaction.
type books struct {
	db    *database.DB
	names [customers]string
	parts [partitions]*book
}

// book is one partition of it, used by one goroutine.
type book struct {
	number   int32
	next     int64 // position
	balances *ledger.Balances
	writer   *store.Writer
	entries  []ledger.Entry
}

func newBooks(db *database.DB) *books {
	b := &books{db: db}
	for i := range b.names {
		b.names[i] = fmt.Sprintf("cus_%06d", i)
	}
	for p := range b.parts {
		b.parts[p] = &book{number: int32(p), balances: ledger.NewBalances(), writer: store.NewWriter(int32(p)), entries: make([]ledger.Entry, batchEntries)}
	}
	return b
}

// posted is how many entries are stored.
func (b *books) posted() (n int64) {
	for _, part := range b.parts {
		n += part.next
	}
	return n
}

// workload is a kind of entry and how many of them each partition has posted.
type workload struct {
	move func(b *books, partition, n int64) [2]ledger.Posting // the postings of the n-th entry
	done [partitions]int64
}

// customer is one of those whose number leaves the partition's as the remainder, in turn.
func (b *books) customer(partition, n int64) string {
	return b.names[(n*partitions+partition)%customers]
}

// deposit credits a wallet out of the one receivable of the tenant: every entry meets in it.
func deposit(b *books, partition, n int64) [2]ledger.Posting {
	return [2]ledger.Posting{
		{Account: ledger.Account{Tenant: tenant, Code: ledger.PSPReceivable, Currency: "EUR"}, Minor: 1050},
		{Account: ledger.Account{Tenant: tenant, Code: ledger.CustomerWallet, Owner: b.customer(partition, n), Currency: "EUR"}, Minor: -1050},
	}
}

// spread is deposit with as many tenants, and so receivables, as a batch has entries.
func spread(b *books, partition, n int64) [2]ledger.Posting {
	both := deposit(b, partition, n)
	brand := b.names[n%batchEntries]
	both[0].Account.Tenant, both[1].Account.Tenant = brand, brand
	return both
}

// guarded credits wallets and debits them again, a round of all customers each.
func guarded(b *books, partition, n int64) [2]ledger.Posting {
	return there(ledger.CustomerWallet, b, partition, n)
}

// unguarded does so with accounts that have no floor.
func unguarded(b *books, partition, n int64) [2]ledger.Posting {
	return there(ledger.CustomerDebt, b, partition, n)
}

func there(code ledger.AccountCode, b *books, partition, n int64) [2]ledger.Posting {
	minor := int64(1050)
	if n/(customers/partitions)%2 == 1 { // back
		minor = -minor
	}
	return [2]ledger.Posting{
		{Account: ledger.Account{Tenant: "bench2", Code: ledger.PSPReceivable, Currency: "EUR"}, Minor: minor},
		{Account: ledger.Account{Tenant: "bench2", Code: code, Owner: b.customer(partition, n), Currency: "EUR"}, Minor: -minor},
	}
}

// post stores the next batch of a partition.
func (b *books) post(ctx context.Context, partition int32, load *workload) error {
	part := b.parts[partition]
	at := time.Now().UTC()
	postings := make([][2]ledger.Posting, len(part.entries))
	for i := range part.entries {
		n := part.next + int64(i)
		postings[i] = load.move(b, int64(partition), load.done[partition]+int64(i))
		part.entries[i] = ledger.Entry{
			ID: ledger.EntryID{Partition: partition, Position: n}, Template: "deposit_captured", At: at,
			PaymentID: topics.PaymentID{Partition: partition, UUID: timeOrdered(at, partition, n)}.String(), Postings: postings[i][:],
		}
		if err := part.balances.Apply(&part.entries[i]); err != nil {
			return err
		}
	}
	err := b.db.InBatch(ctx, func(batch *pgx.Batch) { part.writer.Queue(batch, part.entries) }, all)
	part.next += int64(len(part.entries))
	load.done[partition] += int64(len(part.entries))
	return err
}

// fill posts until there are so many entries.
func (b *books) fill(ctx context.Context, load *workload, entries int64) error {
	_, err := posting(ctx, func(partition int32) (bool, error) {
		if b.parts[partition].next >= entries/partitions {
			return false, nil
		}
		return true, b.post(ctx, partition, load)
	})
	return err
}

// applied stores how far each partition is, as the fold does in the transaction of each batch, for those who read.
func (b *books) applied(ctx context.Context) error {
	for _, part := range b.parts {
		_, err := b.db.Pool.Exec(ctx, `INSERT INTO stream_positions (role, partition, next, base, topic_id, last_hash, format)
VALUES ('payments', $1, $2, 0, '', '', 1)`, part.number, part.next)
		if err != nil {
			return err
		}
	}
	return nil
}

// all reads the results of a batch to their end, for an error of one of them.
func all(pgx.BatchResults) error { return nil }

// timeOrdered is a UUID that begins with the time, as version 7 does, without asking for random bytes.
func timeOrdered(at time.Time, partition int32, n int64) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:], uint64(at.UnixMilli())<<16)
	binary.BigEndian.PutUint64(id[8:], uint64(partition)<<48|uint64(n))
	return id
}
