package graph

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
)

const benchStart = 1_790_000_000_000

// benchParties has names made beforehand.
func benchParties(kind Kind, n int) []Party {
	all := make([]Party, n)
	for i := range all {
		all[i] = Party{kind, fmt.Sprintf("%s-%08d", kind, i)}
	}
	return all
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkEvents folds the events of a card business: uses of cards, devices and addresses, deposits and payouts, and one
// transfer between customers in five, among 100,000 customers.
func BenchmarkEvents(b *testing.B) {
	customers, cards := benchParties(Customer, 100_000), benchParties(Card, 130_000)
	devices, ips := benchParties(Device, 120_000), benchParties(IP, 30_000)
	random := rand.New(rand.NewPCG(1, 2))
	g := newGraph(b, DefaultLimits())
	next := func(i int64) {
		at := benchStart + i*3000 // 28,800 a day
		c := random.IntN(len(customers))
		var err error
		switch random.IntN(5) {
		case 0:
			_, err = g.Observe(customers[c], devices[c%len(devices)], 0, When{at, at})
		case 1:
			_, err = g.Observe(customers[c], ips[random.IntN(len(ips))], 0, When{at, at})
		case 2:
			_, err = g.Move(Transfer{From: cards[c], To: customers[c], Amount: 50_00, Time: at, Ref: Ref{Position: i}}, at)
		case 3:
			_, err = g.Move(Transfer{From: customers[c], To: cards[c], Amount: 40_00, Time: at, Ref: Ref{Position: i}}, at)
		default:
			d := (c + 1 + random.IntN(20)) % len(customers)
			_, err = g.Move(Transfer{From: customers[c], To: customers[d], Amount: 20_00 + int64(random.IntN(100_00)), Time: at, Ref: Ref{Position: i}}, at)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	const warm = 300_000
	empty := heap()
	for i := range int64(warm) {
		next(i)
	}
	s := g.Stats()
	held := heap() - empty
	i := int64(warm)
	for b.Loop() {
		next(i)
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(held)/float64(s.Links+s.Transfers), "B/edge")
	b.ReportMetric(float64(s.Links+s.Transfers), "edges")
	runtime.KeepAlive(g)
}
