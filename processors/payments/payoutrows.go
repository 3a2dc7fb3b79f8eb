package payments

import (
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/processors/payments/payouts"
	"github.com/weirhq/weir/topics"
)

var lookUpPayouts = database.NewLookup("id, tenant, customer, version, state", "payouts")

// wantPayout asks for what an input for a payout names by itself.
func (s *partition) wantPayout(w *payoutInput, want *wanted) {
	if w.id == (topics.PayoutID{}) {
		return
	}
	s.wantPayoutOf(w.id, want)
	if customer, ok := w.creates(); ok {
		s.wantBalance(w.customer, customer.Currency, want)
		s.wantSources(w.customer, want)
	}
}

func (s *partition) wantPayoutOf(id topics.PayoutID, want *wanted) {
	if _, ok := s.payouts.get(id.UUID); !ok {
		s.payouts.put(id.UUID, &heldPayout{}, 0)
		want.payouts = append(want.payouts, id.UUID)
	}
}

// wantPaidOut asks for what the customer has whose payout an input concerns. What the batch itself creates is asked for by
// what creates it.
func (s *partition) wantPaidOut(w *payoutInput, want *wanted) {
	if h, _ := s.payouts.get(w.id.UUID); h != nil && h.Payout != nil {
		customer := customerKey{h.Tenant, h.Customer}
		s.wantBalance(customer, h.Currency, want)
		s.wantSources(customer, want)
	}
}

func (s *partition) readPayouts(rows pgx.Rows) error {
	var id [16]byte
	var tenant, customer string
	var version int64
	var state []byte
	_, err := pgx.ForEachRow(rows, []any{&id, &tenant, &customer, &version, &state}, func() error {
		p, err := payouts.Decode(topics.PayoutID{Partition: s.number, UUID: id}, tenant, customer, state)
		if err != nil {
			return err
		}
		s.payouts.put(id, &heldPayout{Payout: p, version: version, stored: true, timer: p.Timer}, sizeOfPayout(state))
		return nil
	})
	return err
}

// sizeOfPayout is about how many bytes a payout takes in memory.
func sizeOfPayout(state []byte) int { return 600 + 2*len(state) }

// payoutColumns are the rows of payouts that a batch writes, column by column.
type payoutColumns struct {
	keys       [][16]byte
	tenants    []string
	customers  []string
	currencies []string
	statuses   []string
	reserved   []int64
	versions   []int64
	positions  []string
	states     []string
}

func (c *payoutColumns) reset() {
	c.keys, c.tenants, c.customers, c.currencies = c.keys[:0], c.tenants[:0], c.customers[:0], c.currencies[:0]
	c.statuses, c.reserved, c.versions, c.positions, c.states = c.statuses[:0], c.reserved[:0], c.versions[:0], c.positions[:0], c.states[:0]
}

// add adds a changed payout, with its version as columns.payment has it; its timer goes to those of payments.
func (c *payoutColumns) add(h *heldPayout, timers *columns) {
	version := h.version
	if !h.stored {
		version = h.positions[len(h.positions)-1]
	}
	state, err := h.Encode()
	if err != nil {
		panic(fmt.Sprintf("payments: payout %s: %v", h.ID, err))
	}
	c.keys = append(c.keys, h.ID.UUID)
	c.tenants = append(c.tenants, h.Tenant)
	c.customers = append(c.customers, h.Customer)
	c.currencies = append(c.currencies, string(h.Currency))
	c.statuses = append(c.statuses, string(h.Status()))
	c.reserved = append(c.reserved, h.Reserved())
	c.versions = append(c.versions, version)
	c.positions = append(c.positions, arrayOf(h.positions))
	c.states = append(c.states, string(state))
	timers.timer(h.ID.UUID, h.Tenant, h.Customer, h.timer, h.Timer)
}

// The version check is that of upsertPayments.
const upsertPayouts = `INSERT INTO payouts (partition, id, tenant, customer, currency, status, reserved, version, positions, state)
SELECT $1::int4, id, tenant, customer, currency, status, reserved, version, positions::int8[], state
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int8[], $8::int8[], $9::text[], $10::text[])
	AS p(id, tenant, customer, currency, status, reserved, version, positions, state)
ON CONFLICT (partition, id) DO UPDATE SET status = excluded.status, reserved = excluded.reserved, state = excluded.state,
	positions = payouts.positions || excluded.positions,
	version = CASE WHEN payouts.version = excluded.version
		THEN excluded.positions[array_length(excluded.positions, 1)]
		ELSE (SELECT v FROM unnest(ARRAY[excluded.version, payouts.version]) AS two(v)) END`

func (c *payoutColumns) queue(batch *pgx.Batch, partition int32) {
	if len(c.keys) > 0 {
		batch.Queue(upsertPayouts, partition, c.keys, c.tenants, c.customers, c.currencies, c.statuses, c.reserved, c.versions, c.positions, c.states)
	}
}

// writePayouts fills the columns of the payouts that the batch changed.
func (s *partition) writePayouts() {
	s.payoutColumns.reset()
	for _, h := range s.dirtyPayouts {
		s.payoutColumns.add(h, &s.columns)
	}
}

// writtenPayouts forgets the batch's.
func (s *partition) writtenPayouts() {
	for i, h := range s.dirtyPayouts {
		h.stored, h.version, h.timer = true, h.positions[len(h.positions)-1], h.Timer
		h.positions = nil
		s.payouts.put(h.ID.UUID, h, sizeOfPayout([]byte(s.payoutColumns.states[i])))
	}
	s.dirtyPayouts = s.dirtyPayouts[:0]
	s.payouts.trim(nil)
}
