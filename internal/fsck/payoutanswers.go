package fsck

import (
	"context"
	"fmt"

	"github.com/weirhq/weir/processors/payments/payouts"
)

// payoutAnswers compares answers of one partition with the payouts that they name.
func (p *partitionCheck) payoutAnswers(ctx context.Context, answers []answer) error {
	ids := make([][16]byte, len(answers))
	for i := range answers {
		ids[i] = answers[i].payout.UUID
	}
	type row struct {
		Place            int64
		Tenant, Customer *string
		State            []byte
	}
	rows, err := collect[row](ctx, p.checker, `
SELECT wanted.place, p.tenant, p.customer, p.state FROM unnest($2::uuid[]) WITH ORDINALITY AS wanted(id, place)
LEFT JOIN LATERAL (SELECT tenant, customer, state FROM payouts WHERE partition = $1 AND id = wanted.id LIMIT 1) AS p ON true`,
		p.snapshot.partition, ids)
	if err != nil {
		return fmt.Errorf("look payouts of answers up: %w", err)
	}
	for _, r := range rows {
		a := &answers[r.Place-1]
		if r.Tenant == nil || *r.Tenant != a.Tenant {
			p.problem("answer", a.subject(), "it names payout %s, which its tenant does not have", a.payout)
			continue
		}
		payout, err := payouts.Decode(a.payout, *r.Tenant, *r.Customer, r.State)
		if err != nil {
			continue // said of the payout
		}
		if a.CustomerID != payout.Customer || a.Amount != payout.Amount || a.Currency != string(payout.Currency) {
			p.problem("answer", a.subject(), "it says %d %s for %s; payout %s is of %d %s for %s", a.Amount, a.Currency, a.CustomerID,
				a.payout, payout.Amount, payout.Currency, payout.Customer)
		}
	}
	return nil
}
