package customerkeys

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Put stores a customer's data key, unless they have one. A crash afterwards leaves a key that the next record of the customer takes.
func Put(ctx context.Context, db *pgxpool.Pool, partition int32, id uuid.UUID, tenant, customer string, w Wrapped) error {
	_, err := db.Exec(ctx, `INSERT INTO customer_keys (partition, id, tenant, customer, key_id, master, wrapped, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (partition, id) DO NOTHING`, partition, id, tenant, customer, w.KeyID, w.Master, w.Wrapped, time.Now())
	if err != nil {
		return fmt.Errorf("store the data key of customer %s: %w", customer, err)
	}
	return nil
}

const (
	rotatedAtOnce = 500 // keys that are read at once
	unopenedTold  = 20  // keys that could not be opened, by name; the others are counted
)

// Unopened says which data keys could not be rotated since no master key that is configured opens them. All others were.
type Unopened struct {
	Keys  int
	First []error // at most 20, each naming its customer
}

func (u *Unopened) Error() string {
	text := fmt.Sprintf("%d data keys could not be opened and stay as they are", u.Keys)
	if u.Keys > len(u.First) {
		text += fmt.Sprintf(", of which the first %d are", len(u.First))
	}
	return text + ":\n" + errors.Join(u.First...).Error()
}

// Rotate wraps every data key by the current master key that is wrapped by another one, and returns how many there were. Those that it
// cannot open it passes over and returns as *Unopened. It may be cut short and run again, and runs beside the engine: a key that was
// deleted or rotated meanwhile stays so.
func (m *Masters) Rotate(ctx context.Context, db *pgxpool.Pool) (rotated int, err error) {
	type row struct {
		Partition        int32
		ID               [16]byte
		Tenant, Customer string
		Wrapped
	}
	var unopened Unopened
	partition, id := int32(-1), [16]byte{}
	for {
		rows, _ := db.Query(ctx, `SELECT partition, id, tenant, customer, key_id, master, wrapped FROM customer_keys
WHERE (partition, id) > ($1, $2) ORDER BY partition, id LIMIT $3`, partition, id, rotatedAtOnce)
		page, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (k row, err error) {
			return k, r.Scan(&k.Partition, &k.ID, &k.Tenant, &k.Customer, &k.KeyID, &k.Master, &k.Wrapped.Wrapped)
		})
		if err != nil {
			return rotated, fmt.Errorf("read the data keys: %w", err)
		}
		for i := range page {
			k := &page[i]
			if k.Master == m.current.ID {
				continue
			}
			next, err := m.Rewrap(k.Wrapped, k.Tenant, k.Customer)
			if err != nil {
				if unopened.Keys++; unopened.Keys <= unopenedTold {
					unopened.First = append(unopened.First, fmt.Errorf("customer %s of %s: %w", k.Customer, k.Tenant, err))
				}
				continue
			}
			done, err := db.Exec(ctx, `UPDATE customer_keys SET master = $4, wrapped = $5 WHERE partition = $1 AND id = $2 AND key_id = $3`,
				k.Partition, k.ID, k.KeyID, next.Master, next.Wrapped)
			if err != nil {
				return rotated, fmt.Errorf("store the data key of customer %s: %w", k.Customer, err)
			}
			rotated += int(done.RowsAffected())
		}
		if len(page) < rotatedAtOnce {
			if unopened.Keys > 0 {
				return rotated, &unopened
			}
			return rotated, nil
		}
		partition, id = page[len(page)-1].Partition, page[len(page)-1].ID
	}
}
