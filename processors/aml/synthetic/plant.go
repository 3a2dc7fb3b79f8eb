package synthetic

import (
	"fmt"

	"github.com/weirhq/weir/processors/aml/behaviour"
	"github.com/weirhq/weir/processors/aml/graph"
)

// plant plants a case of a typology among customers who take part in no other.
func (g *generator) plant(typology Typology) {
	first := len(g.world.Events)
	begin := start + g.between(12, g.days-25)*day + g.random.Int64N(12*hour)
	g.world.Plants = append(g.world.Plants, Plant{Typology: typology})
	switch typology {
	case Structuring, RapidMovement, PassThrough, Dormant, ManyCards, PayoutElsewhere, RoundAmounts, Deviation, RefundAbuse:
		g.single(typology, g.take(), begin)
	case Collusion:
		g.collusion(begin)
	case Typology(graph.SharedInstrument.String()):
		g.shared(begin)
	default:
		g.flows(typology, begin)
	}
	p := &g.world.Plants[len(g.world.Plants)-1]
	p.First = g.world.Events[first].Time
	for _, e := range g.world.Events[first:] {
		p.First, p.Last = min(p.First, e.Time), max(p.Last, e.Time)
	}
}

// take makes a customer a party of the case that is planted.
func (g *generator) take() *person {
	p := &g.all[g.pick[0]]
	g.pick = g.pick[1:]
	g.party(p.party)
	return p
}

func (g *generator) party(p graph.Party) {
	plant := &g.world.Plants[len(g.world.Plants)-1]
	plant.Parties = append(plant.Parties, p)
}

func (g *generator) several(least, most int64) []*person {
	var all []*person
	for range g.between(least, most) {
		all = append(all, g.take())
	}
	return all
}

// single plants what one customer does.
func (g *generator) single(typology Typology, p *person, begin int64) {
	card := p.instruments[0]
	other := party(graph.BankAccount, 20_000_000+len(g.world.Events)) // nobody deposits from it
	switch typology {
	case Structuring: // deposits just below the threshold, one or two a day
		for i := range g.between(5, 8) {
			g.money(behaviour.Deposit, p, card, g.between(8_200_00, 9_950_00), begin+i*14*hour)
		}
	case RapidMovement: // in, and out again within a day
		for i := range g.between(3, 5) {
			amount, at := g.between(3_000_00, 7_000_00), begin+i*3*day
			g.money(behaviour.Deposit, p, card, amount, at)
			g.money(behaviour.Payout, p, card, amount*g.between(90, 98)/100, at+g.between(2*hour, 20*hour))
		}
	case PassThrough: // in, next to no play, out
		for i := range g.between(4, 6) {
			amount, at := g.between(1_000_00, 2_500_00), begin+i*4*day
			g.money(behaviour.Deposit, p, card, amount, at)
			g.play(p, amount*3/100, at+hour)
			g.money(behaviour.Payout, p, card, amount*g.between(90, 97)/100, at+g.between(25*hour, 60*hour))
		}
	case Dormant: // a little at first, nothing for eight weeks, then much
		p.silent = true
		g.money(behaviour.Deposit, p, card, g.between(10_00, 40_00), start+g.between(0, 2*day))
		begin = start + g.between(62, g.days-10)*day
		for i := range g.between(4, 7) {
			g.money(behaviour.Deposit, p, card, g.between(1_500_00, 4_000_00), begin+i*day)
			g.money(behaviour.Payout, p, card, g.between(1_200_00, 3_000_00), begin+i*day+30*hour)
		}
	case ManyCards:
		for i := range g.between(8, 14) {
			g.money(behaviour.Deposit, p, party(graph.Card, 30_000_000+len(g.world.Events)), g.between(50_00, 300_00), begin+i*18*hour)
		}
	case PayoutElsewhere: // deposits by card, payouts to an account that never paid in
		for i := range g.between(3, 5) {
			amount, at := g.between(800_00, 2_000_00), begin+i*3*day
			g.money(behaviour.Deposit, p, card, amount, at)
			g.play(p, amount/2, at+hour)
			g.money(behaviour.Payout, p, other, amount*g.between(70, 95)/100, at+g.between(30*hour, 70*hour))
		}
	case RoundAmounts:
		for i := range g.between(8, 12) {
			g.money(behaviour.Deposit, p, card, 500_00*g.between(1, 4), begin+i*20*hour)
		}
	case Deviation: // a week of twenty times what is usual
		for i := range g.between(6, 10) {
			g.money(behaviour.Deposit, p, card, 20*p.usual*g.between(80, 120)/100, begin+i*16*hour)
		}
	case RefundAbuse:
		for i := range g.between(6, 10) {
			amount, at := g.between(80_00, 400_00), begin+i*30*hour
			g.money(behaviour.Deposit, p, card, amount, at)
			kind := behaviour.Refund
			if g.chance(40) {
				kind = behaviour.Dispute
			}
			g.money(kind, p, card, amount, at+g.between(3*hour, 4*day))
		}
	}
}

// collusion: some lose to the same one, round after round.
func (g *generator) collusion(begin int64) {
	winner, losers := g.take(), g.several(1, 3)
	for i := range g.between(15, 25) {
		loser := losers[int(i)%len(losers)]
		g.round++
		id, at, stake := fmt.Sprint("round-", g.round), begin+i*2*hour, g.between(150_00, 400_00)
		g.add(Event{Kind: behaviour.Stake, Customer: loser.party, Round: id, Amount: stake, Time: at})
		g.add(Event{Kind: behaviour.Stake, Customer: winner.party, Round: id, Amount: stake, Time: at + 1000})
		g.add(Event{Kind: behaviour.Win, Customer: winner.party, Round: id, Amount: 2 * stake, Time: at + 60*1000})
	}
}

// shared: one device behind many customers.
func (g *generator) shared(begin int64) {
	device := party(graph.Device, 40_000_000+len(g.world.Events))
	g.party(device)
	for i, p := range g.several(5, 9) {
		g.use(p, device, begin+int64(i)*9*hour)
		g.money(behaviour.Deposit, p, p.instruments[0], g.between(100_00, 300_00), begin+int64(i)*9*hour+60*1000)
	}
}

// flows plants a pattern of the graph, with some more than its fewest parties.
func (g *generator) flows(typology Typology, begin int64) {
	amount := func() int64 { return g.between(450_00, 900_00) }
	at := begin
	next := func() int64 { at += g.between(hour/2, 2*hour); return at }
	switch typology {
	case "fan_in", "fan_out":
		centre := g.take()
		for _, p := range g.several(9, 14) {
			if typology == "fan_in" {
				g.transfer(p, centre, amount(), next())
			} else {
				g.transfer(centre, p, amount(), next())
			}
		}
	case "cycle":
		ring, sum := g.several(3, 6), g.between(2_000_00, 5_000_00)
		for i := range ring {
			g.transfer(ring[i], ring[(i+1)%len(ring)], sum, next()+int64(i)*hour)
			sum = sum * g.between(94, 99) / 100
		}
	case "scatter_gather":
		source, middles, destination := g.take(), g.several(4, 7), g.take()
		sums := make([]int64, len(middles))
		for i, m := range middles {
			sums[i] = amount()
			g.transfer(source, m, sums[i], next())
		}
		for i, m := range middles {
			g.transfer(m, destination, sums[i]*g.between(90, 98)/100, next())
		}
	case "gather_scatter":
		centre := g.take()
		for _, p := range g.several(5, 7) {
			g.transfer(p, centre, amount(), next())
		}
		for _, p := range g.several(5, 7) {
			g.transfer(centre, p, amount(), next())
		}
	case "bipartite":
		g.layer(g.several(3, 4), g.several(3, 4), next, amount)
	case "stack":
		middles := g.several(3, 4)
		g.layer(g.several(3, 4), middles, next, amount)
		g.layer(middles, g.several(3, 4), next, amount)
	}
}

// layer: each of some pays each of others.
func (g *generator) layer(from, to []*person, next, amount func() int64) {
	for _, p := range from {
		for _, q := range to {
			g.transfer(p, q, amount(), next())
		}
	}
}
