package graph

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
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

// BenchmarkCycle closes cycles of six in a graph of a million transfers within the window, ten of each party.
func BenchmarkCycle(b *testing.B) {
	limits := DefaultLimits()
	parties := benchParties(Customer, 100_000)
	random := rand.New(rand.NewPCG(3, 4))
	g := newGraph(b, limits)
	const transfers = 1_000_000
	window := limits.Patterns[Cycle].Window.Milliseconds()
	move := func(from, to int, time int64, ref int64) []Finding {
		found, err := g.Move(Transfer{From: parties[from], To: parties[to], Amount: 1000_00, Time: time, Ref: Ref{Position: ref}}, time)
		if err != nil {
			b.Fatal(err)
		}
		return found
	}
	g.limits.Patterns = Patterns{} // while it is filled
	for i := range int64(transfers) {
		from := random.IntN(len(parties))
		move(from, (from+1+random.IntN(len(parties)-1))%len(parties), benchStart+i*(window/2)/transfers, i+1)
	}
	g.limits.Patterns = limits.Patterns
	at, ref := int64(benchStart+window/2), int64(transfers)
	slowest := time.Duration(0)
	for b.Loop() {
		b.StopTimer()
		at += 10
		ring := random.Perm(len(parties))[:6]
		for i := range 5 {
			ref++
			move(ring[i], ring[i+1], at+int64(i), ref)
		}
		ref++
		b.StartTimer()
		began := time.Now()
		found := move(ring[5], ring[0], at+5, ref)
		slowest = max(slowest, time.Since(began))
		closed := false
		for _, f := range found {
			closed = closed || f.Pattern == Cycle && len(f.Members) == 6
		}
		if !closed {
			b.Fatal("the cycle was not found")
		}
	}
	b.ReportMetric(float64(slowest.Microseconds())/1000, "slowest-ms")
}
