package bench

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/weirhq/weir/internal/database"
)

// probe is what the store is held against: the bare statements, with the same tables, the same number of rows and of
// accounts in a batch and parameters of the same kinds, and nothing else: no ids or hashes that are computed, no balances
// in memory.
type probe struct {
	db      *database.DB
	wallets [][16]byte
	owners  []string
	parts   [partitions]probePart
}

type probePart struct {
	next int64

	positions                                 []int64
	ordinals                                  []int16
	booked                                    []time.Time
	payments                                  []pgtype.UUID
	effective                                 []pgtype.Timestamptz
	references                                []pgtype.Text
	links                                     []int64
	templates                                 []string
	debited, credited                         [][16]byte
	debits, credits                           []int64
	ids                                       [][16]byte
	tenants, codes, accountOwners, currencies []string
	guarded                                   []bool
	deltas                                    []int64
}

const (
	probeEntries = `INSERT INTO entries (partition, position, ordinal, booked_at, payment, template, effective, reference, link, accounts, amounts)
SELECT $1::int4, position, ordinal, booked_at, payment, template, effective, reference, link, ARRAY[a0, a1], ARRAY[m0, m1]
FROM unnest($2::int8[], $3::int2[], $4::timestamptz[], $5::uuid[], $6::text[], $7::timestamptz[], $8::text[], $9::int8[],
	$10::uuid[], $11::int8[], $12::uuid[], $13::int8[])
	AS e(position, ordinal, booked_at, payment, template, effective, reference, link, a0, m0, a1, m1)`

	probeBalances = `INSERT INTO accounts (partition, id, tenant, code, owner, currency, guarded, balance)
SELECT $1::int4, id, tenant, code, owner, currency, guarded, delta
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bool[], $8::int8[])
	AS a(id, tenant, code, owner, currency, guarded, delta)
ON CONFLICT (partition, id) DO UPDATE SET balance = accounts.balance + excluded.balance`

	probeHead = `INSERT INTO ledger_chain (partition, entries, position, ordinal, head) VALUES ($1, $2, $2, 0, $3)
ON CONFLICT (partition) DO UPDATE SET entries = excluded.entries, position = excluded.position, head = excluded.head`
)

func newProbe(db *database.DB, owners []string) *probe {
	p := &probe{db: db, wallets: make([][16]byte, len(owners)), owners: owners}
	for i := range p.wallets {
		_, _ = rand.Read(p.wallets[i][:]) // never fails
	}
	return p
}

// clear begins anew with empty tables, so that the probe says how fast the machine is and not how much it has stored.
func (p *probe) clear(ctx context.Context) error {
	_, err := p.db.Pool.Exec(ctx, "TRUNCATE entries, accounts, ledger_chain")
	return err
}

// post stores the next batch of a partition.
func (p *probe) post(ctx context.Context, partition int32) error {
	c := &p.parts[partition]
	c.reset()
	at := time.Now().UTC()
	c.account([16]byte{15: byte(partition)}, "psp_receivable", "", false, 1050*batchEntries)
	for i := range int64(batchEntries) {
		n := c.next + i
		customer := (n*partitions + int64(partition)) % int64(len(p.wallets))
		c.positions = append(c.positions, n)
		c.ordinals = append(c.ordinals, 0)
		c.booked = append(c.booked, at)
		c.payments = append(c.payments, pgtype.UUID{Bytes: timeOrdered(at, partition, n), Valid: true})
		c.effective, c.references = append(c.effective, pgtype.Timestamptz{}), append(c.references, pgtype.Text{})
		c.links = append(c.links, n)
		c.templates = append(c.templates, "deposit_captured")
		c.debited, c.debits = append(c.debited, c.ids[0]), append(c.debits, 1050)
		c.credited, c.credits = append(c.credited, p.wallets[customer]), append(c.credits, -1050)
		c.account(p.wallets[customer], "customer_wallet", p.owners[customer], true, -1050)
	}
	c.next += batchEntries
	return p.db.InBatch(ctx, func(batch *pgx.Batch) {
		batch.Queue(probeEntries, partition, c.positions, c.ordinals, c.booked, c.payments, c.templates,
			c.effective, c.references, c.links, c.debited, c.debits, c.credited, c.credits)
		batch.Queue(probeBalances, partition, c.ids, c.tenants, c.codes, c.accountOwners, c.currencies, c.guarded, c.deltas)
		batch.Queue(probeHead, partition, c.next, make([]byte, 32))
	}, all)
}

func (c *probePart) account(id [16]byte, code, owner string, guarded bool, delta int64) {
	c.ids, c.tenants, c.codes = append(c.ids, id), append(c.tenants, tenant), append(c.codes, code)
	c.accountOwners, c.currencies = append(c.accountOwners, owner), append(c.currencies, "EUR")
	c.guarded, c.deltas = append(c.guarded, guarded), append(c.deltas, delta)
}

func (c *probePart) reset() {
	c.positions, c.ordinals, c.booked = c.positions[:0], c.ordinals[:0], c.booked[:0]
	c.payments, c.templates = c.payments[:0], c.templates[:0]
	c.effective, c.references, c.links = c.effective[:0], c.references[:0], c.links[:0]
	c.debited, c.debits, c.credited, c.credits = c.debited[:0], c.debits[:0], c.credited[:0], c.credits[:0]
	c.ids, c.tenants, c.codes = c.ids[:0], c.tenants[:0], c.codes[:0]
	c.accountOwners, c.currencies = c.accountOwners[:0], c.currencies[:0]
	c.guarded, c.deltas = c.guarded[:0], c.deltas[:0]
}
