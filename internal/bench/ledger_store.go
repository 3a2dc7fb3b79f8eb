package bench

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// stored measures the store by itself, from empty tables, and what an entry takes.
func (l *ledgerBench) stored(ctx context.Context) error {
	storeDB, err := l.database(ctx, "store")
	if err != nil {
		return err
	}
	probeDB, err := l.database(ctx, "probe")
	if err != nil {
		return err
	}
	l.store = newBooks(storeDB)
	l.probe = newProbe(probeDB, l.store.names[:])
	l.deposits = workload{move: deposit}
	if err := l.sized(ctx); err != nil {
		return err
	}
	spreading, guarding, unguarding := workload{move: spread}, workload{move: guarded}, workload{move: unguarded}
	var raw, plain, spreads, free, floors, plainOfRaw, plainOfSpread, guardedOfFree []int64
	for range l.Runs {
		for _, one := range []struct {
			rates *[]int64
			rate  func(context.Context) (int64, error)
		}{{&raw, l.raw}, {&plain, l.moving(&l.deposits)}, {&spreads, l.moving(&spreading)}, {&floors, l.moving(&guarding)}, {&free, l.moving(&unguarding)}} {
			rate, err := one.rate(ctx)
			if err != nil {
				return err
			}
			*one.rates = append(*one.rates, rate)
		}
		last := len(raw) - 1
		plainOfRaw = append(plainOfRaw, percent(plain[last], raw[last]))
		plainOfSpread = append(plainOfSpread, percent(plain[last], spreads[last]))
		guardedOfFree = append(guardedOfFree, percent(floors[last], free[last]))
	}
	l.empty, l.rawEmpty = plain, raw
	l.figure("store alone, two postings, one system account in each", "entries/s", "≥ 40000", plain...)
	l.figure("raw probe: the bare statements", "entries/s", "", raw...)
	l.figure("store, of the raw probe in the same run", "%", "≥ 80", plainOfRaw...)
	l.figure(fmt.Sprintf("store, system accounts spread over %d", batchEntries), "entries/s", "", spreads...)
	l.figure("one system account, of spread in the same run", "%", "≥ 100", plainOfSpread...)
	l.figure("guarded wallets, credits and debits", "entries/s", "", floors...)
	l.figure("the same of accounts without a floor", "entries/s", "", free...)
	l.figure("guarded, of unguarded in the same run", "%", "≥ 80", guardedOfFree...)
	return nil
}

// grown stores entries until there are as many as asked for and measures again, the probe on empty tables: its rate then, beside
// its rate at first, is what else has become of the machine.
func (l *ledgerBench) grown(ctx context.Context) error {
	if l.Entries == 0 {
		return nil
	}
	if err := l.store.fill(ctx, &l.deposits, l.Entries); err != nil {
		return err
	}
	stored := l.store.posted()
	var raw, plain []int64
	for range l.Runs {
		rate, err := l.raw(ctx)
		if err != nil {
			return err
		}
		raw = append(raw, rate)
		if rate, err = l.moving(&l.deposits)(ctx); err != nil {
			return err
		}
		plain = append(plain, rate)
	}
	l.figure(fmt.Sprintf("store after %d entries", stored), "entries/s", "", plain...)
	l.figure("rate then, of the rate at first", "%", "", percent(median(plain), median(l.empty)))
	l.figure("the same, each as a part of the raw probe's on empty tables", "%", "≥ 85 at 20000000",
		percent(median(plain)*median(l.rawEmpty)/max(1, median(raw)), median(l.empty)))
	return nil
}

// sized measures what an entry takes, in the tables and of the log of PostgreSQL, once every customer has a wallet: an
// account is opened once, and its opening is no part of what each entry takes.
func (l *ledgerBench) sized(ctx context.Context) error {
	if err := l.store.fill(ctx, &l.deposits, customers); err != nil {
		return err
	}
	before, err := sizesOf(ctx, l.store.db)
	if err != nil {
		return err
	}
	var written int64
	begin := l.store.posted()
	if err := l.store.db.Pool.QueryRow(ctx, "SELECT CAST(pg_current_wal_lsn() - '0/0' AS int8)").Scan(&written); err != nil {
		return err
	}
	if _, err := l.moving(&l.deposits)(ctx); err != nil {
		return err
	}
	entries := max(1, l.store.posted()-begin)
	var log int64
	if err := l.store.db.Pool.QueryRow(ctx, "SELECT CAST(pg_current_wal_lsn() - '0/0' AS int8)").Scan(&log); err != nil {
		return err
	}
	after, err := sizesOf(ctx, l.store.db)
	if err != nil {
		return err
	}
	l.figure("table and index for each entry of two postings", "B", "≤ 250", (after["entries"]-before["entries"])/entries)
	var index int64
	if err := l.store.db.Pool.QueryRow(ctx, "SELECT pg_indexes_size('entries')").Scan(&index); err != nil {
		return err
	}
	l.figure("of these the index", "B", "", index/l.store.posted())
	l.figure("write-ahead log for each entry, its balances included", "B", "≤ 500", (log-written)/entries)
	return nil
}

// raw is the rate of the probe, from empty tables.
func (l *ledgerBench) raw(ctx context.Context) (int64, error) {
	if err := l.probe.clear(ctx); err != nil {
		return 0, err
	}
	return l.rate(ctx, func(partition int32) error { return l.probe.post(ctx, partition) })
}

// moving is the rate of the store.
func (l *ledgerBench) moving(load *workload) func(context.Context) (int64, error) {
	return func(ctx context.Context) (int64, error) {
		return l.rate(ctx, func(partition int32) error { return l.store.post(ctx, partition, load) })
	}
}

// rate is how many entries per second are posted while batches are posted to all partitions at once.
func (l *ledgerBench) rate(ctx context.Context, post func(partition int32) error) (int64, error) {
	began := time.Now()
	entries, err := posting(ctx, func(partition int32) (bool, error) {
		if time.Since(began) >= l.For {
			return false, nil
		}
		return true, post(partition)
	})
	return entries * int64(time.Second) / int64(time.Since(began)), err
}

// posting posts batches to all partitions at once until there are no more, and returns how many entries they held.
func posting(ctx context.Context, batch func(partition int32) (more bool, err error)) (int64, error) {
	var batches atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for p := range int32(partitions) {
		group.Go(func() error {
			for ctx.Err() == nil {
				more, err := batch(p)
				if err != nil || !more {
					return err
				}
				batches.Add(1)
			}
			return ctx.Err()
		})
	}
	err := group.Wait()
	return batchEntries * batches.Load(), err
}

func percent(part, whole int64) int64 { return 100 * part / max(1, whole) }
