package view

import (
	"context"
	"fmt"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/customerkeys"
	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/topics"
)

// Customer is what is stored of a customer: the record, and the data key that its personal fields are encrypted by, both as they
// were at one moment.
type Customer struct {
	Record *topics.CustomerRecord // nil: there is none
	Key    *customerkeys.Wrapped  // nil: there is none
}

// CustomerID is the key of a customer's rows in their partition.
func CustomerID(o Owner) uuid.UUID { return wallets.Key(o.Tenant, o.Customer) }

// GetCustomer reads a customer's record and data key, by one statement: between two, both could be replaced.
func GetCustomer(ctx context.Context, db Querier, o Owner) (Customer, error) {
	rows, err := db.Query(ctx, `SELECT c.state, k.key_id, k.master, k.wrapped FROM (SELECT 1) AS one
LEFT JOIN customers AS c ON c.partition = $1 AND c.id = $2
LEFT JOIN customer_keys AS k ON k.partition = $1 AND k.id = $2`, o.Partition, CustomerID(o))
	if err != nil {
		return Customer{}, fmt.Errorf("customer %s: %w", o.Customer, err)
	}
	found, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (Customer, error) { return scanCustomer(row) })
	if err == nil {
		err = found.isOf(o.Tenant, o.Customer)
	}
	if err != nil {
		return Customer{}, fmt.Errorf("customer %s: %w", o.Customer, err)
	}
	return found, nil
}

// isOf says whether a record is not of the customer whose row it is in.
func (c *Customer) isOf(tenant, customer string) error {
	if r := c.Record; r != nil && (r.Tenant != tenant || r.CustomerID != customer) {
		return fmt.Errorf("the row is of customer %s of tenant %s", r.CustomerID, r.Tenant)
	}
	return nil
}

// scanCustomer reads a row of a record and a data key, either of which may be missing, and what else the row has.
func scanCustomer(row pgx.CollectableRow, more ...any) (found Customer, err error) {
	var state, wrapped []byte
	var keyID *uuid.UUID
	var master *string
	if err := row.Scan(append([]any{&state, &keyID, &master, &wrapped}, more...)...); err != nil {
		return found, err
	}
	if keyID != nil {
		found.Key = &customerkeys.Wrapped{KeyID: *keyID, Master: *master, Wrapped: wrapped}
	}
	if state == nil {
		return found, nil
	}
	found.Record = new(topics.CustomerRecord)
	return found, topics.Unmarshal(state, found.Record)
}

// ListSealed reads the records of a tenant's customers as ListCustomers does, each with the data key that was there with it.
func ListSealed(ctx context.Context, db Querier, tenant, after string, limit int) ([]Customer, error) {
	rows, err := db.Query(ctx, `SELECT c.state, k.key_id, k.master, k.wrapped, c.customer
FROM (SELECT partition, id, customer, state FROM customers WHERE tenant = $1 AND customer > $2 ORDER BY customer LIMIT $3) AS c
LEFT JOIN customer_keys AS k ON k.partition = c.partition AND k.id = c.id ORDER BY c.customer`, tenant, after, limit)
	if err != nil {
		return nil, fmt.Errorf("customers of %s: %w", tenant, err)
	}
	customer := after
	page, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Customer, error) {
		found, err := scanCustomer(row, &customer)
		if err == nil {
			err = found.isOf(tenant, customer)
		}
		return found, err
	})
	if err != nil {
		return nil, fmt.Errorf("customer %s of %s: %w", customer, tenant, err)
	}
	return page, nil
}

// ListCustomers reads the records of a tenant's customers, in the order of their ids, from the one after a given id.
func ListCustomers(ctx context.Context, db Querier, tenant, after string, limit int) ([]topics.CustomerRecord, error) {
	rows, err := db.Query(ctx, `SELECT state FROM customers WHERE tenant = $1 AND customer > $2 ORDER BY customer LIMIT $3`,
		tenant, after, min(max(limit, 1), MaxLimit))
	if err != nil {
		return nil, fmt.Errorf("customers of %s: %w", tenant, err)
	}
	page, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r topics.CustomerRecord, err error) {
		var state []byte
		if err := row.Scan(&state); err != nil {
			return r, err
		}
		return r, topics.Unmarshal(state, &r)
	})
	if err != nil {
		return nil, fmt.Errorf("customers of %s: %w", tenant, err)
	}
	return page, nil
}

// Customer returns the changes of a customer's record, in the order of their ids. Refused commands are not among them.
func (l *EventLog) Customer(ctx context.Context, o Owner) ([]topics.CustomerChange, error) {
	return recordsOf(ctx, l, "changes of customer "+o.Customer, topics.CustomerChanges, func(*topics.CustomerChange) bool { return true },
		ofCustomer, o.Partition, CustomerID(o))
}
