package payouts

import (
	"fmt"
	"slices"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// MaxSources bounds the cards of one customer that are known as sources of deposits. One more takes the place of the one whose
// last deposit is oldest among those of which nothing waits to be paid back, or is on its way and may come back; where there is
// none, it is not known.
const MaxSources = 32

// Sources are the cards that a customer deposited with, as the closed loop needs them: money goes back to where it came from
// first. It is the fold of what payments captured and refunded, and of what payouts took; the zero Sources are of a customer
// who never deposited.
type Sources struct {
	All []Source `json:"all,omitempty"`
	// More says that there were more than MaxSources: sums may lack what the others had.
	More bool `json:"more,omitempty"`
}

// Source is a card at a PSP, in one currency. Amounts are minor units.
type Source struct {
	PSP       string
	Currency  ledger.Currency
	Card      topics.Card
	Reference string // the PSP's, of the last deposit
	Deposited int64  // captured, less what was refunded or is being refunded
	PaidOut   int64  // what payouts took of it that were paid or are under way
	Open      int64  // of PaidOut, what is under way
	// Over is what went back to the card above what was deposited: a refund that was made at the PSP, a payout that was paid
	// after its money had been given back. What is deposited later waits all the same.
	Over int64
	Last time.Time // deposit
}

// Rest is what waits to be paid back. It is never below zero.
func (s *Source) Rest() int64 { return s.Deposited - s.PaidOut + s.Over }

// change folds what was deposited and what a payout took. What comes back of a payout is what went above first.
func (s *Source) change(deposited, paidOut int64) {
	s.Deposited += deposited
	s.PaidOut += paidOut
	if paidOut < 0 {
		s.Over -= min(s.Over, -paidOut)
	}
	s.Over = max(s.Over, s.PaidOut-s.Deposited)
}

// Empty says that there is nothing to keep.
func (s *Sources) Empty() bool { return len(s.All) == 0 && !s.More }

// Size is about how many bytes it takes in memory.
func (s *Sources) Size() int { return 300 * len(s.All) }

// Find is the source of a card at a PSP in a currency, nil where there is none.
func (s *Sources) Find(psp, token string, currency ledger.Currency) *Source {
	for i := range s.All {
		if a := &s.All[i]; a.PSP == psp && a.Card.Token == token && a.Currency == currency {
			return a
		}
	}
	return nil
}

// Deposited is what a payment has brought and not given back, or is giving back, nor lost to a dispute; below zero where more
// went back.
func Deposited(p *lifecycle.Payment) int64 {
	if p == nil {
		return 0
	}
	return p.Left()
}

// Deposit folds the change of what a payment has brought. It returns whether anything changed.
func (s *Sources) Deposit(p *lifecycle.Payment, change int64, at time.Time) bool {
	if change == 0 || p.Card == nil {
		return false
	}
	source := s.Find(p.PSP, p.Card.Token, p.Currency)
	if source == nil {
		if source = s.place(); source == nil {
			changed := !s.More
			s.More = true
			return changed
		}
		*source = Source{PSP: p.PSP, Currency: p.Currency, Card: *p.Card}
	}
	source.change(change, 0)
	if change > 0 {
		source.Reference, source.Last = p.PSPReference, at.UTC()
	}
	return true
}

// place is where a new source goes, nil where there is no room.
func (s *Sources) place() *Source {
	if len(s.All) < MaxSources {
		s.All = append(s.All, Source{})
		return &s.All[len(s.All)-1]
	}
	s.More = true
	var oldest *Source
	for i := range s.All {
		if a := &s.All[i]; a.Rest() == 0 && a.Open == 0 && (oldest == nil || a.Last.Before(oldest.Last)) {
			oldest = a
		}
	}
	return oldest
}

// Taken is what a payout took of what waited for its card when it was created; above that, it pays out what was won.
type Taken struct {
	Amount int64 // of what went out, or may
	Open   int64 // of Amount, what is under way
}

// Taken is nothing of the nil payout.
func (p *Payout) Taken() (t Taken) {
	if p == nil || p.Data.Destination == nil {
		return t
	}
	t.Amount = min(p.Out(), p.Data.Destination.Amount)
	if p.Place == PlaceHold || p.Place == PlaceFlight {
		t.Open = t.Amount
	}
	return t
}

// PayOut folds the change of what a payout takes, which took before what is told. It returns whether anything changed.
func (s *Sources) PayOut(p *Payout, before Taken) bool {
	now := p.Taken()
	if now == before {
		return false
	}
	to := p.Data.Destination
	source := s.Find(to.PSP, to.Card.Token, p.Currency)
	if source == nil {
		return false // its place was taken
	}
	source.change(0, now.Amount-before.Amount)
	source.Open += now.Open - before.Open
	return true
}

// destination is where a payout goes. Where any card in its currency has money that waits to be paid back, the payout goes to
// one of those, and is not above what waits there: to the card that the command names, else to the one with the newest deposit
// of those with enough. Where none has, it goes to the card that the command names, if the customer deposited with it or the
// loop is open, else to the one with the newest deposit. Cards at a PSP that pays nothing out are passed over, but what waits there
// is given back, by a refund, before what was won is paid out. It is nil where it must be refused; possible is then the most that
// could be asked for, nil where nothing could.
func (d *decision) destination(c *topics.PayoutCommand) (to, possible *topics.PayoutDestination, why string) {
	var known []*Source // newest first
	currency := ledger.Currency(c.Currency)
	for i := range d.Sources.All {
		if d.Sources.All[i].Currency == currency {
			known = append(known, &d.Sources.All[i])
		}
	}
	slices.SortStableFunc(known, func(a, b *Source) int { return b.Last.Compare(a.Last) })
	var most, enough, named, stuck, newest *Source
	for _, s := range known {
		if !d.limits.pays(s.PSP) {
			if stuck == nil || stuck.Rest() == 0 {
				stuck = s
			}
			continue
		}
		if newest == nil {
			newest = s
		}
		asked := c.Card == nil || c.Card.Token == s.Card.Token
		if s.Rest() > 0 && (most == nil || s.Rest() > most.Rest()) {
			most = s
		}
		if asked && named == nil {
			named = s
		}
		if asked && enough == nil && s.Rest() >= c.Amount {
			enough = s
		}
	}
	money := func(minor int64) ledger.Money { return ledger.Money{Minor: minor, Currency: currency} }
	switch {
	case enough != nil:
		return enough.destination(), nil, ""
	case most != nil:
		return nil, most.destination(), fmt.Sprintf("what was deposited goes back to its card first: %s waits to go back to the card of possible.card, %s was asked for; ask for at most that, to that card or to none, and for the rest after it", money(most.Rest()), money(c.Amount))
	case stuck != nil && stuck.Rest() > 0:
		return nil, nil, fmt.Sprintf("what was deposited goes back to its card first: %s waits at %s, which pays nothing out; refund the deposits there", money(stuck.Rest()), stuck.PSP)
	case named != nil:
		return named.destination(), nil, ""
	case c.Card != nil && d.limits.OpenLoop && !d.limits.pays(d.limits.PSP):
		return nil, nil, fmt.Sprintf("a card that was never deposited with is paid by %s (payments.psp), which pays nothing out", d.limits.PSP)
	case c.Card != nil && d.limits.OpenLoop:
		return &topics.PayoutDestination{PSP: d.limits.PSP, Card: c.Card}, nil, ""
	case newest != nil:
		return nil, newest.destination(), "card: the customer never deposited with it; want one that was deposited with, or none"
	case stuck != nil:
		return nil, nil, fmt.Sprintf("the customer deposited in %s at %s alone, which pays nothing out", currency, stuck.PSP)
	case d.limits.OpenLoop:
		return nil, nil, fmt.Sprintf("card: is missing, and the customer never deposited with a card in %s", currency)
	}
	return nil, nil, fmt.Sprintf("the customer never deposited with a card in %s, and payouts go to no other (payouts.closed_loop)", currency)
}

func (s *Source) destination() *topics.PayoutDestination {
	card := s.Card
	return &topics.PayoutDestination{PSP: s.PSP, Card: &card, Deposited: true, PSPReference: s.Reference, Amount: s.Rest()}
}
