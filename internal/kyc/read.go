package kyc

import (
	"context"
	"fmt"

	"github.com/weirhq/weir/internal/customerkeys"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

// Get reads a customer's record. Its personal fields are opened where they are asked for and there are any; else personal is nil.
func (d *Desk) Get(ctx context.Context, tenant, customer string, openly bool) (r *topics.CustomerRecord, personal *Personal, err error) {
	owner, err := d.owner(tenant, customer)
	if err != nil {
		return nil, nil, err
	}
	found, err := view.GetCustomer(ctx, d.pool, owner)
	if err != nil {
		return nil, nil, err
	}
	if found.Record == nil {
		return nil, nil, ErrNone
	}
	if !openly || found.Record.Data == nil || found.Record.Data.Personal == nil {
		return found.Record, nil, nil
	}
	p, err := opened(d.masters, found)
	return found.Record, &p, err
}

// List reads records of a tenant, in the order of their ids, from the one after a given id. Nothing is opened.
func (d *Desk) List(ctx context.Context, tenant, after string, limit int) ([]topics.CustomerRecord, error) {
	return view.ListCustomers(ctx, d.pool, tenant, after, limit)
}

const walkedAtOnce = 500 // records that are read at once

// Walk reads the records of all customers of a tenant, in the order of their ids, and calls f with each and its personal fields, or
// why these cannot be opened. It reads some at a time and holds no more than these; who gets a record meanwhile may be left out. It ends
// with f's first error, and with ErrNotConfigured before anything else where there is no master key.
func Walk(ctx context.Context, db view.Querier, masters *customerkeys.Masters, tenant string, f func(*topics.CustomerRecord, Personal, error) error) error {
	if masters == nil {
		return ErrNotConfigured
	}
	for after := ""; ; {
		page, err := view.ListSealed(ctx, db, tenant, after, walkedAtOnce)
		if err != nil {
			return err
		}
		for _, found := range page {
			p, err := opened(masters, found)
			if err := f(found.Record, p, err); err != nil {
				return err
			}
		}
		if len(page) < walkedAtOnce {
			return nil
		}
		after = page[len(page)-1].Record.CustomerID
	}
}

// opened decrypts the personal fields of a record, none where it has none.
func opened(masters *customerkeys.Masters, found view.Customer) (Personal, error) {
	r := found.Record
	if r.Data == nil || r.Data.Personal == nil {
		return Personal{}, nil
	}
	sealed := r.Data.Personal
	switch {
	case masters == nil:
		return Personal{}, ErrNotConfigured
	case found.Key == nil || found.Key.KeyID.String() != sealed.KeyID:
		return Personal{}, fmt.Errorf("the data key %s of customer %s is gone, and with it the personal fields; weir fsck tells more", sealed.KeyID, r.CustomerID)
	}
	key, err := masters.Open(*found.Key, r.Tenant, r.CustomerID)
	if err != nil {
		return Personal{}, err
	}
	return open(sealed, key)
}
