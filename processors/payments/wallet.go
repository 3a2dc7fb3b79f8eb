package payments

import (
	"fmt"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/gaming"
	"github.com/weirhq/weir/processors/payments/payouts"
	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

var _ wallets.Book = (*partition)(nil)

// part is a wallet, a hold, a round, what limits know of a customer or where the deposits came from, in memory.
type part[T wallets.Wallet | wallets.Hold | wallets.Round | gaming.State | payouts.Sources] struct {
	state     T
	key       uuid.UUID
	customer  customerKey
	version   int64   // of the stored row
	stored    bool    // there is a row
	timed     bool    // a hold: its timer is stored
	positions []int64 // of this batch's records that changed it
}

// touch notes that the record at a position changed the part; first says that it is the batch's first to do so.
func (p *part[T]) touch(position int64) (first bool) {
	n := len(p.positions)
	if n == 0 || p.positions[n-1] != position {
		p.positions = append(p.positions, position)
	}
	return n == 0
}

func (p *part[T]) written() {
	p.stored, p.version = true, p.positions[len(p.positions)-1]
	p.positions = p.positions[:0]
}

type customerKey struct{ tenant, id string }

// holder is a customer in memory: the wallet, and the accounts whose balances are there.
type holder struct {
	part[wallets.Wallet]
	closed int64 // position of the record that closed it
	limits part[gaming.State]
	books  []book

	sources part[payouts.Sources]
	sourced bool // sources were read
}

// book names the accounts of a customer in one currency.
type book struct {
	currency           ledger.Currency
	wallet, debt, hold ledger.AccountID
}

func bookOf(c ledger.Customer) book {
	return book{c.Currency, c.Account(ledger.CustomerWallet).ID(), c.Account(ledger.CustomerDebt).ID(), c.Account(ledger.CustomerHold).ID()}
}

func (h *holder) book(c ledger.Currency) *book {
	for i := range h.books {
		if h.books[i].currency == c {
			return &h.books[i]
		}
	}
	return nil
}

func (h *holder) forget(balances *ledger.Balances) {
	for i := range h.books {
		balances.Forget(h.books[i].wallet)
		balances.Forget(h.books[i].debt)
		balances.Forget(h.books[i].hold)
	}
}

// changed are the parts that the batch changed.
type changed struct {
	holders []*holder
	holds   []*part[wallets.Hold]
	rounds  []*part[wallets.Round]
	limits  []*part[gaming.State]
	sources []*part[payouts.Sources]
}

func (c *changed) written() {
	for _, h := range c.holders {
		h.written()
	}
	for _, h := range c.holds {
		h.timed = h.state.Waits()
		h.written()
	}
	for _, r := range c.rounds {
		r.written()
	}
	for _, l := range c.limits {
		l.written()
	}
	for _, p := range c.sources {
		p.written()
	}
	c.holders, c.holds, c.rounds, c.limits, c.sources = c.holders[:0], c.holds[:0], c.rounds[:0], c.limits[:0], c.sources[:0]
}

// Balance is what a customer has and owes. Load has read it, or the record may not book.
func (s *partition) Balance(c ledger.Customer) topics.WalletBalance {
	var b *book
	if h, ok := s.holders.get(customerKey{c.Tenant, c.ID}); ok {
		b = h.book(c.Currency)
	}
	if b == nil {
		panic(fmt.Sprintf("payments: the balances of customer %s of tenant %s in %s were not loaded", c.ID, c.Tenant, c.Currency))
	}
	return topics.WalletBalance{
		Available: -s.balances.Balance(b.wallet), Held: -s.balances.Balance(b.hold), Debt: s.balances.Balance(b.debt),
	}
}

// opens opens the wallets that an entry is the first to move, in its currency.
func (s *partition) opens(entry *ledger.Entry, position int64) {
	for i := range entry.Postings {
		a := &entry.Postings[i].Account
		if !wallets.Opens(a.Code) {
			continue
		}
		h, ok := s.holders.get(customerKey{a.Tenant, a.Owner})
		if !ok {
			panic(fmt.Sprintf("payments: the wallet of customer %s of tenant %s was not loaded", a.Owner, a.Tenant))
		}
		if !h.state.In(a.Currency) {
			h.state.Open(a.Currency)
			s.touchHolder(h, position)
		}
	}
}

func (s *partition) touchHolder(h *holder, position int64) {
	if h.touch(position) {
		s.changed.holders = append(s.changed.holders, h)
	}
}

// applyWallet folds a wallet command, or the expiry of a hold.
func (s *partition) applyWallet(in *input, r *stream.Record) []stream.Output {
	if in.id != (inputID{}) {
		s.remember(in, r.Position)
	}
	w := &in.wallet
	h, hold, round := s.partsOf(w)
	e, ok := wallets.Decide(wallets.State{Wallet: &h.state, Hold: &hold.state, Round: &round.state, Limits: &h.limits.state}, &w.Input, s, r.Time, s.config.Limits.Horizon)
	if !ok {
		return nil
	}
	out := outputs{partition: s, record: r, all: make([]stream.Output, 0, 2)}
	if wallets.Moves(&e) {
		entry, err := wallets.Post(&e, s.Balance(ledger.Customer{Tenant: e.Tenant, ID: e.CustomerID, Currency: ledger.Currency(e.Currency)}))
		if err != nil {
			panic(err)
		}
		s.post(&entry, aboutWallet(&e), &out)
	}
	if err := s.evolve(&e, h, hold, round, r.Position); err != nil {
		panic(err) // Decide gave an event that does not fit: a bug, of which the dead letter tells
	}
	wallets.Settle(&e, &h.state, s)
	if kinds := wallets.Tells(&e); len(kinds) > 0 {
		h.limits.state.Learn(w.Command.Gaming, kinds...)
	}
	s.metrics.walletEvent(&e)
	out.walletEvent(&e)
	out.walletDecision(w.Command, &e)
	return out.all
}

// evolve folds an event into the parts.
func (s *partition) evolve(e *topics.WalletEvent, h *holder, hold *part[wallets.Hold], round *part[wallets.Round], position int64) error {
	changes := wallets.ChangesOf(e)
	if err := wallets.Evolve(wallets.State{Wallet: &h.state, Hold: &hold.state, Round: &round.state, Limits: &h.limits.state}, e); err != nil {
		return err
	}
	if changes.Wallet {
		h.closed = position
		s.touchHolder(h, position)
	}
	if changes.Hold && hold.touch(position) {
		s.changed.holds = append(s.changed.holds, hold)
	}
	if changes.Round && round.touch(position) {
		s.changed.rounds = append(s.changed.rounds, round)
	}
	if changes.Limits {
		s.touchLimits(h, position)
	}
	return nil
}

// absent is what an input reads that names no customer, no hold or no round. No event changes it.
type absent struct {
	holder holder
	hold   part[wallets.Hold]
	round  part[wallets.Round]
}

// partsOf are what an input may read and change. Load has put them into memory.
func (s *partition) partsOf(w *walletInput) (*holder, *part[wallets.Hold], *part[wallets.Round]) {
	h, hold, round := &s.absent.holder, &s.absent.hold, &s.absent.round
	found := true
	if w.customer != (customerKey{}) {
		h, found = s.holders.get(w.customer)
	}
	if w.hold != uuid.Nil && found {
		hold, found = s.holds.get(w.hold)
	}
	if w.round != uuid.Nil && found {
		round, found = s.rounds.get(w.round)
	}
	if !found {
		panic(fmt.Sprintf("payments: record %d: what it says of customer %s was not loaded", w.Position, w.customer.id))
	}
	return h, hold, round
}

// tellWallet publishes that nothing became of a record for a wallet. Nothing stored is touched.
func (s *partition) tellWallet(in *input, r *stream.Record, what topics.WalletEventType, code topics.RefusalCode, detail string, out *outputs) {
	e := topics.WalletEvent{
		EventID: topics.EventID{Partition: s.number, Position: r.Position}.String(), Type: what, At: r.Time, Refusal: code, Detail: detail,
	}
	if v := in.wallet.Command; v != nil {
		c := &v.Command
		e.Tenant, e.Region, e.CustomerID, e.CommandID, e.TraceID = c.Tenant, c.Region, c.CustomerID, c.CommandID, c.TraceID
	} else {
		e.Tenant, e.CustomerID = in.wallet.Expiry.Tenant, in.wallet.Expiry.CustomerID
	}
	maskEach(&e.Tenant, &e.Region, &e.CustomerID, &e.CommandID, &e.TraceID, &e.Detail)
	s.metrics.walletEvent(&e)
	out.walletEvent(&e)
}
