package bench

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/statement"
)

const (
	statementReads = 2000 // of each kind
	statementRows  = 50   // of a page
)

// statements measures the projection, and reads of the one account that every entry touches.
func (l *ledgerBench) statements(ctx context.Context) error {
	if l.Statement == 0 {
		return nil
	}
	db, err := l.database(ctx, "statements")
	if err != nil {
		return err
	}
	books, deposits := newBooks(db), workload{move: deposit}
	first := time.Now()
	if err := books.fill(ctx, &deposits, l.Statement); err != nil {
		return err
	}
	last := time.Now()
	if err := books.applied(ctx); err != nil {
		return err
	}
	projector := statement.NewProjector(db, 0)
	for behind := true; behind; {
		round, err := projector.Round(ctx)
		if err != nil {
			return err
		}
		behind = round.Behind
	}
	l.figure("entries projected into statements", "entries/s", "", books.posted()*int64(time.Second)/int64(time.Since(last)))

	account := ledger.Account{Tenant: tenant, Code: ledger.PSPReceivable, Currency: "EUR"}
	anywhere := func() time.Time { return first.Add(rand.N(last.Sub(first))) }
	pages, err := percentile99(func() error {
		_, err := statement.ReadPage(ctx, db, statement.Query{Account: account, From: anywhere(), Limit: statementRows})
		return err
	})
	if err != nil {
		return err
	}
	balances, err := percentile99(func() error {
		_, err := statement.AsOf(ctx, db, account, anywhere())
		return err
	})
	if err != nil {
		return err
	}
	l.figure("statement page of 50 rows on an account with as many entries, p99", "µs", "< 10000", pages)
	l.figure("its balance as of any time, p99", "µs", "< 20000", balances)
	return nil
}

// percentile99 repeats a read, one after the other, and returns the time in microseconds within which 99 of 100 end.
func percentile99(read func() error) (int64, error) {
	times := make([]time.Duration, statementReads)
	for i := range times {
		began := time.Now()
		if err := read(); err != nil {
			return 0, err
		}
		times[i] = time.Since(began)
	}
	slices.Sort(times)
	return times[len(times)*99/100].Microseconds(), nil
}
