package view

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// Mandate is a mandate as it stands. Amounts are minor units of Currency.
type Mandate struct {
	ID, Tenant, CustomerID, PaymentID string
	Status                            topics.MandateStatus
	Terms                             topics.MandateTerms
	Currency                          string
	PSP, NetworkReference             string // of the payment that set it up
	Card                              *Card
	// Change is how it got its status; nil while it is pending.
	Change    *topics.MandateChange
	EndedAt   time.Time
	CreatedAt time.Time
}

// mandateOf is the mandate that a payment sets up, as its events say; nil where it sets up none.
func mandateOf(p *lifecycle.Payment) *Mandate {
	m := p.Mandate
	if m == nil {
		return nil
	}
	return &Mandate{
		ID: p.ID.MandateID(), Tenant: p.Tenant, CustomerID: p.Customer, PaymentID: p.ID.String(), Status: m.Status, Terms: m.Terms,
		Currency: string(p.Currency), PSP: p.PSP, NetworkReference: p.NetworkReference, Card: cardOf(p.Card),
		Change: m.Change, EndedAt: m.Ended, CreatedAt: p.CreatedAt,
	}
}

// at takes into account that the mandate has ended by now, though no event tells of it yet.
func (m *Mandate) at(p *lifecycle.Payment, now time.Time) *Mandate {
	if m != nil {
		m.Status = p.Mandate.At(now)
	}
	return m
}

// maxMandates bounds a list of mandates.
const maxMandates = 200

// ListMandates reads a customer's mandates, 200 at most, those of the newest payments first where command ids are UUIDs of version 7.
func ListMandates(ctx context.Context, db Querier, owner Owner, now time.Time) ([]*Mandate, error) {
	rows, err := db.Query(ctx, `SELECT p.partition, p.id, p.tenant, p.customer, p.version, p.state FROM mandates m
JOIN payments p ON p.partition = m.partition AND p.id = m.payment
WHERE m.partition = $1 AND m.tenant = $2 AND m.customer = $3 ORDER BY m.payment DESC LIMIT $4`,
		owner.Partition, owner.Tenant, owner.Customer, maxMandates)
	if err != nil {
		return nil, fmt.Errorf("mandates of %s: %w", owner.Customer, err)
	}
	mandates, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*Mandate, error) {
		p, _, err := scanPayment(row)
		if err != nil {
			return nil, err
		}
		return mandateOf(p).at(p, now), nil
	})
	if err != nil {
		return nil, fmt.Errorf("mandates of %s: %w", owner.Customer, err)
	}
	return mandates, nil
}

// GetMandate reads one mandate. tenant "" is any. It returns ErrNotFound where the id is not one of ours, or belongs to another
// tenant.
func GetMandate(ctx context.Context, db Querier, tenant, id string, now time.Time) (*Mandate, error) {
	of, err := topics.ParseMandateID(id)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	m, err := one(ctx, db, func(row pgx.CollectableRow) (*Mandate, error) {
		p, _, err := scanPayment(row)
		if err != nil {
			return nil, err
		}
		return mandateOf(p).at(p, now), nil
	}, "mandate "+id, columns+` WHERE partition = $1 AND id = $2 AND ($3 = '' OR tenant = $3)`, of.Partition, of.UUID, tenant)
	if err == nil && m == nil {
		return nil, fmt.Errorf("mandate %s: %w", id, ErrNotFound)
	}
	return m, err
}

// retryOf is when a payment by a mandate is asked for again, nil where it does not wait.
func retryOf(p *lifecycle.Payment) *topics.MandateRetry {
	if p.Recurring == nil || p.Status() != topics.StatusQueued {
		return nil
	}
	return p.Recurring.Retry
}

// mandateIDOf names the mandate that a payment sets up or is by.
func mandateIDOf(p *lifecycle.Payment) string {
	switch {
	case p.Mandate != nil:
		return p.ID.MandateID()
	case p.Recurring != nil:
		return p.Recurring.Use.MandateID
	}
	return ""
}
