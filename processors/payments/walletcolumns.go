package payments

import (
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/processors/payments/gaming"
	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/topics"
)

// walletColumns are the rows of wallets, holds and rounds that a batch writes, column by column.
type walletColumns struct {
	wallets partColumns
	names   []string // of currencies
	closed  []*int64

	holds     partColumns
	ids       []uuid.UUID
	regions   []string
	currency  []string
	amounts   []int64
	captured  []int64
	released  []int64
	expiresAt []*time.Time

	rounds     partColumns
	roundIDs   []string
	roundMoney []string // currencies
	nets       []int64
	rolled     []bool

	limits  stateColumns
	sources stateColumns
}

// partColumns are what all three tables have.
type partColumns struct {
	keys      [][16]byte
	tenants   []string
	customers []string
	versions  []int64
	positions []string
}

func (c *partColumns) reset() {
	c.keys, c.tenants, c.customers, c.versions, c.positions = c.keys[:0], c.tenants[:0], c.customers[:0], c.versions[:0], c.positions[:0]
}

// addPart adds a changed part, with its version as columns.payment has it.
func addPart[T wallets.Wallet | wallets.Hold | wallets.Round | gaming.State](c *partColumns, p *part[T]) {
	version := p.version
	if !p.stored {
		version = p.positions[len(p.positions)-1]
	}
	c.keys = append(c.keys, p.key)
	c.tenants = append(c.tenants, p.customer.tenant)
	c.customers = append(c.customers, p.customer.id)
	c.versions = append(c.versions, version)
	c.positions = append(c.positions, arrayOf(p.positions))
}

// add fills the columns anew; the timers of holds go to those of payments.
func (c *changed) add(to *walletColumns, timers *columns) {
	to.reset()
	for _, h := range c.holders {
		addPart(&to.wallets, &h.part)
		to.names = append(to.names, wallets.Names(h.state.Currencies))
		var closed *int64
		if h.state.Closed {
			closed = &h.closed
		}
		to.closed = append(to.closed, closed)
	}
	for _, h := range c.holds {
		to.hold(h)
		timers.hold(h)
	}
	for _, r := range c.rounds {
		addPart(&to.rounds, r)
		to.roundIDs = append(to.roundIDs, r.state.ID)
		to.roundMoney = append(to.roundMoney, string(r.state.Currency))
		to.nets = append(to.nets, r.state.Net)
		to.rolled = append(to.rolled, r.state.RolledBack)
	}
	for _, l := range c.limits {
		addState(&to.limits, l, encodeLimits(l))
	}
	var buffer []byte
	for _, p := range c.sources {
		buffer = p.state.Append(buffer[:0])
		addState(&to.sources, p, buffer)
	}
}

func (c *walletColumns) reset() {
	c.wallets.reset()
	c.holds.reset()
	c.rounds.reset()
	c.limits.reset()
	c.sources.reset()
	c.names, c.closed = c.names[:0], c.closed[:0]
	c.ids, c.regions, c.currency, c.amounts = c.ids[:0], c.regions[:0], c.currency[:0], c.amounts[:0]
	c.captured, c.released, c.expiresAt = c.captured[:0], c.released[:0], c.expiresAt[:0]
	c.roundIDs, c.roundMoney, c.nets, c.rolled = c.roundIDs[:0], c.roundMoney[:0], c.nets[:0], c.rolled[:0]
}

func (c *walletColumns) hold(p *part[wallets.Hold]) {
	addPart(&c.holds, p)
	h := &p.state
	c.ids = append(c.ids, uuid.FromStringOrNil(h.ID))
	c.regions = append(c.regions, h.Region)
	c.currency = append(c.currency, string(h.Currency))
	c.amounts = append(c.amounts, h.Amount)
	c.captured = append(c.captured, h.Captured)
	c.released = append(c.released, h.Released)
	var expires *time.Time
	if !h.ExpiresAt.IsZero() {
		expires = &h.ExpiresAt
	}
	c.expiresAt = append(c.expiresAt, expires)
}

// hold adds or drops the one timer of a hold.
func (c *columns) hold(p *part[wallets.Hold]) {
	switch waits := p.state.Waits(); {
	case waits == p.timed:
	case waits:
		t := &c.timers
		t.payments = append(t.payments, p.key)
		t.due = append(t.due, p.state.ExpiresAt)
		t.kinds = append(t.kinds, string(topics.TimerHoldExpire))
		t.generations = append(t.generations, wallets.Generation)
		t.tenants = append(t.tenants, p.customer.tenant)
		t.customers = append(t.customers, p.customer.id)
	default:
		c.disarmed = append(c.disarmed, p.key)
	}
}

// The version checks are those of upsertPayments.
const (
	upsertWallets = `INSERT INTO wallets (partition, id, tenant, customer, currencies, closed, version, positions)
SELECT $1::int4, id, tenant, customer, currencies, closed, version, positions::int8[]
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::int8[], $8::text[])
	AS w(id, tenant, customer, currencies, closed, version, positions)
ON CONFLICT (partition, id) DO UPDATE SET currencies = excluded.currencies, closed = excluded.closed,
	positions = wallets.positions || excluded.positions,
	version = CASE WHEN wallets.version = excluded.version
		THEN excluded.positions[array_length(excluded.positions, 1)]
		ELSE (SELECT v FROM unnest(ARRAY[excluded.version, wallets.version]) AS two(v)) END`

	upsertHolds = `INSERT INTO holds (partition, id, hold, tenant, customer, region, currency, amount, captured, released, expires_at, version, positions)
SELECT $1::int4, id, hold, tenant, customer, region, currency, amount, captured, released, expires_at, version, positions::int8[]
FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int8[], $9::int8[], $10::int8[],
	$11::timestamptz[], $12::int8[], $13::text[])
	AS h(id, hold, tenant, customer, region, currency, amount, captured, released, expires_at, version, positions)
ON CONFLICT (partition, id) DO UPDATE SET captured = excluded.captured, released = excluded.released,
	positions = holds.positions || excluded.positions,
	version = CASE WHEN holds.version = excluded.version
		THEN excluded.positions[array_length(excluded.positions, 1)]
		ELSE (SELECT v FROM unnest(ARRAY[excluded.version, holds.version]) AS two(v)) END`

	upsertRounds = `INSERT INTO rounds (partition, id, tenant, customer, round, currency, net, rolled_back, version, positions)
SELECT $1::int4, id, tenant, customer, round, currency, net, rolled_back, version, positions::int8[]
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int8[], $8::bool[], $9::int8[], $10::text[])
	AS r(id, tenant, customer, round, currency, net, rolled_back, version, positions)
ON CONFLICT (partition, id) DO UPDATE SET currency = excluded.currency, net = excluded.net, rolled_back = excluded.rolled_back,
	positions = rounds.positions || excluded.positions,
	version = CASE WHEN rounds.version = excluded.version
		THEN excluded.positions[array_length(excluded.positions, 1)]
		ELSE (SELECT v FROM unnest(ARRAY[excluded.version, rounds.version]) AS two(v)) END`
)

func (c *walletColumns) queue(batch *pgx.Batch, partition int32) {
	if p := &c.wallets; len(p.keys) > 0 {
		batch.Queue(upsertWallets, partition, p.keys, p.tenants, p.customers, c.names, c.closed, p.versions, p.positions)
	}
	if p := &c.holds; len(p.keys) > 0 {
		batch.Queue(upsertHolds, partition, p.keys, c.ids, p.tenants, p.customers, c.regions, c.currency, c.amounts, c.captured,
			c.released, c.expiresAt, p.versions, p.positions)
	}
	if p := &c.rounds; len(p.keys) > 0 {
		batch.Queue(upsertRounds, partition, p.keys, p.tenants, p.customers, c.roundIDs, c.roundMoney, c.nets, c.rolled, p.versions, p.positions)
	}
	c.limits.queue(batch, upsertLimits, partition)
	c.sources.queue(batch, upsertSources, partition)
}
