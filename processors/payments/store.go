package payments

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

var lookUpPayments = database.NewLookup("id, tenant, customer, version, state", "payments")

// Load reads in one round trip which inputs were folded before and, of what memory lacks, the payments, wallets, holds,
// rounds and balances that the records name; in a second one the balances and wallets that only these can tell.
func (s *partition) Load(ctx context.Context, records []stream.Record) error {
	var want wanted
	var closings []*input
	clear(s.inputs)
	clear(s.created)
	for i := range records {
		in := s.decode(&records[i])
		s.inputs[records[i].Position] = in
		if in.err != nil {
			continue
		}
		s.limited = s.limited || in.limits()
		if in.id != (inputID{}) {
			want.inputs = append(want.inputs, in.id)
		}
		if in.wallet.is() {
			s.wantWallet(&in.wallet, &want)
			continue
		}
		if in.payout.is() {
			s.wantPayout(&in.payout, &want)
			continue
		}
		if in.link.is() {
			s.wantLink(in.link.id.UUID, &want)
			continue
		}
		if in.dispute.is() {
			s.wantDispute(in.dispute.id, &want)
			if in.payment != (paymentKey{}) {
				s.wantPayment(in.payment, &want)
			}
			continue
		}
		if in.closing != nil {
			closings = append(closings, in)
			continue
		}
		if in.event != nil {
			continue
		}
		if in.customer != nil {
			s.wantCustomer(wallets.Key(in.customer.Tenant, in.customer.CustomerID), &want)
			continue
		}
		if in.payment == (paymentKey{}) {
			continue
		}
		if customer, ok := s.creates(in); ok {
			if link := in.Command.Command.LinkID; link != "" {
				s.wantLink(s.namedLink(link).UUID, &want)
			}
			s.wantBalance(customerKey{customer.Tenant, customer.ID}, customer.Currency, &want)
			if s.created[in.payment] == (ledger.Customer{}) {
				s.created[in.payment] = customer
			}
		}
		s.wantPayment(in.payment, &want)
	}
	if err := s.read(ctx, &want); err != nil {
		return err
	}
	var rest wanted
	for i := range records {
		if in := s.inputs[records[i].Position]; in.err == nil && in.wallet.is() {
			s.wantRest(&in.wallet, &rest)
		} else if in.err == nil && in.payout.is() {
			s.wantPaidOut(&in.payout, &rest)
		} else if in.err == nil && in.dispute.is() {
			s.wantDisputed(in, &rest)
		} else if in.err == nil {
			s.wantBooked(in, &rest)
			s.wantMandate(in, &rest)
		}
	}
	if err := s.read(ctx, &rest); err != nil {
		return err
	}
	return s.loadClosings(ctx, closings)
}

func (s *partition) readPayments(rows pgx.Rows) error {
	var id [16]byte
	var key lifecycle.Key
	var version int64
	var state []byte
	_, err := pgx.ForEachRow(rows, []any{&id, &key.Tenant, &key.Customer, &version, &state}, func() error {
		key.ID = topics.PaymentID{Partition: s.number, UUID: id}
		p, err := lifecycle.Decode(key, state)
		if err != nil {
			return err
		}
		s.payments.put(id, &held{Payment: p, version: version, stored: true, timer: p.Timer}, sizeOf(p))
		return nil
	})
	return err
}

// creates says whose payment a command may create, in its currency; ok is false where it is no such command, or refused as it
// stands.
func (s *partition) creates(in *input) (c ledger.Customer, ok bool) {
	if in.Command == nil || in.Command.Refusal != nil || in.refused != "" || in.Command.Command.Type != topics.CommandCreate {
		return c, false
	}
	command := &in.Command.Command
	return ledger.Customer{Tenant: command.Tenant, ID: customerOf(command, in.id.id), Currency: ledger.Currency(command.Currency)}, true
}

// wantBooked asks for the payment link that a payment is by, and for what the customer has on whom its input may
// book. Only reports book; of commands only some read what the customer has.
func (s *partition) wantBooked(in *input, want *wanted) {
	s.wantLinkOf(in, want)
	if s.limited {
		s.wantCounted(in, want)
	}
	if in.payment == (paymentKey{}) || in.Timer != nil || in.Review != nil || (in.Command != nil && !in.reads()) {
		return
	}
	customer, ok := s.created[in.payment]
	if h, _ := s.payments.get(in.payment); h.Payment != nil {
		customer, ok = h.Ledger(), true
	}
	if ok {
		key := customerKey{customer.Tenant, customer.ID}
		s.wantBalance(key, customer.Currency, want)
		s.wantSources(key, want)
	}
}

// columns are the rows that a batch writes, column by column.
type columns struct {
	ids       [][16]byte
	tenants   []string
	customers []string
	statuses  []string
	versions  []int64
	positions []string
	states    [][]byte
	buffer    []byte // of states

	timers   timerColumns
	disarmed [][16]byte
}

type timerColumns struct {
	payments    [][16]byte
	due         []time.Time
	kinds       []string
	generations []int64
	tenants     []string
	customers   []string
}

func (c *columns) reset() {
	c.ids, c.tenants, c.customers, c.statuses = c.ids[:0], c.tenants[:0], c.customers[:0], c.statuses[:0]
	c.versions, c.positions, c.states, c.buffer = c.versions[:0], c.positions[:0], c.states[:0], c.buffer[:0]
	c.disarmed = c.disarmed[:0]
	t := &c.timers
	t.payments, t.due, t.kinds = t.payments[:0], t.due[:0], t.kinds[:0]
	t.generations, t.tenants, t.customers = t.generations[:0], t.tenants[:0], t.customers[:0]
}

// payment adds a changed payment. The version of a row that exists is the one it must have now; the new one is the last
// of the positions that are added to it.
func (c *columns) payment(h *held) {
	version := h.version
	if !h.stored {
		version = h.positions[len(h.positions)-1]
	}
	start := len(c.buffer)
	c.buffer = h.Append(c.buffer)
	c.ids = append(c.ids, h.ID.UUID)
	c.tenants = append(c.tenants, h.Tenant)
	c.customers = append(c.customers, h.Customer)
	c.statuses = append(c.statuses, string(h.Status()))
	c.versions = append(c.versions, version)
	c.positions = append(c.positions, arrayOf(h.positions))
	c.states = append(c.states, c.buffer[start:len(c.buffer):len(c.buffer)])
	c.timer(h.ID.UUID, h.Tenant, h.Customer, h.timer, h.Timer)
}

// timer adds or drops the one timer of a payment or a payout, by its key.
func (c *columns) timer(key [16]byte, tenant, customer string, stored, now topics.TimerChange) {
	switch {
	case now.Generation == stored.Generation:
	case now.Kind != "":
		t := &c.timers
		t.payments = append(t.payments, key)
		t.due = append(t.due, now.Due)
		t.kinds = append(t.kinds, string(now.Kind))
		t.generations = append(t.generations, now.Generation)
		t.tenants = append(t.tenants, tenant)
		t.customers = append(t.customers, customer)
	case stored.Kind != "":
		c.disarmed = append(c.disarmed, key)
	}
}

// arrayOf spells an array of integers as SQL reads it: an array of arrays cannot be a parameter of unnest.
func arrayOf(positions []int64) string {
	b := make([]byte, 0, 24)
	b = append(b, '{')
	for i, position := range positions {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, position, 10)
	}
	return string(append(b, '}'))
}

const (
	// The version check is the second line behind the fence. A row of another version than memory has makes the statement
	// fail with 21000 (a subquery of two rows), which no record is blamed for: the state is opened again from what is stored.
	upsertPayments = `INSERT INTO payments (partition, id, tenant, customer, status, version, positions, state)
SELECT $1::int4, id, tenant, customer, status, version, positions::int8[], state
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::text[], $8::bytea[])
	AS p(id, tenant, customer, status, version, positions, state)
ON CONFLICT (partition, id) DO UPDATE SET status = excluded.status, state = excluded.state,
	positions = payments.positions || excluded.positions,
	version = CASE WHEN payments.version = excluded.version
		THEN excluded.positions[array_length(excluded.positions, 1)]
		ELSE (SELECT v FROM unnest(ARRAY[excluded.version, payments.version]) AS two(v)) END`

	upsertTimers = `INSERT INTO timers (partition, payment, due, kind, generation, tenant, customer)
SELECT $1::int4, payment, due, kind, generation, tenant, customer
FROM unnest($2::uuid[], $3::timestamptz[], $4::text[], $5::int8[], $6::text[], $7::text[])
	AS t(payment, due, kind, generation, tenant, customer)
ON CONFLICT (partition, payment) DO UPDATE SET due = excluded.due, kind = excluded.kind, generation = excluded.generation`

	deleteTimer = `DELETE FROM timers WHERE partition = $1 AND payment = $2`
)

func (c *columns) queue(batch *pgx.Batch, partition int32) {
	if len(c.ids) > 0 {
		batch.Queue(upsertPayments, partition, c.ids, c.tenants, c.customers, c.statuses, c.versions, c.positions, c.states)
	}
	if t := &c.timers; len(t.payments) > 0 {
		batch.Queue(upsertTimers, partition, t.payments, t.due, t.kinds, t.generations, t.tenants, t.customers)
	}
	for _, payment := range c.disarmed {
		batch.Queue(deleteTimer, partition, payment)
	}
}

// sizeOf is about how many bytes a payment takes in memory.
func sizeOf(p *lifecycle.Payment) int {
	const fixed, perOperation, perText = 900, 176, 16
	n := fixed + perOperation*len(p.Operations) + len(p.Description) + len(p.ReturnURL) + len(p.MerchantReference)
	for k, v := range p.Metadata {
		n += 2*perText + len(k) + len(v)
	}
	return n
}
