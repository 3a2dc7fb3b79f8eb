package fsck

import (
	"context"
	"fmt"
	"time"

	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/payments/payouts"
	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/topics"
)

// sources adds up where customers' deposits came from, and what payouts took of them: by the payments and payouts of the
// partition, each of which was compared with its events.
type sources struct {
	of     map[customer]*customerSources
	unsure bool // there are more than are kept
}

// customerSources is what one customer's rows add up to.
type customerSources struct {
	deposited map[source]int64
	paidOut   map[source]payouts.Taken
	known     map[source]bool // what ever brought or took back anything
	times     map[source]depositTimes
	unsure    bool // something of theirs was changed after M
}

// depositTimes are the deposits of one source.
type depositTimes struct {
	first, newest time.Time
	latest        time.Time // event of a payment that brought one: sources that were counted at once tell of that
	position      int64     // of the newest
	reference     string    // the PSP's, of the newest; "" where several are of its time
}

type source struct{ psp, card, currency string }

// state is what is known of a customer, nil where it is not kept.
func (s *sources) state(tenant, id string) *customerSources {
	c := s.of[customer{tenant, id}]
	if c == nil && !s.unsure {
		if s.unsure = len(s.of) == maxLimited; s.unsure {
			return nil
		}
		c = &customerSources{deposited: map[source]int64{}, paidOut: map[source]payouts.Taken{}, known: map[source]bool{}, times: map[source]depositTimes{}}
		s.of[customer{tenant, id}] = c
	}
	return c
}

// deposited adds what a payment brought.
func (s *sources) deposited(p *lifecycle.Payment, later bool) {
	if t := p.Totals(); t.Captured == 0 && t.Refunding == 0 && t.Refunded == 0 && t.Disputed == 0 && !later || p.Card == nil {
		return
	}
	if c := s.state(p.Tenant, p.Customer); c != nil {
		from := source{p.PSP, p.Card.Token, string(p.Currency)}
		c.unsure = c.unsure || later
		c.known[from] = true
		c.deposited[from] += payouts.Deposited(p)
	}
}

// deposit notes when a payment brought something.
func (s *sources) deposit(p *lifecycle.Payment, at time.Time, position int64) {
	c := s.state(p.Tenant, p.Customer)
	if c == nil || p.Card == nil {
		return
	}
	from := source{p.PSP, p.Card.Token, string(p.Currency)}
	t, there := c.times[from]
	if !there || at.Before(t.first) {
		t.first = at
	}
	switch reference := p.PSPReference; {
	case there && at.Equal(t.newest) && reference != t.reference:
		t.reference, t.position = "", max(t.position, position)
	case !there || position >= t.position:
		t.newest, t.position, t.reference = at, position, reference
	}
	c.times[from] = t
}

// told notes when the last event of a payment that may have brought something was.
func (s *sources) told(p *lifecycle.Payment, at time.Time) {
	c := s.of[customer{p.Tenant, p.Customer}]
	if c == nil || p.Card == nil {
		return
	}
	from := source{p.PSP, p.Card.Token, string(p.Currency)}
	if t, there := c.times[from]; there && at.After(t.latest) {
		t.latest = at
		c.times[from] = t
	}
}

// differs says what a source tells otherwise of its newest deposit, "" for nothing.
func (t *depositTimes) differs(s *payouts.Source) string {
	switch {
	case s.Last.Equal(t.newest) && t.reference != "" && s.Reference != t.reference:
		return fmt.Sprintf("the newest deposit is %q to the PSP, its payment says %q", s.Reference, t.reference)
	case s.Last.Before(t.first) || s.Last.After(t.latest):
		return fmt.Sprintf("the newest deposit was at %s, its payments say from %s to %s", stamp(s.Last), stamp(t.first), stamp(t.latest))
	}
	return ""
}

// paidOut adds what a payout took.
func (s *sources) paidOut(p *payouts.Payout, later bool) {
	taken := p.Taken()
	if p == nil || taken.Amount == 0 && !later || p.Data.Destination == nil || p.Data.Destination.Card == nil {
		return
	}
	if c := s.state(p.Tenant, p.Customer); c != nil {
		c.unsure = c.unsure || later
		from := source{p.Data.Destination.PSP, p.Data.Destination.Card.Token, string(p.Currency)}
		sum := c.paidOut[from]
		c.paidOut[from] = payouts.Taken{Amount: sum.Amount + taken.Amount, Open: sum.Open + taken.Open}
	}
}

// builtRow tells how far deposits are counted, and what else there is already.
type builtRow struct{ Done, Begun, Counted, PaidOut bool }

type sourcesRow struct {
	ID               [16]byte
	Tenant, Customer string
	State            []byte
	Version          int64
}

// depositSources compares what is stored of where deposits came from. A row that was changed after M is left out, and so is
// what a customer has above payouts.MaxSources: the engine goes on.
func (p *partitionCheck) depositSources(ctx context.Context) error {
	built, err := collect[builtRow](ctx, p.checker, `SELECT EXISTS (SELECT 1 FROM deposit_sources_built WHERE partition = $1 AND done),
	EXISTS (SELECT 1 FROM deposit_sources_built WHERE partition = $1 AND place <> '00000000-0000-0000-0000-000000000000'),
	EXISTS (SELECT 1 FROM deposit_sources WHERE partition = $1), EXISTS (SELECT 1 FROM payouts WHERE partition = $1)`, p.snapshot.partition)
	if err != nil {
		return fmt.Errorf("read whether deposits are counted: %w", err)
	}
	if b := built[0]; !b.Done {
		// Nobody of this release has opened the partition yet, or is doing it now. There are no payouts before it is done.
		if b.PaidOut || b.Counted && !b.Begun {
			p.problem("source", "deposit_sources_built", "it does not say that deposits are counted, but there are rows of deposit_sources or payouts: the partition cannot be opened")
		}
		return nil
	}
	if p.sources.unsure {
		p.note("partition %d: deposits of more than %d customers: where they came from is not compared", p.snapshot.partition, maxLimited)
		return nil
	}
	var from [16]byte
	for {
		rows, err := collect[sourcesRow](ctx, p.checker, `SELECT id, tenant, customer, state, version FROM deposit_sources
WHERE partition = $1 AND id >= $2 ORDER BY id LIMIT $3`, p.snapshot.partition, from, pageRows)
		if err != nil {
			return fmt.Errorf("read where deposits came from: %w", err)
		}
		for i := range rows {
			p.depositSource(&rows[i])
		}
		if len(rows) < pageRows {
			break
		}
		from = after(rows[len(rows)-1].ID)
	}
	for c, s := range p.sources.of {
		for from, amount := range s.deposited {
			if amount != 0 && !s.unsure {
				p.problem("source", "deposits of "+c.tenant+" "+c.id, "%d %s came from a card at %s, there is no such row", amount, from.currency, from.psp)
			}
		}
	}
	return nil
}

func (p *partitionCheck) depositSource(r *sourcesRow) {
	subject, key := "deposits of "+r.Tenant+" "+r.Customer, customer{r.Tenant, r.Customer}
	p.home("source", subject, &madeBy{ID: r.ID, Tenant: r.Tenant, Customer: r.Customer}, wallets.Key(r.Tenant, r.Customer))
	sums := p.sources.of[key]
	delete(p.sources.of, key)
	if sums == nil {
		sums = new(customerSources)
	}
	var stored payouts.Sources
	if err := topics.Unmarshal(r.State, &stored); err != nil {
		p.problem("source", subject, "%v", err)
		return
	}
	if r.Version >= p.next || sums.unsure {
		return
	}
	if len(sums.known) > payouts.MaxSources {
		return
	}
	if stored.More {
		p.problem("source", subject, "it says that there were more cards than %d, its payments used %d", payouts.MaxSources, len(sums.known))
	}
	for _, s := range stored.All {
		from := source{s.PSP, s.Card.Token, string(s.Currency)}
		taken := sums.paidOut[from]
		if s.Deposited != sums.deposited[from] || s.PaidOut != taken.Amount || s.Open != taken.Open {
			p.problem("source", subject, "a card at %s brought %d %s and was paid %d, of which %d is under way, its payments and payouts say %d, %d and %d",
				s.PSP, s.Deposited, s.Currency, s.PaidOut, s.Open, sums.deposited[from], taken.Amount, taken.Open)
		}
		t := sums.times[from]
		if difference := t.differs(&s); difference != "" {
			p.problem("source", subject, "a card at %s: %s", s.PSP, difference)
		}
		if s.Rest() < 0 || s.Over < 0 {
			p.problem("source", subject, "%d %s waits to go back to a card at %s, %d went above what it brought: neither can be below zero", s.Rest(), s.Currency, s.PSP, s.Over)
		}
		delete(sums.deposited, from)
	}
	for from, amount := range sums.deposited {
		if amount != 0 {
			p.problem("source", subject, "%d %s came from a card at %s that it does not know", amount, from.currency, from.psp)
		}
	}
}
