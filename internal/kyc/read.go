package kyc

import (
	"context"
	"fmt"

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
	p, err := d.open(found)
	return found.Record, &p, err
}

// List reads records of a tenant, in the order of their ids, from the one after a given id. Nothing is opened.
func (d *Desk) List(ctx context.Context, tenant, after string, limit int) ([]topics.CustomerRecord, error) {
	return view.ListCustomers(ctx, d.pool, tenant, after, limit)
}

// open decrypts the personal fields of a record, none where it has none.
func (d *Desk) open(found view.Customer) (Personal, error) {
	r := found.Record
	if r.Data == nil || r.Data.Personal == nil {
		return Personal{}, nil
	}
	sealed := r.Data.Personal
	switch {
	case d.masters == nil:
		return Personal{}, ErrNotConfigured
	case found.Key == nil || found.Key.KeyID.String() != sealed.KeyID:
		return Personal{}, fmt.Errorf("the data key %s of customer %s is gone, and with it the personal fields; weir fsck tells more", sealed.KeyID, r.CustomerID)
	}
	key, err := d.masters.Open(*found.Key, r.Tenant, r.CustomerID)
	if err != nil {
		return Personal{}, err
	}
	return open(sealed, key)
}
