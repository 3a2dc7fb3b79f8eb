package fsck

import (
	"context"
	"fmt"

	"github.com/weirhq/weir/processors/payments/disputes"
)

// disputeAnswers compares answers of one partition with the disputes that they name. What is disputed, and the PSP's status, may
// have changed since.
func (p *partitionCheck) disputeAnswers(ctx context.Context, answers []answer) error {
	ids := make([][16]byte, len(answers))
	for i := range answers {
		ids[i] = answers[i].dispute.UUID
	}
	type row struct {
		Place            int64
		Tenant, Customer *string
		State            []byte
	}
	rows, err := collect[row](ctx, p.checker, `
SELECT wanted.place, p.tenant, p.customer, p.state FROM unnest($2::uuid[]) WITH ORDINALITY AS wanted(id, place)
LEFT JOIN LATERAL (SELECT tenant, customer, state FROM disputes WHERE partition = $1 AND id = wanted.id LIMIT 1) AS p ON true`,
		p.snapshot.partition, ids)
	if err != nil {
		return fmt.Errorf("look disputes of answers up: %w", err)
	}
	for _, r := range rows {
		a := &answers[r.Place-1]
		if r.Tenant == nil || *r.Tenant != a.Tenant {
			p.problem("answer", a.subject(), "it names dispute %s, which its tenant does not have", a.dispute)
			continue
		}
		dispute, err := disputes.Decode(a.dispute, *r.Tenant, *r.Customer, r.State)
		if err != nil {
			continue // said of the dispute
		}
		if a.CustomerID != dispute.Customer || a.Currency != string(dispute.Currency) || a.DisputedID != dispute.Payment {
			p.problem("answer", a.subject(), "it says payment %s of %s in %s; dispute %s is of payment %s of %s in %s", a.DisputedID, a.CustomerID,
				a.Currency, a.dispute, dispute.Payment, dispute.Customer, dispute.Currency)
		}
	}
	return nil
}
