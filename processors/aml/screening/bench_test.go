package screening_test

import (
	"slices"
	"testing"
	"time"

	"github.com/weirhq/weir/processors/aml/screening"
	"github.com/weirhq/weir/processors/aml/screening/fiction"
	"github.com/weirhq/weir/processors/aml/screening/lists"
)

// BenchmarkName is one name against 50,000 entries, each of several names; one customer in twenty is on the list.
func BenchmarkName(b *testing.B) {
	f := fiction.New(7)
	l := made(b, "large", f.List("large", 50_000))
	all := []*lists.List{l}
	began := time.Now()
	ix := screening.NewIndex(screening.Entries(all), screening.Count(all), screening.DefaultThreshold)
	built := time.Since(began)
	customers := f.Customers(20_000, screening.Entries(all), 20)
	search := ix.NewSearch()
	var took []time.Duration
	hits := 0
	for i := 0; b.Loop(); i++ {
		began := time.Now()
		hits += len(search.Hits(customers[i%len(customers)]))
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64(hits)/float64(len(took)), "hits/name")
	b.ReportMetric(float64(ix.Len()), "names")
	b.ReportMetric(built.Seconds(), "s-to-build")
}

// BenchmarkCustomers is customers against a list of 50,000 entries that is new, on all cores.
func BenchmarkCustomers(b *testing.B) {
	f := fiction.New(8)
	all := []*lists.List{made(b, "large", f.List("large", 50_000))}
	ix := screening.NewIndex(screening.Entries(all), screening.Count(all), screening.DefaultThreshold)
	customers := f.Customers(20_000, screening.Entries(all), 1000)
	screened := 0
	began := time.Now()
	for b.Loop() {
		ix.Each(customers, 2)
		screened += len(customers)
	}
	rate := float64(screened) / time.Since(began).Seconds()
	b.ReportMetric(rate, "customers/s")
	b.ReportMetric(1e6/rate/60, "minutes/million")
}
