package payments

import (
	"fmt"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/processors/payments/links"
	"github.com/weirhq/weir/topics"
)

var lookUpLinks = database.NewLookup("id, tenant, customer, version, state", "payment_links")

func (s *partition) wantLink(key uuid.UUID, want *wanted) {
	if _, ok := s.links.get(key); !ok && key != uuid.Nil {
		s.links.put(key, &heldLink{}, 0)
		want.links = append(want.links, key)
	}
}

// wantLinkOf asks for the payment link that a payment in memory is by.
func (s *partition) wantLinkOf(in *input, want *wanted) {
	if h, _ := s.payments.get(in.payment); h != nil && h.Payment != nil {
		s.wantLink(h.Link, want)
	}
}

func (s *partition) readLinks(rows pgx.Rows) error {
	var id [16]byte
	var tenant, customer string
	var version int64
	var state []byte
	_, err := pgx.ForEachRow(rows, []any{&id, &tenant, &customer, &version, &state}, func() error {
		l, err := links.Decode(topics.LinkID{Partition: s.number, UUID: id}, tenant, customer, state)
		if err != nil {
			return err
		}
		s.links.put(id, &heldLink{Link: l, version: version, stored: true, timer: l.Timer}, sizeOfLink(state))
		return nil
	})
	return err
}

// sizeOfLink is about how many bytes a link takes in memory.
func sizeOfLink(state []byte) int { return 500 + 2*len(state) }

// linkColumns are the rows of links that a batch writes, column by column.
type linkColumns struct {
	keys      [][16]byte
	tenants   []string
	customers []string
	statuses  []string
	versions  []int64
	positions []string
	states    []string
}

func (c *linkColumns) reset() {
	c.keys, c.tenants, c.customers, c.statuses = c.keys[:0], c.tenants[:0], c.customers[:0], c.statuses[:0]
	c.versions, c.positions, c.states = c.versions[:0], c.positions[:0], c.states[:0]
}

// add adds a changed link, with its version as columns.payment has it; its timer goes to those of payments.
func (c *linkColumns) add(h *heldLink, timers *columns) {
	version := h.version
	if !h.stored {
		version = h.positions[len(h.positions)-1]
	}
	state, err := h.Encode()
	if err != nil {
		panic(fmt.Sprintf("payments: link %s: %v", h.ID, err))
	}
	c.keys = append(c.keys, h.ID.UUID)
	c.tenants = append(c.tenants, h.Tenant)
	c.customers = append(c.customers, h.Customer)
	c.statuses = append(c.statuses, string(h.Status()))
	c.versions = append(c.versions, version)
	c.positions = append(c.positions, arrayOf(h.positions))
	c.states = append(c.states, string(state))
	timers.timer(h.ID.UUID, h.Tenant, h.Customer, h.timer, h.Timer)
}

// The version check is that of upsertPayments.
const upsertLinks = `INSERT INTO payment_links (partition, id, tenant, customer, status, version, positions, state)
SELECT $1::int4, id, tenant, customer, status, version, positions::int8[], state
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::text[], $8::text[])
	AS l(id, tenant, customer, status, version, positions, state)
ON CONFLICT (partition, id) DO UPDATE SET status = excluded.status, state = excluded.state,
	positions = payment_links.positions || excluded.positions,
	version = CASE WHEN payment_links.version = excluded.version
		THEN excluded.positions[array_length(excluded.positions, 1)]
		ELSE (SELECT v FROM unnest(ARRAY[excluded.version, payment_links.version]) AS two(v)) END`

func (c *linkColumns) queue(batch *pgx.Batch, partition int32) {
	if len(c.keys) > 0 {
		batch.Queue(upsertLinks, partition, c.keys, c.tenants, c.customers, c.statuses, c.versions, c.positions, c.states)
	}
}

// writeLinks fills the columns of the links that the batch changed.
func (s *partition) writeLinks() {
	s.linkColumns.reset()
	for _, h := range s.dirtyLinks {
		s.linkColumns.add(h, &s.columns)
	}
}

// writtenLinks forgets the batch's.
func (s *partition) writtenLinks() {
	for i, h := range s.dirtyLinks {
		h.stored, h.version, h.timer = true, h.positions[len(h.positions)-1], h.Timer
		h.positions = nil
		s.links.put(h.ID.UUID, h, sizeOfLink([]byte(s.linkColumns.states[i])))
	}
	s.dirtyLinks = s.dirtyLinks[:0]
	s.links.trim(nil)
}
