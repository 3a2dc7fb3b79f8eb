package view

import (
	"context"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// Life is all that was published of a payment and its disputes, each in the order of what caused it.
type Life struct {
	Events    []topics.PaymentEvent
	Decisions []topics.Decision
	Disputes  []topics.DisputeEvent
	Entries   []topics.LedgerEntry
}

// Life reads what was published of a payment of a tenant and of its disputes.
func (l *EventLog) Life(ctx context.Context, tenant string, payment topics.PaymentID) (*Life, error) {
	life, id := new(Life), payment.String()
	err := l.each(ctx, func(o *stream.Output) error { return life.add(o.Topic, o.Value, id) }, ofPayment+` AND tenant = $3
		UNION SELECT unnest(positions) FROM disputes WHERE partition = $1 AND payment = $2 AND tenant = $3`, payment.Partition, payment.UUID, tenant)
	if err != nil {
		return nil, fmt.Errorf("life of payment %s: %w", payment, err)
	}
	return life, nil
}

// add takes one published record, where it is about the payment.
func (l *Life) add(topic string, value []byte, payment string) error {
	switch topic {
	case topics.Events:
		return appendOf(&l.Events, value, func(e *topics.PaymentEvent) bool { return e.PaymentID == payment })
	case topics.Decisions:
		return appendOf(&l.Decisions, value, func(d *topics.Decision) bool { return d.PaymentID == payment })
	case topics.DisputeEvents:
		return appendOf(&l.Disputes, value, func(e *topics.DisputeEvent) bool { return e.PaymentID == payment })
	case topics.Entries:
		return appendOf(&l.Entries, value, func(e *topics.LedgerEntry) bool { return e.PaymentID == payment })
	}
	return nil
}

func appendOf[T any](to *[]T, value []byte, of func(*T) bool) error {
	var one T
	if err := topics.Unmarshal(value, &one); err != nil {
		return err
	}
	if of(&one) {
		*to = append(*to, one)
	}
	return nil
}

// Undisputed reads payments of a customer that were created in [from, to) with a payment's card, of which something is captured
// and kept and nothing was ever disputed, newest first. The time is that in the ids, which those of commands with UUIDs of
// version 7 have: others are not found. Cards are the same where their fingerprints are or, without one, their tokens.
func Undisputed(ctx context.Context, db Querier, tenant, paymentID string, from, to time.Time, limit int) ([]*Intent, error) {
	id, err := topics.ParsePaymentID(paymentID)
	if err != nil {
		return nil, err
	}
	of, err := collectPayments(ctx, db, columns+` WHERE partition = $1 AND id = $2 AND tenant = $3`, id.Partition, id.UUID, tenant)
	if err != nil {
		return nil, fmt.Errorf("payment %s: %w", paymentID, err)
	}
	if len(of) == 0 || of[0].payment.Card == nil {
		return nil, nil
	}
	card, customer := of[0].payment.Card, of[0].payment.Customer
	found, err := collectPayments(ctx, db, columns+` AS earlier WHERE partition = $1 AND id >= $2 AND id < $3 AND tenant = $4 AND customer = $5
		AND NOT EXISTS (SELECT 1 FROM disputes AS of WHERE of.partition = earlier.partition AND of.payment = earlier.id)
		ORDER BY id DESC LIMIT $6`, id.Partition, firstOf(from), firstOf(to), tenant, customer, maxEarlier)
	if err != nil {
		return nil, fmt.Errorf("earlier payments of %s: %w", customer, err)
	}
	var same []*Intent
	for _, one := range found {
		if p := one.payment; p.ID != id && p.Captured > p.Refunded && sameCard(p.Card, card) && len(same) < limit {
			same = append(same, Of(p, one.version))
		}
	}
	return same, nil
}

// maxEarlier bounds the payments of a customer that are looked at.
const maxEarlier = 500

// firstOf is the least UUID of version 7 of a time.
func firstOf(t time.Time) (id uuid.UUID) {
	ms := t.UnixMilli()
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	id[6] = 0x70
	return id
}

func sameCard(a, b *topics.Card) bool {
	switch {
	case a == nil:
		return false
	case a.Fingerprint != "" || b.Fingerprint != "":
		return a.Fingerprint == b.Fingerprint
	}
	return a.Token == b.Token
}

// storedPayment is a payment as it is stored.
type storedPayment struct {
	payment *lifecycle.Payment
	version int64
}

func collectPayments(ctx context.Context, db Querier, sql string, args ...any) ([]storedPayment, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (stored storedPayment, err error) {
		stored.payment, stored.version, err = scanPayment(row)
		return stored, err
	})
}
