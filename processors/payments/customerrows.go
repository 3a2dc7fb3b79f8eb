package payments

import (
	"fmt"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/topics"
)

var lookUpCustomers = database.NewLookup("id, version, state", "customers")

func (s *partition) wantCustomer(key uuid.UUID, want *wanted) {
	if _, ok := s.customers.get(key); !ok {
		s.customers.put(key, &heldCustomer{}, 0)
		want.customers = append(want.customers, key)
	}
}

func (s *partition) readCustomers(rows pgx.Rows) error {
	var id [16]byte
	var version int64
	var state []byte
	_, err := pgx.ForEachRow(rows, []any{&id, &version, &state}, func() error {
		record := new(topics.CustomerRecord)
		if err := topics.Unmarshal(state, record); err != nil {
			return fmt.Errorf("the record of customer %x: %w", id, err)
		}
		s.customers.put(id, &heldCustomer{CustomerRecord: record, version: version, stored: true}, sizeOfCustomer(len(state)))
		return nil
	})
	return err
}

// sizeOfCustomer is about how many bytes a record takes in memory.
func sizeOfCustomer(state int) int { return 500 + 2*state }

// customerColumns are the rows of customers' records that a batch writes, column by column, and the customers whose data keys it
// deletes.
type customerColumns struct {
	keys      [][16]byte
	tenants   []string
	customers []string
	versions  []int64
	positions []string
	states    []string
	erased    [][16]byte
}

func (c *customerColumns) reset() {
	c.keys, c.tenants, c.customers = c.keys[:0], c.tenants[:0], c.customers[:0]
	c.versions, c.positions, c.states = c.versions[:0], c.positions[:0], c.states[:0]
}

// add adds a changed record, with its version as columns.payment has it.
func (c *customerColumns) add(h *heldCustomer) {
	version := h.version
	if !h.stored {
		version = h.positions[len(h.positions)-1]
	}
	state, err := topics.Marshal(h.CustomerRecord)
	if err != nil {
		panic(fmt.Sprintf("payments: customer %s: %v", h.CustomerID, err))
	}
	c.keys = append(c.keys, wallets.Key(h.Tenant, h.CustomerID))
	c.tenants = append(c.tenants, h.Tenant)
	c.customers = append(c.customers, h.CustomerID)
	c.versions = append(c.versions, version)
	c.positions = append(c.positions, arrayOf(h.positions))
	c.states = append(c.states, string(state))
}

const (
	// The version check is that of upsertPayments.
	upsertCustomers = `INSERT INTO customers (partition, id, tenant, customer, version, positions, state)
SELECT $1::int4, id, tenant, customer, version, positions::int8[], state
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::int8[], $6::text[], $7::text[])
	AS c(id, tenant, customer, version, positions, state)
ON CONFLICT (partition, id) DO UPDATE SET state = excluded.state,
	positions = customers.positions || excluded.positions,
	version = CASE WHEN customers.version = excluded.version
		THEN excluded.positions[array_length(excluded.positions, 1)]
		ELSE (SELECT v FROM unnest(ARRAY[excluded.version, customers.version]) AS two(v)) END`

	deleteCustomerKey = `DELETE FROM customer_keys WHERE partition = $1 AND id = $2`
)

// queue writes the records, and deletes the data keys of those that were erased with them (C2). A crash before the commit leaves
// both as they were; the command is folded again.
func (c *customerColumns) queue(batch *pgx.Batch, partition int32) {
	if len(c.keys) > 0 {
		batch.Queue(upsertCustomers, partition, c.keys, c.tenants, c.customers, c.versions, c.positions, c.states)
	}
	for _, key := range c.erased {
		batch.Queue(deleteCustomerKey, partition, key)
	}
}

// writeCustomers fills the columns of the records that the batch changed.
func (s *partition) writeCustomers() {
	s.customerColumns.reset()
	for _, h := range s.dirtyCustomers {
		s.customerColumns.add(h)
	}
}

// writtenCustomers forgets the batch's.
func (s *partition) writtenCustomers() {
	for i, h := range s.dirtyCustomers {
		h.stored, h.version = true, h.positions[len(h.positions)-1]
		h.positions = nil
		s.customers.put(s.customerColumns.keys[i], h, sizeOfCustomer(len(s.customerColumns.states[i])))
	}
	s.dirtyCustomers = s.dirtyCustomers[:0]
	s.customerColumns.erased = s.customerColumns.erased[:0]
	s.customers.trim(nil)
}
