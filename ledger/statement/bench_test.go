package statement

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/weirhq/weir/ledger"
)

var lines = flag.Int("lines", 20_000, "lines of the account that benchmarks read")

// benchBooks are deposits of a thousand customers, a second apart; every one of them touches receivable.
func benchBooks(b *testing.B, partitions, n int) *books {
	books := newBooks(b, partitions)
	const batch = 2000
	for at := 0; at < n; at += batch {
		entries := make([]ledger.Entry, min(batch, n-at))
		for i := range entries {
			number := at + i
			c := customer(fmt.Sprint("customer-", number%1000))
			e, err := ledger.DepositCaptured(c, 100, 0, ledger.Standing{})
			if err != nil {
				b.Fatal(err)
			}
			e.ID = ledger.EntryID{Partition: int32(number % partitions), Position: int64(number / partitions)}
			e.At = epoch.Add(time.Duration(number) * time.Second)
			entries[i] = e
		}
		books.write(b, 0, entries...)
		books.entries = nil
	}
	return books
}

// BenchmarkProject is what the projection takes for an entry of two postings.
func BenchmarkProject(b *testing.B) {
	books := benchBooks(b, 4, *lines)
	for b.Loop() {
		if err := Rebuild(b.Context(), books.db); err != nil {
			b.Fatal(err)
		}
		if _, err := books.db.Pool.Exec(b.Context(), `TRUNCATE statement_lines`); err != nil {
			b.Fatal(err)
		}
		books.project(b, NewProjector(books.db, 0))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(*lines), "ns/entry")
	var table, index int64
	row := books.db.Pool.QueryRow(b.Context(), `SELECT pg_table_size('statement_lines'), pg_indexes_size('statement_lines')`)
	if err := row.Scan(&table, &index); err == nil { // PostgreSQL
		b.ReportMetric(float64(table+index)/float64(*lines), "B/entry")
	}
}

// BenchmarkIdleRound is what a process spends five times a second where nothing lags.
func BenchmarkIdleRound(b *testing.B) {
	books := benchBooks(b, 64, 64)
	p := NewProjector(books.db, 0)
	books.project(b, p)
	for b.Loop() {
		if _, err := p.Round(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRead reads pages of 50 lines, and balances, at any time of an account.
func BenchmarkRead(b *testing.B) {
	for _, partitions := range []int{1, 4, 64} {
		b.Run(fmt.Sprint("partitions-", partitions), func(b *testing.B) { benchmarkReads(b, partitions) })
	}
}

func benchmarkReads(b *testing.B, partitions int) {
	books := benchBooks(b, partitions, *lines)
	books.project(b, NewProjector(books.db, 0))
	anywhere := func() time.Time { return epoch.Add(rand.N(time.Duration(*lines) * time.Second)) }
	for name, read := range map[string]func() error{
		"page-forth": func() error {
			_, err := ReadPage(b.Context(), books.db, Query{Account: receivable, From: anywhere(), Limit: 50})
			return err
		},
		"page-back": func() error {
			_, err := ReadPage(b.Context(), books.db, Query{Account: receivable, To: anywhere(), Limit: 50})
			return err
		},
		"as-of": func() error { _, err := AsOf(b.Context(), books.db, receivable, anywhere()); return err },
	} {
		b.Run(name, func(b *testing.B) {
			var times []time.Duration
			for b.Loop() {
				began := time.Now()
				if err := read(); err != nil {
					b.Fatal(err)
				}
				times = append(times, time.Since(began))
			}
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), "p99-us")
		})
	}
}
