package fsck

import (
	"context"
	"fmt"
	"strings"

	"github.com/weirhq/weir/processors/payments/gaming"
	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/topics"
)

// maxLimited is how many customers with limits are folded in one partition, about 500 B each.
const maxLimited = 200_000

// limits folds what the events of the log say of customers' responsible-gaming limits.
type limits struct {
	of     map[customer]*gaming.State
	unsure bool // there are more than are kept
}

type customer struct{ tenant, id string }

// state is what is known of a customer, nil where it is not kept.
func (l *limits) state(tenant, id string) *gaming.State {
	s := l.of[customer{tenant, id}]
	if s == nil && !l.unsure {
		if l.unsure = len(l.of) == maxLimited; l.unsure {
			return nil
		}
		s = new(gaming.State)
		l.of[customer{strings.Clone(tenant), strings.Clone(id)}] = s
	}
	return s
}

// paid folds an event of a payment. Its texts may be parts of what it was read from.
func (l *limits) paid(e *topics.PaymentEvent) {
	if e.Counted == nil {
		return
	}
	if s := l.state(e.Tenant, e.CustomerID); s != nil {
		c := topics.GamingCount{Day: strings.Clone(e.Counted.Day), Amount: e.Counted.Amount, From: strings.Clone(e.Counted.From)}
		s.CountDeposit(&c, strings.Clone(e.Currency))
	}
}

// played folds an event of a wallet that changes what limits know.
func (p *partitionCheck) played(e *topics.WalletEvent) {
	s := p.limits.state(e.Tenant, e.CustomerID)
	if s == nil {
		return
	}
	own := *e
	own.Currency = strings.Clone(e.Currency)
	if e.Counted != nil {
		own.Counted = &topics.GamingCount{Day: strings.Clone(e.Counted.Day), Amount: e.Counted.Amount, Seconds: e.Counted.Seconds}
	}
	if e.Setting != nil {
		setting := *e.Setting
		setting.Kind, setting.Period = topics.GamingKind(strings.Clone(string(setting.Kind))), topics.GamingPeriod(strings.Clone(string(setting.Period)))
		setting.SetBy, setting.Currency = topics.GamingSetter(strings.Clone(string(setting.SetBy))), strings.Clone(setting.Currency)
		own.Setting = &setting
	}
	if err := wallets.EvolveLimits(s, &own); err != nil {
		p.problem("limit", "event "+e.EventID, "%v", err)
	}
}

type limitRow struct {
	ID               [16]byte
	Tenant, Customer string
	State            []byte
	Version          int64
}

const selectLimits = `SELECT id, tenant, customer, state, version FROM customer_limits WHERE partition = $1 AND id >= $2 ORDER BY id LIMIT $3`

// customerLimits compares what is stored of customers' limits with the log (G1, G2). A row that was changed after M is left
// out: the engine goes on.
func (p *partitionCheck) customerLimits(ctx context.Context) error {
	if p.limits.unsure {
		p.note("partition %d: limits of more than %d customers: they are not compared with the log", p.snapshot.partition, maxLimited)
		return nil
	}
	var from [16]byte
	for {
		rows, err := collect[limitRow](ctx, p.checker, selectLimits, p.snapshot.partition, from, pageRows)
		if err != nil {
			return fmt.Errorf("read limits of customers: %w", err)
		}
		for i := range rows {
			p.customerLimit(&rows[i])
		}
		if len(rows) < pageRows {
			break
		}
		from = after(rows[len(rows)-1].ID)
	}
	for c, s := range p.limits.of {
		if !s.Empty() {
			p.problem("limit", "limits of "+c.tenant+" "+c.id, "the log counts for them, there is no such row")
		}
	}
	return nil
}

func (p *partitionCheck) customerLimit(r *limitRow) {
	subject := "limits of " + r.Tenant + " " + r.Customer
	p.home("limit", subject, &madeBy{ID: r.ID, Tenant: r.Tenant, Customer: r.Customer}, wallets.Key(r.Tenant, r.Customer))
	folded := p.limits.of[customer{r.Tenant, r.Customer}]
	delete(p.limits.of, customer{r.Tenant, r.Customer})
	if r.Version >= p.next {
		return
	}
	var stored gaming.State
	if err := topics.Unmarshal(r.State, &stored); err != nil {
		p.problem("limit", subject, "%v", err)
		return
	}
	if folded == nil {
		folded = new(gaming.State)
	}
	for _, difference := range []struct {
		what         string
		stored, want any
	}{
		{"settings", settingsOf(&stored), settingsOf(folded)}, {"days", stored.Days, folded.Days}, {"last stake", stored.LastStake, folded.LastStake},
	} {
		if fmt.Sprint(difference.stored) != fmt.Sprint(difference.want) {
			p.problem("limit", subject, "%s %v, the fold of the events gives %v", difference.what, difference.stored, difference.want)
		}
	}
}

// settingsOf are the settings in words, in which times of equal moments are equal.
func settingsOf(s *gaming.State) (words []string) {
	for _, g := range s.Settings {
		next := "none"
		if g.Next != nil {
			next = fmt.Sprintf("%d from %s", g.Next.Limit, stamp(g.Next.From))
		}
		g.Next = nil
		words = append(words, fmt.Sprintf("%+v, next %s", g, next))
	}
	return words
}
