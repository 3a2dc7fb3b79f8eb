// Package synthetic makes up the traffic of a card and wallet business with games, and plants money laundering in it: each
// plant is labelled with its typology and its parties, so that monitoring can be measured. The same options give the same
// traffic. docs/aml.md says what each typology is.
//
// Normal traffic is deposits by one or two instruments, play, payouts back to them, transfers among friends, households that share
// devices and addresses, clubs whose treasurer is paid small sums by many, and businesses that pay wages.
package synthetic

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/weirhq/weir/processors/aml/behaviour"
	"github.com/weirhq/weir/processors/aml/graph"
)

// Event is what a record tells monitoring of a customer.
type Event struct {
	// Use: the customer used an instrument, and no money moved. Kind says nothing then.
	Use      bool
	Kind     behaviour.Kind
	Customer graph.Party
	// Other is the instrument, or the counterparty of a transfer, which stands here once, as TransferOut of who pays; zero for
	// play.
	Other  graph.Party
	Round  string // the game round of play
	Amount int64  // minor units
	Time   int64  // milliseconds since 1970
	Ref    graph.Ref
}

// Typology is a way of laundering money.
type Typology string

// The typologies: those of one customer's behaviour, and those of the graph, which have the names of its patterns.
const (
	Structuring     Typology = "structuring"
	RapidMovement   Typology = "rapid_movement"
	PassThrough     Typology = "pass_through"
	Dormant         Typology = "dormant_then_active"
	ManyCards       Typology = "many_cards"
	PayoutElsewhere Typology = "payout_elsewhere"
	RoundAmounts    Typology = "round_amounts"
	Deviation       Typology = "deviation"
	RefundAbuse     Typology = "refund_abuse"
	Collusion       Typology = "collusion"
)

// Typologies lists all, in the order in which they are planted.
func Typologies() []Typology {
	all := []Typology{Structuring, RapidMovement, PassThrough, Dormant, ManyCards, PayoutElsewhere, RoundAmounts, Deviation, RefundAbuse, Collusion}
	for _, p := range graph.AllPatterns() {
		all = append(all, Typology(p.String()))
	}
	return all
}

// Plant is a case that was planted.
type Plant struct {
	Typology Typology
	// Parties are those who take part: customers, and the shared instrument.
	Parties     []graph.Party
	First, Last int64 // times of its events, in milliseconds since 1970
}

// Options say what is made up.
type Options struct {
	Seed      uint64
	Customers int
	Days      int
	Plants    int // of each typology
}

// The least and the most that can be asked for.
const (
	minCustomers, maxCustomers = 100, 1_000_000
	minDays, maxDays           = 75, 365
	// plantParties is how many customers a plant of each typology takes together, at most.
	plantParties = 110
)

// World is traffic and what is planted in it.
type World struct {
	Events []Event // in the order of their times
	Plants []Plant
}

// start is the first day of all traffic.
var start = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC).UnixMilli()

const (
	hour = 60 * 60 * 1000
	day  = 24 * hour
)

// Generate makes up a world.
func Generate(o Options) (*World, error) {
	switch {
	case o.Customers < minCustomers || o.Customers > maxCustomers:
		return nil, fmt.Errorf("customers is %d, want %d to %d", o.Customers, minCustomers, maxCustomers)
	case o.Days < minDays || o.Days > maxDays:
		return nil, fmt.Errorf("days is %d, want %d to %d", o.Days, minDays, maxDays)
	case o.Plants < 0 || o.Plants*plantParties > o.Customers:
		return nil, fmt.Errorf("plants is %d, want 0 to %d: more would take more than the %d customers", o.Plants, o.Customers/plantParties, o.Customers)
	}
	g := &generator{random: rand.New(rand.NewPCG(o.Seed, 0x776569722d616d6c)), days: int64(o.Days)}
	g.people(o.Customers)
	g.pick = g.random.Perm(o.Customers)
	for _, typology := range Typologies() {
		for range o.Plants {
			g.plant(typology)
		}
	}
	g.traffic()
	slices.SortStableFunc(g.world.Events, func(a, b Event) int { return cmp.Compare(a.Time, b.Time) })
	for i := range g.world.Events {
		g.world.Events[i].Ref = graph.Ref{Position: int64(i)}
	}
	return &g.world, nil
}

// person is a customer and what he owns.
type person struct {
	party       graph.Party
	instruments []graph.Party // that money comes from and goes back to
	device      graph.Party
	ip          graph.Party
	home        graph.Party
	weekly      int   // deposits in ten weeks
	usual       int64 // deposit
	silent      bool  // has no traffic but what is planted
}

type generator struct {
	random *rand.Rand
	days   int64
	all    []person
	pick   []int // customers who take part in no plant yet
	world  World
	round  int
}

func party(kind graph.Kind, n int) graph.Party {
	return graph.Party{Kind: kind, ID: fmt.Sprintf("%s-%06d", strings.ReplaceAll(kind.String(), "_", "-"), n)}
}

// between draws a number from least to most.
func (g *generator) between(least, most int64) int64 { return least + g.random.Int64N(most-least+1) }

// chance is true so many times in a hundred.
func (g *generator) chance(percent int) bool { return g.random.IntN(100) < percent }

// people makes customers in households of up to three: these share a home, half of them a device, and an IP address unless
// a carrier's many customers do.
func (g *generator) people(n int) {
	for household := 0; len(g.all) < n; household++ {
		shared, size := g.chance(50), 1+g.random.IntN(3)
		ip := party(graph.IP, 1000+household)
		if g.chance(40) {
			ip = party(graph.IP, g.random.IntN(max(n/500, 1)))
		}
		for range min(size, n-len(g.all)) {
			i := len(g.all)
			p := person{party: party(graph.Customer, i), device: party(graph.Device, i), ip: ip, home: party(graph.Address, household),
				weekly: 1 + g.random.IntN(20), usual: g.between(10_00, 120_00)}
			if shared {
				p.device = party(graph.Device, 10_000_000+household)
			}
			p.instruments = append(p.instruments, party(graph.Card, i))
			if g.chance(30) {
				p.instruments = append(p.instruments, party(graph.BankAccount, i))
			}
			g.all = append(g.all, p)
		}
	}
}

func (g *generator) add(e Event) { g.world.Events = append(g.world.Events, e) }

func (g *generator) use(p *person, instrument graph.Party, at int64) {
	g.add(Event{Use: true, Customer: p.party, Other: instrument, Time: at})
}

func (g *generator) money(kind behaviour.Kind, p *person, other graph.Party, amount, at int64) {
	g.add(Event{Kind: kind, Customer: p.party, Other: other, Amount: amount, Time: at})
}

// transfer is from one customer to another, unless one of them is silent.
func (g *generator) transfer(from, to *person, amount, at int64) {
	if from.silent || to.silent || from == to {
		return
	}
	g.money(behaviour.TransferOut, from, to.party, amount, at)
}

// play stakes about an amount in some rounds, of which most is won back.
func (g *generator) play(p *person, amount, at int64) {
	rounds := g.between(2, 5)
	for i := range rounds {
		g.round++
		stake := max(amount*g.between(60, 140)/100/rounds, 1)
		id := fmt.Sprint("round-", g.round)
		g.add(Event{Kind: behaviour.Stake, Customer: p.party, Round: id, Amount: stake, Time: at + i*10*60*1000})
		if g.chance(45) {
			g.add(Event{Kind: behaviour.Win, Customer: p.party, Round: id, Amount: stake * g.between(120, 260) / 100, Time: at + i*10*60*1000 + 60*1000})
		}
	}
}

// CustomerID is what the i-th customer of every world is called.
func CustomerID(i int) string { return party(graph.Customer, i).ID }
