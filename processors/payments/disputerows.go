package payments

import (
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/processors/payments/disputes"
	"github.com/weirhq/weir/topics"
)

var lookUpDisputes = database.NewLookup("id, tenant, customer, version, state", "disputes")

func (s *partition) wantDispute(id topics.DisputeID, want *wanted) {
	if id == (topics.DisputeID{}) {
		return
	}
	if _, ok := s.disputes.get(id.UUID); !ok {
		s.disputes.put(id.UUID, &heldDispute{}, 0)
		want.disputes = append(want.disputes, id.UUID)
	}
}

// wantDisputed asks for the payment that an input for a dispute is about and, where a report may book, for what its customer
// has. A payment that the batch itself opens is asked for by what opens it.
func (s *partition) wantDisputed(in *input, want *wanted) {
	if in.dispute.Report != nil {
		s.wantBooked(in, want)
		return
	}
	if key := s.disputed(in); key != (paymentKey{}) {
		s.wantPayment(key, want)
	}
}

func (s *partition) wantPayment(key paymentKey, want *wanted) {
	if _, ok := s.payments.get(key); !ok {
		s.payments.put(key, &held{}, 0)
		want.payments = append(want.payments, key)
	}
}

func (s *partition) readDisputes(rows pgx.Rows) error {
	var id [16]byte
	var tenant, customer string
	var version int64
	var state []byte
	_, err := pgx.ForEachRow(rows, []any{&id, &tenant, &customer, &version, &state}, func() error {
		p, err := disputes.Decode(topics.DisputeID{Partition: s.number, UUID: id}, tenant, customer, state)
		if err != nil {
			return err
		}
		s.disputes.put(id, &heldDispute{Dispute: p, version: version, stored: true, timer: p.Timer}, sizeOfDispute(state))
		return nil
	})
	return err
}

// sizeOfDispute is about how many bytes a dispute takes in memory.
func sizeOfDispute(state []byte) int { return 800 + 2*len(state) }

// disputeColumns are the rows of disputes that a batch writes, column by column.
type disputeColumns struct {
	keys       [][16]byte
	tenants    []string
	customers  []string
	payments   [][16]byte
	currencies []string
	statuses   []string
	taken      []int64
	due        []*time.Time
	opened     []time.Time
	versions   []int64
	positions  []string
	states     []string
}

func (c *disputeColumns) reset() {
	c.keys, c.tenants, c.customers, c.payments, c.currencies = c.keys[:0], c.tenants[:0], c.customers[:0], c.payments[:0], c.currencies[:0]
	c.statuses, c.taken, c.due, c.opened = c.statuses[:0], c.taken[:0], c.due[:0], c.opened[:0]
	c.versions, c.positions, c.states = c.versions[:0], c.positions[:0], c.states[:0]
}

// add adds a changed dispute, with its version as columns.payment has it; its timer goes to those of payments.
func (c *disputeColumns) add(h *heldDispute, timers *columns) {
	version := h.version
	if !h.stored {
		version = h.positions[len(h.positions)-1]
	}
	state, err := h.Encode()
	if err != nil {
		panic(fmt.Sprintf("payments: dispute %s: %v", h.ID, err))
	}
	payment, err := topics.ParsePaymentID(h.Payment)
	if err != nil {
		panic(fmt.Sprintf("payments: dispute %s: %v", h.ID, err))
	}
	var due *time.Time
	if !h.EvidenceDue.IsZero() {
		due = &h.EvidenceDue
	}
	c.keys = append(c.keys, h.ID.UUID)
	c.tenants = append(c.tenants, h.Tenant)
	c.customers = append(c.customers, h.Customer)
	c.payments = append(c.payments, payment.UUID)
	c.currencies = append(c.currencies, string(h.Currency))
	c.statuses = append(c.statuses, string(h.Status()))
	c.taken = append(c.taken, h.Taken())
	c.due = append(c.due, due)
	c.opened = append(c.opened, h.OpenedAt)
	c.versions = append(c.versions, version)
	c.positions = append(c.positions, arrayOf(h.positions))
	c.states = append(c.states, string(state))
	timers.timer(h.ID.UUID, h.Tenant, h.Customer, h.timer, h.Timer)
}

// The version check is that of upsertPayments.
const upsertDisputes = `INSERT INTO disputes (partition, id, tenant, customer, payment, currency, status, taken, due, opened, version, positions, state)
SELECT $1::int4, id, tenant, customer, payment, currency, status, taken, due, opened, version, positions::int8[], state
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::int8[], $9::timestamptz[], $10::timestamptz[], $11::int8[], $12::text[], $13::text[])
	AS p(id, tenant, customer, payment, currency, status, taken, due, opened, version, positions, state)
ON CONFLICT (partition, id) DO UPDATE SET status = excluded.status, taken = excluded.taken, due = excluded.due, state = excluded.state,
	positions = disputes.positions || excluded.positions,
	version = CASE WHEN disputes.version = excluded.version
		THEN excluded.positions[array_length(excluded.positions, 1)]
		ELSE (SELECT v FROM unnest(ARRAY[excluded.version, disputes.version]) AS two(v)) END`

func (c *disputeColumns) queue(batch *pgx.Batch, partition int32) {
	if len(c.keys) > 0 {
		batch.Queue(upsertDisputes, partition, c.keys, c.tenants, c.customers, c.payments, c.currencies, c.statuses, c.taken, c.due, c.opened,
			c.versions, c.positions, c.states)
	}
}

// writeDisputes fills the columns of the disputes that the batch changed.
func (s *partition) writeDisputes() {
	s.disputeColumns.reset()
	for _, h := range s.dirtyDisputes {
		s.disputeColumns.add(h, &s.columns)
	}
}

// writtenDisputes forgets the batch's.
func (s *partition) writtenDisputes() {
	for i, h := range s.dirtyDisputes {
		h.stored, h.version, h.timer = true, h.positions[len(h.positions)-1], h.Timer
		h.positions = nil
		s.disputes.put(h.ID.UUID, h, sizeOfDispute([]byte(s.disputeColumns.states[i])))
	}
	s.dirtyDisputes = s.dirtyDisputes[:0]
	s.disputes.trim(nil)
}
