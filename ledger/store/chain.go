package store

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/weirhq/weir/ledger/chain"
)

const selectHead = `SELECT partition, entries, position, ordinal, head FROM ledger_chain`

// ErrNoHead says that a partition has no chain: nothing was booked in it since there is one.
var ErrNoHead = errors.New("no head of the chain is stored")

// Querier is a pool, or a transaction of it.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Head reads the head of a partition's chain, ErrNoHead where none is stored.
func Head(ctx context.Context, db Querier, partition int32) (chain.Head, error) {
	rows, _ := db.Query(ctx, selectHead+` WHERE partition = $1`, partition)
	head, err := pgx.CollectExactlyOneRow(rows, scanHead)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNoHead
	}
	if err != nil {
		return chain.Head{}, fmt.Errorf("chain of partition %d: %w", partition, err)
	}
	return head, nil
}

// Heads reads the head of every partition that has one.
func Heads(ctx context.Context, pool *pgxpool.Pool) ([]chain.Head, error) {
	rows, _ := pool.Query(ctx, selectHead+` ORDER BY partition`)
	heads, err := pgx.CollectRows(rows, scanHead)
	if err != nil {
		return nil, fmt.Errorf("heads of the chains: %w", err)
	}
	return heads, nil
}

func scanHead(row pgx.CollectableRow) (h chain.Head, err error) {
	var hash []byte
	if err := row.Scan(&h.Partition, &h.Entries, &h.Position, &h.Index, &hash); err != nil {
		return h, err
	}
	if len(hash) != len(h.Hash) {
		return h, fmt.Errorf("the head in ledger_chain has %d bytes, want %d", len(hash), len(h.Hash))
	}
	h.Hash = [len(h.Hash)]byte(hash)
	return h, nil
}

// OpenWriter returns a writer that goes on with the partition's chain. It must be called after the partition's former
// owner was fenced. Where entries are older than the chain, they are read and become its beginning.
func OpenWriter(ctx context.Context, pool *pgxpool.Pool, partition int32) (*Writer, error) {
	w := NewWriter(partition)
	head, err := Head(ctx, pool, partition)
	if err == nil {
		w.head = head
		return w, nil
	}
	if !errors.Is(err, ErrNoHead) {
		return nil, err
	}
	err = Walk(ctx, pool, w.head.Last(), math.MaxInt64, func(row *Row) error {
		if row.Malformed != "" {
			return fmt.Errorf("entry %d-%d-%d: %s", partition, row.Position, row.Index, row.Malformed)
		}
		w.head = w.hasher.Extend(&w.head, &row.Record)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("chain the entries of partition %d: %w", partition, err)
	}
	return w, nil
}
