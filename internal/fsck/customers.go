package fsck

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/internal/customerkeys"
	"github.com/weirhq/weir/processors/payments/profiles"
	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

const (
	orphanAfter  = 24 * time.Hour // a data key without a record: one may be on its way
	clocksDiffer = time.Minute    // of whoever makes keys, and of the broker
)

type customerRow struct {
	madeBy
	State   string
	KeyID   *[16]byte
	Master  *string
	Wrapped []byte
	MadeAt  *time.Time
}

// customers folds each customer's record again and compares, and looks whether its data key is there and opens it (C2).
func (p *partitionCheck) customers(ctx context.Context) error {
	err := walkRows(ctx, p, `
SELECT c.id, c.tenant, c.customer, c.version, c.positions, c.state, k.key_id, k.master, k.wrapped, k.created_at
FROM customers c LEFT JOIN LATERAL (
	SELECT key_id, master, wrapped, created_at FROM customer_keys WHERE partition = c.partition AND id = c.id LIMIT 1) k ON true
WHERE c.partition = $1 AND c.id >= $2 ORDER BY c.id LIMIT $3`, func(r *customerRow, frames map[int64][]byte) {
		p.Counts.Customers.Add(1)
		subject := "customer " + r.Customer + " of " + r.Tenant
		p.home("customer", subject, &r.madeBy, wallets.Key(r.Tenant, r.Customer))
		f := customerFold{row: r}
		if !p.records("customer", subject, &r.madeBy, frames, f.change) {
			return
		}
		state, err := topics.Marshal(f.record)
		if err != nil || string(state) != r.State {
			p.problem("customer", subject, "the row differs from the fold of its changes")
		}
		p.customerKey(subject, f.record, r)
	})
	if err != nil {
		return err
	}
	return p.orphanKeys(ctx)
}

// customerFold is a customer's record as the log tells of it.
type customerFold struct {
	row    *customerRow
	record *topics.CustomerRecord
}

// change folds the change in one record, if it is of this customer.
func (f *customerFold) change(_ int64, outputs []stream.Output) (ours bool, err error) {
	for i := range outputs {
		var e topics.CustomerChange
		if outputs[i].Topic != topics.CustomerChanges {
			continue
		}
		if err := topics.Unmarshal(outputs[i].Value, &e); err != nil {
			return false, fmt.Errorf("change %s: %w", outputs[i].Envelope.ID, err)
		}
		if e.Tenant == f.row.Tenant && e.CustomerID == f.row.Customer && e.Record != nil {
			f.record, err = profiles.Evolve(f.record, &e)
			return true, err
		}
	}
	return false, nil
}

// customerKey looks whether what is encrypted can be read, and what was erased cannot.
func (p *partitionCheck) customerKey(subject string, record *topics.CustomerRecord, r *customerRow) {
	switch {
	case record.Erased:
		switch {
		case r.MadeAt == nil:
		case r.MadeAt.Before(record.UpdatedAt.Add(-clocksDiffer)): // it came back, as from a backup
			p.problem("customer", subject, "C2: it was erased, but a data key from before is there; weir customers erase deletes it")
		case r.MadeAt.Before(time.Now().Add(-orphanAfter)): // a younger one is for the next record, which may be on its way
			p.problem("customer", subject, "it was erased, and there is a data key from after and no record; weir customers erase deletes it, or put a record")
		}
		return
	case record.Data == nil || record.Data.Personal == nil:
		return
	case r.KeyID == nil || uuid.UUID(*r.KeyID).String() != record.Data.Personal.KeyID:
		p.problem("customer", subject, "its personal fields are encrypted by data key %s, which is not there: they cannot be read any more; put them again",
			record.Data.Personal.KeyID)
		return
	case p.CustomerKeys == nil:
		return
	}
	key, err := p.CustomerKeys.Open(customerkeys.Wrapped{KeyID: *r.KeyID, Master: *r.Master, Wrapped: r.Wrapped}, record.Tenant, record.CustomerID)
	if err != nil {
		p.problem("customer", subject, "%v", err)
		return
	}
	for field, sealed := range record.Data.Personal.Fields {
		if _, err := key.Open(field, sealed); err != nil {
			p.problem("customer", subject, "%v", err)
		}
	}
}

// orphanKeys looks for data keys that nothing is encrypted by: a crash left them, or a refusal.
func (p *partitionCheck) orphanKeys(ctx context.Context) error {
	type row struct{ Tenant, Customer string }
	rows, err := collect[row](ctx, p.checker, `
SELECT k.tenant, k.customer FROM customer_keys k
LEFT JOIN LATERAL (SELECT id FROM customers WHERE partition = k.partition AND id = k.id LIMIT 1) c ON true
WHERE k.partition = $1 AND c.id IS NULL AND k.created_at < $2 ORDER BY k.id LIMIT $3`, p.snapshot.partition, time.Now().Add(-orphanAfter), maxListed)
	if err != nil {
		return fmt.Errorf("look for data keys without customers: %w", err)
	}
	for _, r := range rows {
		p.problem("customer", "customer "+r.Customer+" of "+r.Tenant, "there is a data key and no record; weir customers erase deletes it, or put a record")
	}
	return nil
}

// customerChange checks a change for itself, and that the record beside it is the change's, and adds its row to the pairs.
func (p *partitionCheck) customerChange(outputs []stream.Output, position int64, pairs []walletPair) []walletPair {
	o := &outputs[0]
	var e topics.CustomerChange
	err := topics.Unmarshal(o.Value, &e)
	if !p.caused(o, e.Caused(), position, err) {
		return pairs
	}
	if e.Record == nil {
		return pairs
	}
	if len(outputs) > 1 && outputs[1].Topic == topics.Customers { // else retention took it before an import
		record, err := topics.Marshal(e.Record)
		if err != nil || !bytes.Equal(record, outputs[1].Value) {
			p.problem("log", "change "+o.Envelope.ID, "the record that was published beside it is another one")
		}
	}
	return append(pairs, walletPair{"customers", wallets.Key(e.Tenant, e.CustomerID), position, "customer " + e.CustomerID + " of " + e.Tenant})
}
