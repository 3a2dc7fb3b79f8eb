package payments

import (
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/processors/payments/lifecycle"
)

// referenceColumns are the rows of what PSPs call our payments, for webhooks that name a payment by nothing else. They are
// written with what the fold learnt them by: a crash leaves both or neither, and a webhook that comes before is parked.
type referenceColumns struct {
	psps, references, tenants []string
	payments                  [][16]byte
	positions                 []int64
}

func (c *referenceColumns) reset() {
	c.psps, c.references, c.tenants = c.psps[:0], c.references[:0], c.tenants[:0]
	c.payments, c.positions = c.payments[:0], c.positions[:0]
}

// learn notes a reference that the record at a position gave.
func (c *referenceColumns) learn(p *lifecycle.Payment, r lifecycle.Reference, position int64) {
	if !p.Knows(r) {
		return
	}
	c.psps, c.references, c.tenants = append(c.psps, r.PSP), append(c.references, r.Reference), append(c.tenants, p.Tenant)
	c.payments, c.positions = append(c.payments, p.ID.UUID), append(c.positions, position)
}

// A payment that has lost a reference to another one may learn it again: the first record counts.
const insertReferences = `INSERT INTO psp_references (partition, psp, reference, payment, tenant, position)
SELECT $1::int4, psp, reference, payment, tenant, position
FROM unnest($2::text[], $3::text[], $4::uuid[], $5::text[], $6::int8[]) AS r(psp, reference, payment, tenant, position)
ON CONFLICT (partition, psp, reference, payment) DO NOTHING`

func (c *referenceColumns) queue(batch *pgx.Batch, partition int32) {
	if len(c.psps) > 0 {
		batch.Queue(insertReferences, partition, c.psps, c.references, c.payments, c.tenants, c.positions)
	}
}
