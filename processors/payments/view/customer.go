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
	var found Customer
	rows, err := db.Query(ctx, `SELECT c.state, k.key_id, k.master, k.wrapped FROM (SELECT 1) AS one
LEFT JOIN customers AS c ON c.partition = $1 AND c.id = $2
LEFT JOIN customer_keys AS k ON k.partition = $1 AND k.id = $2`, o.Partition, CustomerID(o))
	if err != nil {
		return found, fmt.Errorf("customer %s: %w", o.Customer, err)
	}
	_, err = pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (none struct{}, err error) {
		var state, wrapped []byte
		var keyID *uuid.UUID
		var master *string
		if err := row.Scan(&state, &keyID, &master, &wrapped); err != nil {
			return none, err
		}
		if keyID != nil {
			found.Key = &customerkeys.Wrapped{KeyID: *keyID, Master: *master, Wrapped: wrapped}
		}
		if state == nil {
			return none, nil
		}
		found.Record = new(topics.CustomerRecord)
		return none, topics.Unmarshal(state, found.Record)
	})
	if err == nil && found.Record != nil && (found.Record.Tenant != o.Tenant || found.Record.CustomerID != o.Customer) {
		err = fmt.Errorf("the row is of customer %s of tenant %s", found.Record.CustomerID, found.Record.Tenant)
	}
	if err != nil {
		return Customer{}, fmt.Errorf("customer %s: %w", o.Customer, err)
	}
	return found, nil
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
