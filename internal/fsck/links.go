package fsck

import (
	"context"
	"fmt"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/payments/links"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

type linkRow struct {
	madeBy
	Status, State string
	timerRow
}

// linkUses are what payments are to their links, by the links' keys.
type linkUses struct {
	of     map[uuid.UUID]*linkUse
	unsure bool // there are more than are kept
}

type linkUse struct {
	topics.LinkUses
	customer customer
	unsure   bool // a payment was changed by a record that is not checked
}

// payment adds what a payment is to its link; unsure where a later record has changed it.
func (u *linkUses) payment(p *lifecycle.Payment, unsure bool) {
	if p.Link == uuid.Nil || u.unsure {
		return
	}
	use := u.of[p.Link]
	if use == nil {
		if len(u.of) == maxAccounts {
			u.unsure, u.of = true, nil
			return
		}
		use = &linkUse{customer: customer{p.Tenant, p.Customer}}
		u.of[p.Link] = use
	}
	use.unsure = use.unsure || unsure || use.customer != customer{p.Tenant, p.Customer}
	switch links.UseOf(p) {
	case links.Reserved:
		use.Reserved++
	case links.Captured:
		use.Captured++
	}
}

// links folds each payment link again and compares: its state, its uses with its payments (K2), its timer.
func (p *partitionCheck) links(ctx context.Context) error {
	err := walkRows(ctx, p, `
SELECT p.id, p.tenant, p.customer, p.version, p.positions, p.status, p.state, t.due, t.kind, t.generation
FROM payment_links p LEFT JOIN LATERAL (
	SELECT due, kind, generation FROM timers WHERE partition = p.partition AND payment = p.id AND tenant = p.tenant AND customer = p.customer LIMIT 1) t ON true
WHERE p.partition = $1 AND p.id >= $2 ORDER BY p.id LIMIT $3`, func(r *linkRow, frames map[int64][]byte) {
		p.Counts.Links.Add(1)
		id := topics.LinkID{Partition: p.snapshot.partition, UUID: r.ID}
		f := linkFold{id: id.String()}
		subject := "payment link " + f.id
		use := p.uses.of[id.UUID]
		delete(p.uses.of, id.UUID)
		if !p.records("payment_link", subject, &r.madeBy, frames, f.record) {
			return
		}
		p.home("payment_link", subject, &r.madeBy, r.ID)
		p.link(&f, r)
		switch {
		case f.link == nil || p.uses.unsure || r.Version >= p.next || use != nil && use.unsure:
		case use == nil && f.link.Uses() != topics.LinkUses{}:
			p.problem("payment_link", subject, "K2: %d of its uses are reserved and %d captured, no payment is by it", f.link.Reserved, f.link.Captured)
		case use != nil && use.LinkUses != f.link.Uses():
			p.problem("payment_link", subject, "K2: %d of its uses are reserved and %d captured, its payments make %d and %d", f.link.Reserved, f.link.Captured,
				use.Reserved, use.Captured)
		case use != nil && use.customer != customer{f.link.Tenant, f.link.Customer}:
			p.problem("payment_link", subject, "it is of %s %s, payments by it are of %s %s", f.link.Tenant, f.link.Customer, use.customer.tenant, use.customer.id)
		}
	})
	if err != nil {
		return err
	}
	for key := range p.uses.of {
		id := topics.LinkID{Partition: p.snapshot.partition, UUID: key}
		if !p.uses.of[key].unsure {
			p.problem("payment_link", "payment link "+id.String(), "payments are by it, but there is no such link")
		}
	}
	return nil
}

// linkFold is one link as the log tells of it.
type linkFold struct {
	id   string
	link *links.Link
}

// record folds the events of one record, those of this link.
func (f *linkFold) record(_ int64, outputs []stream.Output) (found bool, err error) {
	for i := range outputs {
		if outputs[i].Topic != topics.LinkEvents {
			continue
		}
		ours, err := f.event(&outputs[i])
		if err != nil {
			return false, err
		}
		found = found || ours
	}
	return found, nil
}

func (f *linkFold) event(o *stream.Output) (ours bool, err error) {
	var e topics.LinkEvent
	if err := topics.Unmarshal(o.Value, &e); err != nil {
		return false, fmt.Errorf("event %s: %w", o.Envelope.ID, err)
	}
	if e.LinkID != f.id {
		return false, nil
	}
	if f.link, err = links.Evolve(f.link, &e); err != nil {
		return true, err
	}
	return true, links.Check(f.link, &e)
}

// link compares the row with the fold.
func (p *partitionCheck) link(f *linkFold, r *linkRow) {
	subject := "payment link " + f.id
	if f.link == nil {
		p.problem("payment_link", subject, "no event creates it")
		return
	}
	state, err := f.link.Encode()
	switch {
	case err != nil:
		p.problem("payment_link", subject, "%v", err)
	case f.link.Tenant != r.Tenant || f.link.Customer != r.Customer:
		p.problem("payment_link", subject, "the row is of %s %s, the events are of %s %s", r.Tenant, r.Customer, f.link.Tenant, f.link.Customer)
	case r.Status != string(f.link.Status()):
		p.problem("payment_link", subject, "the row says %s, the fold of its events gives %s", r.Status, f.link.Status())
	case r.State != string(state):
		p.problem("payment_link", subject, "its state differs from the fold of its events")
	}
	p.timer(subject, "payment link", &r.timerRow, f.link.Timer)
}

// linkEvent checks an event for itself, and adds its link to the pairs.
func (p *partitionCheck) linkEvent(o *stream.Output, position int64, pairs []walletPair) []walletPair {
	var e topics.LinkEvent
	err := topics.Unmarshal(o.Value, &e)
	if !p.caused(o, e.Caused(), position, err) {
		return pairs
	}
	if c := e.Caused(); c.Nothing() {
		return pairs
	}
	id, err := topics.ParseLinkID(e.LinkID)
	return p.changed(pairs, o, position, "payment_links", "payment link", e.LinkID, id.Partition, id.UUID, err)
}
