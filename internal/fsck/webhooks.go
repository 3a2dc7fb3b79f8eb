package fsck

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/webhooks"
	"github.com/weirhq/weir/topics"
)

// A webhook that names a payment by the PSP's reference alone finds it in psp_references, so every reference that an event
// gave a payment must be there, of the record that gave it first, and nothing else may be: a webhook would find another
// payment, or several.

// learntReference is a reference that a record gave a payment.
type learntReference struct {
	lifecycle.Reference
	payment  topics.PaymentID
	tenant   string
	position int64
}

// references are those of the payments that were walked.
type references struct {
	page  []learntReference // not looked up yet
	count int64             // of those before the position up to which the partition is checked
	err   error             // of a look-up
}

const pageReferences = 1000

// parkedAhead is how far ahead of this machine's clock a parked webhook may be due: minutes, and room for clocks that differ.
const parkedAhead = 2 * time.Hour

// learn notes what an event has taught of the payment, the first time.
func (f *paymentFold) learn(r lifecycle.Reference, position int64) {
	if !f.payment.Knows(r) || slices.Contains(f.learnt, r) {
		return
	}
	f.learnt = append(f.learnt, r)
	if p := f.check; position < p.next {
		p.references.count++
		p.references.page = append(p.references.page, learntReference{r, f.payment.ID, f.payment.Tenant, position})
	}
}

// lookUpReferences reports those of the page that are not in the table, once the page is full or the last one.
func (p *partitionCheck) lookUpReferences(ctx context.Context, enough int) {
	l := &p.references
	n := len(l.page)
	if n < enough || n == 0 || l.err != nil {
		return
	}
	psps, names, tenants := make([]string, n), make([]string, n), make([]string, n)
	ids, positions, numbers := make([][16]byte, n), make([]int64, n), make([]int32, n)
	for i, r := range l.page {
		psps[i], names[i], tenants[i], ids[i], positions[i], numbers[i] = r.PSP, r.Reference.Reference, r.tenant, r.payment.UUID, r.position, int32(i)
	}
	type row struct {
		N        int32
		Position *int64
		Tenant   *string
	}
	missing, err := collect[row](ctx, p.checker, `
SELECT wanted.n, found.position, found.tenant
FROM unnest($2::int4[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::int8[]) AS wanted(n, psp, reference, payment, tenant, position)
LEFT JOIN LATERAL (SELECT position, tenant FROM psp_references
	WHERE partition = $1 AND psp = wanted.psp AND reference = wanted.reference AND payment = wanted.payment LIMIT 1) AS found ON true
WHERE found.position IS NULL OR found.position <> wanted.position OR found.tenant <> wanted.tenant`, p.snapshot.partition, numbers, psps, names, ids, tenants, positions)
	if err != nil {
		l.err = fmt.Errorf("look references up in psp_references: %w", err)
		return
	}
	for _, m := range missing {
		r := &l.page[m.N]
		subject := "payment " + r.payment.String()
		if m.Position == nil {
			p.problem("reference", subject, "the record at position %d says that the PSP %s calls it %q, but psp_references does not have that: its webhooks may not find it", r.position, r.PSP, r.Reference.Reference)
			continue
		}
		p.problem("reference", subject, "reference %q of the PSP %s was learnt at position %d for tenant %s, psp_references says at %d for %s", r.Reference.Reference, r.PSP, r.position, r.tenant, *m.Position, *m.Tenant)
	}
	l.page = l.page[:0]
}

// strayReferences looks for references that no event gave: each row is compared with its payment, where there are more of them
// than there should be.
func (p *partitionCheck) strayReferences(ctx context.Context) error {
	p.lookUpReferences(ctx, 1)
	if p.references.err != nil {
		return p.references.err
	}
	if err := p.futureReferences(ctx); err != nil {
		return err
	}
	counted, err := collect[int64One](ctx, p.checker, `SELECT count(*) FROM psp_references WHERE partition = $1 AND position < $2`, p.snapshot.partition, p.next)
	if err != nil {
		return fmt.Errorf("count psp_references: %w", err)
	}
	if counted[0].N == p.references.count {
		return nil
	}
	type row struct {
		PSP, Reference string
		Payment        [16]byte
		Position       int64
		Tenant         *string
		Customer       *string
		State          []byte
	}
	last := row{}
	for {
		rows, err := collect[row](ctx, p.checker, `
SELECT r.psp, r.reference, r.payment, r.position, p.tenant, p.customer, p.state FROM psp_references r
LEFT JOIN LATERAL (SELECT tenant, customer, state FROM payments WHERE partition = r.partition AND id = r.payment LIMIT 1) p ON true
WHERE r.partition = $1 AND (r.psp, r.reference, r.payment) > ($2, $3, $4) AND r.position < $5 ORDER BY r.psp, r.reference, r.payment LIMIT $6`,
			p.snapshot.partition, last.PSP, last.Reference, last.Payment, p.next, pageReferences)
		if err != nil {
			return fmt.Errorf("read psp_references: %w", err)
		}
		for _, r := range rows {
			id := topics.PaymentID{Partition: p.snapshot.partition, UUID: r.Payment}
			if r.Tenant != nil {
				stored, err := lifecycle.Decode(lifecycle.Key{ID: id, Tenant: *r.Tenant, Customer: *r.Customer}, r.State)
				if err != nil || stored.Knows(lifecycle.Reference{PSP: r.PSP, Reference: r.Reference}) {
					continue // a state that does not decode is reported as such
				}
			}
			p.problem("reference", "payment "+id.String(), "psp_references has %q of the PSP %s for it, which no event gave it: a webhook may be taken for its", r.Reference, r.PSP)
		}
		if len(rows) < pageReferences {
			return nil
		}
		last = rows[len(rows)-1]
	}
}

// futureReferences looks for references of records that are not applied yet, by the position of the same moment: they are written
// in one transaction.
func (p *partitionCheck) futureReferences(ctx context.Context) error {
	type row struct {
		PSP, Reference string
		Payment        [16]byte
		Position       int64
	}
	rows, err := collect[row](ctx, p.checker, `
SELECT r.psp, r.reference, r.payment, r.position FROM psp_references r JOIN stream_positions s ON s.role = $2 AND s.partition = r.partition
WHERE r.partition = $1 AND r.position >= s.next ORDER BY r.psp, r.reference, r.payment LIMIT $3`, p.snapshot.partition, role, maxListed+1)
	if err != nil {
		return fmt.Errorf("look for references of records to come: %w", err)
	}
	for _, r := range listed(p, "reference", rows) {
		id := topics.PaymentID{Partition: p.snapshot.partition, UUID: r.Payment}
		p.problem("reference", "payment "+id.String(), "psp_references has %q of the PSP %s for it, learnt at position %d, which is not applied: a webhook may be taken for its", r.Reference, r.PSP, r.Position)
	}
	return nil
}

type int64One struct{ N int64 }

// parked checks the webhooks that wait for their payments.
func (p *partitionCheck) parked(ctx context.Context) error {
	return webhooks.EachParked(ctx, p.Database.Pool, p.snapshot.partition, func(w *webhooks.Parked) error {
		l, subject := &w.Letter, fmt.Sprintf("webhook %s:%d:%d", w.Letter.Topic, w.Letter.Partition, w.Letter.Offset)
		switch {
		case l.Topic != topics.PSPWebhooks || l.Partition != p.snapshot.partition:
			p.problem("parked", subject, "it is parked in partition %d", p.snapshot.partition)
		case webhooks.ParkedID(w.Record()) != w.ID:
			p.problem("parked", subject, "its row is %s, which is not the hash of the record: it was changed", w.ID)
		case w.Attempts < 0 || !w.Due.After(w.ParkedAt) || w.Due.After(time.Now().Add(parkedAhead)):
			p.problem("parked", subject, "parked at %s, tried %d times, due %s", stamp(w.ParkedAt), w.Attempts, stamp(w.Due))
		}
		return nil
	})
}
