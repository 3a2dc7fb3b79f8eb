package fsck

import (
	"context"
	"fmt"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/processors/payments/disputes"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/payments/links"
	"github.com/weirhq/weir/processors/payments/payouts"
)

// Answers of one partition are compared with what they name. A row that does not decode is told of with its own kind.

func (p *partitionCheck) paymentAnswers(ctx context.Context, answers []answer) error {
	return p.named(ctx, "payments", "payment", answers, func(a *answer) (fmt.Stringer, uuid.UUID) { return a.payment, a.payment.UUID },
		func(a *answer, tenant, customer string, state []byte) string {
			payment, err := lifecycle.Decode(lifecycle.Key{ID: a.payment, Tenant: tenant, Customer: customer}, state)
			if err != nil {
				return ""
			}
			difference := a.differs(payment)
			if difference != "" {
				difference += " of payment " + a.payment.String()
			}
			return difference
		})
}

func (p *partitionCheck) payoutAnswers(ctx context.Context, answers []answer) error {
	return p.named(ctx, "payouts", "payout", answers, func(a *answer) (fmt.Stringer, uuid.UUID) { return a.payout, a.payout.UUID },
		func(a *answer, tenant, customer string, state []byte) string {
			payout, err := payouts.Decode(a.payout, tenant, customer, state)
			if err != nil || a.CustomerID == payout.Customer && a.Amount == payout.Amount && a.Currency == string(payout.Currency) {
				return ""
			}
			return fmt.Sprintf("it says %d %s for %s; payout %s is of %d %s for %s", a.Amount, a.Currency, a.CustomerID,
				a.payout, payout.Amount, payout.Currency, payout.Customer)
		})
}

func (p *partitionCheck) linkAnswers(ctx context.Context, answers []answer) error {
	return p.named(ctx, "payment_links", "payment link", answers, func(a *answer) (fmt.Stringer, uuid.UUID) { return a.link, a.link.UUID },
		func(a *answer, tenant, customer string, state []byte) string {
			link, err := links.Decode(a.link, tenant, customer, state)
			if err != nil || a.CustomerID == link.Customer && a.Amount == link.Amount && a.Currency == string(link.Currency) {
				return ""
			}
			return fmt.Sprintf("it says %d %s for %s; payment link %s is of %d %s for %s", a.Amount, a.Currency, a.CustomerID,
				a.link, link.Amount, link.Currency, link.Customer)
		})
}

// disputeAnswers: what is disputed, and the PSP's status, may have changed since.
func (p *partitionCheck) disputeAnswers(ctx context.Context, answers []answer) error {
	return p.named(ctx, "disputes", "dispute", answers, func(a *answer) (fmt.Stringer, uuid.UUID) { return a.dispute, a.dispute.UUID },
		func(a *answer, tenant, customer string, state []byte) string {
			dispute, err := disputes.Decode(a.dispute, tenant, customer, state)
			if err != nil || a.CustomerID == dispute.Customer && a.Currency == string(dispute.Currency) && a.DisputedID == dispute.Payment {
				return ""
			}
			return fmt.Sprintf("it says payment %s of %s in %s; dispute %s is of payment %s of %s in %s", a.DisputedID, a.CustomerID,
				a.Currency, a.dispute, dispute.Payment, dispute.Customer, dispute.Currency)
		})
}
