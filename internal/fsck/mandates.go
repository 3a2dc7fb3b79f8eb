package fsck

import (
	"context"
	"fmt"

	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// mandateRow is a row of mandates, with the payment that it names where there is one of that customer.
type mandateRow struct {
	Tenant, Customer string
	Payment          [16]byte
	State            []byte
}

// mandates checks that each payment that set a mandate up is found by its customer, and that nothing else is.
func (p *partitionCheck) mandates(ctx context.Context) error {
	var last mandateRow
	for {
		rows, err := collect[mandateRow](ctx, p.checker, `
SELECT m.tenant, m.customer, m.payment, p.state FROM mandates m LEFT JOIN LATERAL (
	SELECT state FROM payments WHERE partition = m.partition AND id = m.payment AND tenant = m.tenant AND customer = m.customer LIMIT 1) p ON true
WHERE m.partition = $1 AND (m.tenant, m.customer, m.payment) > ($2, $3, $4)
ORDER BY m.tenant, m.customer, m.payment LIMIT $5`, p.snapshot.partition, last.Tenant, last.Customer, last.Payment, pageRows)
		if err != nil {
			return fmt.Errorf("read mandates: %w", err)
		}
		for i := range rows {
			p.mandate(&rows[i])
		}
		if len(rows) < pageRows {
			break
		}
		last = rows[len(rows)-1]
	}
	for id := range p.mandated {
		p.problem("mandate", "mandate "+id.MandateID(), "its payment set it up, but there is no row by which its customer's mandates are found")
	}
	return nil
}

func (p *partitionCheck) mandate(r *mandateRow) {
	id := topics.PaymentID{Partition: p.snapshot.partition, UUID: r.Payment}
	delete(p.mandated, id)
	subject := "mandate " + id.MandateID()
	if r.State == nil {
		p.problem("mandate", subject, "a row of %s %s names it, but the customer has no such payment", r.Tenant, r.Customer)
		return
	}
	of, err := lifecycle.Decode(lifecycle.Key{ID: id, Tenant: r.Tenant, Customer: r.Customer}, r.State)
	if err == nil && of.Mandate == nil { // one that does not decode is told of with the payments
		p.problem("mandate", subject, "a row names it, but its payment sets up none")
	}
}
