package payments

import (
	"context"
	"errors"
	"fmt"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/payments/payouts"
	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/topics"
)

// sourcesAtOnce bounds the payments that are counted in one transaction when sources are built.
const sourcesAtOnce = 1000

// buildSources counts the payments of the time before there were payouts, once for each partition: whoever opens it first
// does so before it folds anything.
//
// A crash leaves a part of them counted, and the place up to which: the next owner goes on there. A former owner that still
// works on it writes the same row of the place, so that one of the two fails and opens the partition anew.
func buildSources(ctx context.Context, pool *pgxpool.Pool, number int32) error {
	for done := false; !done; {
		err := pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.Serializable}, func(tx pgx.Tx) (err error) {
			done, err = buildStep(ctx, tx, number)
			return err
		})
		if database.IsRetryable(err) && ctx.Err() == nil { // other partitions are counted at the same time
			done = false
			continue
		}
		if err != nil {
			return fmt.Errorf("count the deposits of partition %d: %w", number, err)
		}
	}
	return nil
}

func buildStep(ctx context.Context, tx pgx.Tx, number int32) (done bool, err error) {
	var place uuid.UUID
	err = tx.QueryRow(ctx, `SELECT place, done FROM deposit_sources_built WHERE partition = $1`, number).Scan(&place, &done)
	if done || err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return done, err
	}
	if place == uuid.Nil {
		if err := nothingCounted(ctx, tx, number); err != nil {
			return false, err
		}
	}
	rows, err := tx.Query(ctx, `SELECT id, tenant, customer, version, state FROM payments WHERE partition = $1 AND id > $2 ORDER BY id LIMIT $3`,
		number, place, sourcesAtOnce)
	if err != nil {
		return false, err
	}
	var counted []countedPayment
	var key lifecycle.Key
	var version int64
	var state []byte
	seen := 0
	_, err = pgx.ForEachRow(rows, []any{&place, &key.Tenant, &key.Customer, &version, &state}, func() error {
		seen++
		key.ID = topics.PaymentID{Partition: number, UUID: place}
		p, err := lifecycle.Decode(key, state)
		if err == nil && payouts.Deposited(p) != 0 {
			counted = append(counted, countedPayment{p, version})
		}
		return err
	})
	if err == nil {
		err = addSources(ctx, tx, number, counted)
	}
	if err != nil {
		return false, err
	}
	done = seen < sourcesAtOnce
	_, err = tx.Exec(ctx, `INSERT INTO deposit_sources_built (partition, place, done) VALUES ($1, $2, $3)
ON CONFLICT (partition) DO UPDATE SET place = excluded.place, done = excluded.done`, number, place, done)
	return done, err
}

// nothingCounted refuses to begin where something is counted or was paid out already: each payment would be counted twice, or
// what payouts took of it would not be known, and payouts would send the money out once more.
func nothingCounted(ctx context.Context, tx pgx.Tx, number int32) error {
	var begun bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM deposit_sources WHERE partition = $1) OR EXISTS (SELECT 1 FROM payouts WHERE partition = $1)`, number).Scan(&begun)
	if err == nil && begun {
		err = errors.New("deposit_sources_built says that none is counted, but deposit_sources or payouts has rows of the partition: restore the three tables from one backup")
	}
	return err
}

type countedPayment struct {
	*lifecycle.Payment
	version int64
}

// addSources adds what payments brought to the sources of their customers.
func addSources(ctx context.Context, tx pgx.Tx, number int32, counted []countedPayment) error {
	type row struct {
		key     uuid.UUID
		version int64
		state   payouts.Sources
	}
	customers := map[customerKey]*row{}
	for _, p := range counted {
		c := customerKey{p.Tenant, p.Customer}
		r := customers[c]
		if r == nil {
			r = &row{key: wallets.Key(c.tenant, c.id)}
			customers[c] = r
			var stored []byte
			err := tx.QueryRow(ctx, `SELECT version, state FROM deposit_sources WHERE partition = $1 AND id = $2`, number, r.key).Scan(&r.version, &stored)
			if err == nil {
				err = topics.Unmarshal(stored, &r.state)
			}
			if err != nil && !errors.Is(err, pgx.ErrNoRows) {
				return err
			}
		}
		r.state.Deposit(p.Payment, payouts.Deposited(p.Payment), p.UpdatedAt)
		r.version = max(r.version, p.version)
	}
	for c, r := range customers {
		state, err := topics.Marshal(&r.state)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO deposit_sources (partition, id, tenant, customer, state, before, version) VALUES ($1, $2, $3, $4, $5, 0, $6)
ON CONFLICT (partition, id) DO UPDATE SET state = excluded.state, version = excluded.version`,
			number, r.key, c.tenant, c.id, string(state), r.version); err != nil {
			return err
		}
	}
	return nil
}
