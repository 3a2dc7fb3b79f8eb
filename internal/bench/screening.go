package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/weirhq/weir/processors/aml/screening"
	"github.com/weirhq/weir/processors/aml/screening/fiction"
	"github.com/weirhq/weir/processors/aml/screening/lists"
)

const (
	listEntries     = 50_000
	namesOfRun      = 3000
	nameRuns        = 3
	newCustomers    = 10_000
	listedIn        = 20   // one of so many names that are looked up is on the list
	listedOfRegular = 1000 // one of so many customers is
)

// screening measures names against a list of made-up entries of up to three names each: the index, names one by one, and customers on
// all cores.
func (b *bench) screening(ctx context.Context) error {
	made := fiction.New(7)
	dir := filepath.Join(b.dir, "lists")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "large.csv"), []byte(made.List("large", listEntries)), 0o600); err != nil {
		return err
	}
	empty, began := heap(), time.Now()
	all, err := lists.Load(os.DirFS(dir))
	if err != nil {
		return err
	}
	entries := screening.Entries(all)
	read := time.Since(began)
	ix := screening.NewIndex(entries, screening.Count(all), screening.DefaultThreshold)
	indexed := time.Since(began)
	of := fmt.Sprintf("list of %d entries, %d names", listEntries, ix.Len())
	b.figure(of+": read and checked", "ms", "", read.Milliseconds())
	b.figure(of+": indexed", "ms", "", (indexed - read).Milliseconds())
	b.figure(of+": memory, index included", "MiB", "", (heap()-empty)>>20)
	if err := b.screenNames(ctx, ix, made.Customers(nameRuns*namesOfRun, entries, listedIn)); err != nil {
		return err
	}

	customers := made.Customers(newCustomers, entries, listedOfRegular)
	began = time.Now()
	ix.Each(customers, runtime.GOMAXPROCS(0))
	took := time.Since(began)
	b.figure("customers screened, all cores", "/s", "", int64(newCustomers*time.Second/took))
	b.figure("1,000,000 customers against a new list, at that rate", "s", "< 600", int64(took*(1_000_000/newCustomers)/time.Second))
	return ctx.Err()
}

// screenNames looks names up one by one and times each.
func (b *bench) screenNames(ctx context.Context, ix *screening.Index, subjects []screening.Subject) error {
	search, hits := ix.NewSearch(), 0
	var p50, p99 []int64
	for run := range slices.Chunk(subjects, namesOfRun) {
		times := make([]time.Duration, len(run))
		for i := range run {
			began := time.Now()
			hits += len(search.Hits(run[i]))
			times[i] = time.Since(began)
		}
		slices.Sort(times)
		p50 = append(p50, times[len(times)/2].Microseconds())
		p99 = append(p99, times[len(times)*99/100].Microseconds())
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	if hits < len(subjects)/listedIn/2 {
		return errors.New("too few of those who are on the list were found")
	}
	b.figure("one name screened, p50", "µs", "", p50...)
	b.figure("one name screened, p99", "µs", "≤ 1000", p99...)
	return nil
}

// heap is how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
