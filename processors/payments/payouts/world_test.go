package payouts_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/internal/reference/schematest"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/payments/payouts"
	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/topics"
)

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	Error(...any)
	Fatal(...any)
	Fatalf(string, ...any)
}

// world holds one customer's wallet and payouts, as the fold keeps them.
type world struct {
	tester
	schemas  schematest.Schemas // nil: events are not held to them
	now      time.Time
	position int64
	limits   payouts.Limits
	balances *ledger.Balances
	wallet   wallets.Wallet
	sources  payouts.Sources
	payouts  map[string]*payouts.Payout // by the names of their commands
	last     string                     // the name of the payout that was created last
	events   []topics.PayoutEvent       // of the latest input
	requests map[string][]string        // request ids of a payout, in order
}

func newWorld(t tester) *world {
	w := &world{tester: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), balances: ledger.NewBalances(),
		payouts: map[string]*payouts.Payout{}, requests: map[string][]string{}}
	w.limits = payouts.Limits{Limits: lifecycle.DefaultLimits(), Terms: payouts.DefaultTerms()}
	return w
}

func customerIn(currency ledger.Currency) ledger.Customer {
	return ledger.Customer{Tenant: "acme", ID: "anna", Currency: currency}
}

func (w *world) balance(currency ledger.Currency) topics.WalletBalance {
	s := w.balances.Standing(customerIn(currency))
	return topics.WalletBalance{Available: s.Available, Held: -w.balances.Balance(customerIn(currency).Account(ledger.CustomerHold).ID()), Debt: s.Debt}
}

// id is the command id that a name of the scenario stands for.
func id(name string) string { return uuid.NewV5(uuid.NamespaceURL, name).String() }

// idOf is the id of the payout that the command of a name creates.
func idOf(name string) topics.PayoutID {
	return topics.NewPayoutID("acme", "anna", uuid.FromStringOrNil(id(name)), 64)
}

// input decides on an input for the payout of a name, books and folds what comes of it, and describes it.
func (w *world) input(name string, in *payouts.Input) (lines []string) {
	w.position++
	in.Position = w.position
	p := w.payouts[name]
	state := payouts.State{Wallet: &w.wallet, Sources: &w.sources}
	if in.Command != nil {
		state.Balance = w.balance(ledger.Currency(in.Command.Command.Currency))
	}
	before := fmt.Sprintf("%+v %+v %+v", p, w.wallet, w.sources)
	var from, to topics.PayoutStatus
	if p != nil {
		from = p.Status()
	}
	w.events = payouts.Decide(idOf(name), p, state, in, w.now, &w.limits)
	if after := fmt.Sprintf("%+v %+v %+v", p, w.wallet, w.sources); after != before {
		w.Error("Decide changed the state:", before, after)
	}
	for i := range w.events {
		lines = append(lines, w.fold(name, &w.events[i])...)
	}
	if p := w.payouts[name]; p != nil {
		to = p.Status()
	}
	w.follows(in, from, to)
	if len(w.events) == 0 {
		lines = []string{"nothing happens"}
	}
	return lines
}

// fold books one event, folds it and describes it.
func (w *world) fold(name string, e *topics.PayoutEvent) []string {
	p := w.payouts[name]
	var posted string
	if e.Currency != "" {
		b := w.balance(ledger.Currency(e.Currency))
		entry, err := payouts.Post(p, e, ledger.Standing{Available: b.Available, Debt: b.Debt})
		if err != nil {
			w.Fatal(err)
		}
		if entry != nil {
			if entry.Reference != e.PayoutID || !payouts.Moves(e) {
				w.Fatalf("%s posts an entry of %q", e.Type, entry.Reference)
			}
			posted = w.post(entry)
			b = w.balance(ledger.Currency(e.Currency))
			e.Balance = &b
		}
	}
	if w.schemas != nil {
		if err := w.schemas.Check(e); err != nil {
			w.Error(err)
		}
	}
	taken := p.Taken()
	p, err := payouts.Evolve(p, e)
	if err == nil {
		err = payouts.Check(p, e)
	}
	if err != nil {
		w.Fatal(err)
	}
	lines := []string{describe(e)}
	if posted != "" {
		lines = append(lines, "  "+posted)
	}
	if p == nil {
		return lines
	}
	w.stored(p)
	w.payouts[name] = p
	w.sources.PayOut(p, taken)
	if r := payouts.Request(p, e); r != nil {
		if !r.Poll {
			w.requests[name] = append(w.requests[name], r.RequestID)
		}
		lines = append(lines, "  "+asks(r))
	}
	return lines
}

// stored fails where the payout is another one once it was stored and read.
func (w *world) stored(p *payouts.Payout) {
	state, err := p.Encode()
	if err != nil {
		w.Fatal(err)
	}
	back, err := payouts.Decode(p.ID, p.Tenant, p.Customer, state)
	if err != nil {
		w.Fatal(err)
	}
	if again, _ := back.Encode(); string(again) != string(state) || back.Status() != p.Status() || back.Out() != p.Out() {
		w.Fatalf("stored as %s, read as %s", state, again)
	}
}

// post books an entry, and opens the wallet that it is the first to move.
func (w *world) post(e *ledger.Entry) string {
	if err := w.balances.Apply(e); err != nil {
		w.Fatal(err)
	}
	parts := make([]string, len(e.Postings))
	for i, p := range e.Postings {
		parts[i] = string(p.Account.Code) + " " + ledger.Money{Minor: p.Minor, Currency: p.Account.Currency}.String()
		if wallets.Opens(p.Account.Code) && !w.wallet.In(p.Account.Currency) {
			w.wallet.Open(p.Account.Currency)
		}
	}
	return "entry " + e.Template + ": " + strings.Join(parts, ", ")
}

// deposit books a payment's capture, or a refund of it, and counts it for its card.
func (w *world) deposit(psp, card string, currency ledger.Currency, amount int64) string {
	c := customerIn(currency)
	b := w.balance(currency)
	entry, err := ledger.DepositCaptured(c, amount, 0, ledger.Standing{Available: b.Available, Debt: b.Debt})
	if amount < 0 {
		entry, err = ledger.RefundForced(c, -amount, -amount, ledger.Standing{Available: b.Available, Debt: b.Debt})
	}
	if err != nil {
		w.Fatal(err)
	}
	entry.At = w.now
	w.sources.Deposit(&lifecycle.Payment{PSP: psp, PSPReference: "ref_" + card, Currency: currency, Card: &topics.Card{Token: card}}, amount, w.now)
	return w.post(&entry)
}

// game books a win, or a loss below zero.
func (w *world) game(currency ledger.Currency, amount int64) string {
	c := customerIn(currency)
	b := w.balance(currency)
	var entry ledger.Entry
	var err error
	if amount > 0 {
		entry, err = ledger.WalletCredited(c, ledger.GameRevenue, amount, ledger.Standing{Available: b.Available, Debt: b.Debt})
	} else {
		entry, err = ledger.WalletDebited(c, ledger.GameRevenue, -amount)
	}
	if err != nil {
		w.Fatal(err)
	}
	return w.post(&entry)
}

func describe(e *topics.PayoutEvent) string {
	money := func(minor int64) string {
		return ledger.Money{Minor: minor, Currency: ledger.Currency(e.Currency)}.String()
	}
	text := string(e.Type)
	if e.Type == topics.PayoutCommandRefused {
		text = "refused: " + string(e.Refusal)
	} else if e.Refusal != "" {
		text += " " + string(e.Refusal)
	}
	if e.Type != topics.PayoutCommandRefused && e.Status != "" {
		text += ": " + string(e.Status)
	}
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	if d := e.Possible; d != nil {
		text += ", possible " + money(d.Amount) + " to " + d.Card.Token
	}
	if e.Created != nil {
		text += " to " + e.Created.Destination.Card.Token
	}
	if len(e.Reasons) > 0 {
		text += " reasons " + strings.Join(e.Reasons, ",")
	}
	if b := e.Balance; b != nil {
		text += " → available " + money(b.Available)
		if b.Held != 0 {
			text += ", held " + money(b.Held)
		}
		if b.Debt != 0 {
			text += ", owed " + money(b.Debt)
		}
	}
	if e.Timer != nil && e.Timer.Kind != "" {
		text += fmt.Sprintf("; %s in %s", e.Timer.Kind, e.Timer.Due.Sub(e.At))
	}
	return text
}

func asks(r *topics.PSPRequest) string {
	text := "asks " + r.PSP + " to pay out"
	if r.Poll {
		text = "asks " + r.PSP + " what became of"
	}
	return fmt.Sprintf("%s %s to %s", text, ledger.Money{Minor: r.Amount, Currency: ledger.Currency(r.Currency)}, r.Card.Token)
}
