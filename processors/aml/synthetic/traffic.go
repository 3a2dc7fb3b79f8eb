package synthetic

import "github.com/weirhq/weir/processors/aml/behaviour"

// traffic is what everybody does who is not silent.
func (g *generator) traffic() {
	for i := range g.all {
		if p := &g.all[i]; !p.silent {
			g.normal(p)
			if g.chance(20) {
				g.friends(i)
			}
		}
	}
	for range len(g.all) / 200 {
		g.club()
		g.business()
	}
}

// normal: deposits of about the usual size, each followed by play; now and then a payout to where deposits came from.
func (g *generator) normal(p *person) {
	deposits := g.days * int64(p.weekly) / 70
	for range deposits {
		at := start + g.random.Int64N((g.days-2)*day)
		from := p.instruments[g.random.IntN(len(p.instruments))]
		amount := p.usual * g.between(50, 200) / 100
		if g.chance(30) {
			amount = max(amount/10_00, 1) * 10_00
		}
		g.use(p, p.device, at)
		g.use(p, p.ip, at+1000)
		g.money(behaviour.Deposit, p, from, amount, at+2000)
		g.play(p, amount, at+hour)
		if g.chance(20) {
			g.money(behaviour.Payout, p, from, amount*g.between(50, 180)/100, at+g.between(20*hour, 40*hour))
		}
		if g.chance(1) {
			g.money(behaviour.Refund, p, from, amount, at+g.between(hour, 3*hour))
		}
	}
	if deposits > 0 {
		g.use(p, p.home, start+g.random.Int64N(day))
	}
}

// friends: small sums to a few who live near, and some of them back.
func (g *generator) friends(i int) {
	for range g.between(1, g.days/15) {
		j := (i + 1 + g.random.IntN(4)) % len(g.all)
		at, amount := start+g.random.Int64N((g.days-10)*day), g.between(10_00, 90_00)
		g.transfer(&g.all[i], &g.all[j], amount, at)
		if g.chance(30) {
			g.transfer(&g.all[j], &g.all[i], amount*g.between(80, 120)/100, at+g.between(day, 5*day))
		}
	}
}

// club: a treasurer collects small sums from many at the beginning of a month.
func (g *generator) club() {
	treasurer := g.random.IntN(len(g.all))
	members := g.between(8, 20)
	for month := range g.days / 30 {
		for m := range members {
			member := (treasurer + 10 + int(m)*3) % len(g.all)
			g.transfer(&g.all[member], &g.all[treasurer], 25_00, start+month*30*day+g.random.Int64N(2*day))
		}
	}
}

// business: wages for a few each month.
func (g *generator) business() {
	owner := g.random.IntN(len(g.all))
	staff := g.between(2, 8) // some are as many as a fan-out has
	for month := range g.days / 30 {
		for s := range staff {
			worker := (owner + 20 + int(s)*2) % len(g.all)
			g.transfer(&g.all[owner], &g.all[worker], g.between(900_00, 2200_00), start+month*30*day+25*day+g.random.Int64N(4*hour))
		}
	}
}
