package ledger

import (
	"errors"
	"maps"
	"math"
	"math/big"
	"math/bits"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// model is the ledger as a person would keep it, in numbers without bounds: what each customer has in all, less what he
// owes, what is held, and a balance for each other account. That a customer never both has and owes, and that a debt is
// repaid first, is not computed here but follows from there being one number.
type model struct {
	net, held map[Customer]*big.Int
	other     map[Account]*big.Int // debits positive
	moved     []*big.Int           // postings of the last movement on other accounts
	refused   bool                 // the last movement took more than was available or held
	unsure    bool                 // the last movement may overflow on its way to a result that fits
}

func newModel() *model {
	return &model{net: map[Customer]*big.Int{}, held: map[Customer]*big.Int{}, other: map[Account]*big.Int{}}
}

func (m *model) clone() *model {
	return &model{net: maps.Clone(m.net), held: maps.Clone(m.held), other: maps.Clone(m.other)}
}

// plus adds to a number in a map. Numbers are replaced, not changed, so that clones stay as they are.
func plus[K comparable](in map[K]*big.Int, key K, x *big.Int) {
	in[key] = new(big.Int).Add(number(in, key), x)
}

func number[K comparable](in map[K]*big.Int, key K) *big.Int {
	if x, ok := in[key]; ok {
		return x
	}
	return new(big.Int)
}

func n(x int64) *big.Int { return big.NewInt(x) }

func minus(x *big.Int) *big.Int { return new(big.Int).Neg(x) }

func sum(xs ...*big.Int) *big.Int {
	s := new(big.Int)
	for _, x := range xs {
		s.Add(s, x)
	}
	return s
}

// post debits an account that is no customer's wallet, hold or debt.
func (m *model) post(a Account, x *big.Int) {
	plus(m.other, a, x)
	m.moved = append(m.moved, x)
}

// give is what the customer gets, after the payment's excess is made good: first what stands in suspense, then the loss.
func (m *model) give(c Customer, amount int64, s Standing) {
	ours := min(amount, s.Excess)
	lost := max(0, ours-(s.Excess-s.WrittenOff))
	m.post(c.System(Suspense), n(lost-ours))
	m.post(c.System(Losses), n(-lost))
	plus(m.net, c, n(amount-ours))
}

// take is what the customer loses, whatever there is.
func (m *model) take(c Customer, amount int64) { plus(m.net, c, n(-amount)) }

// spend is what the customer loses by command.
func (m *model) spend(c Customer, amount int64) {
	m.refused = m.refused || number(m.net, c).Cmp(n(amount)) < 0
	m.take(c, amount)
}

func (m *model) hold(c Customer, amount int64) { plus(m.held, c, n(amount)) }

func (m *model) unhold(c Customer, amount int64) {
	m.hold(c, -amount)
	m.refused = m.refused || m.held[c].Sign() < 0
}

// balances are what the accounts must hold, debits positive.
func (m *model) balances() map[Account]*big.Int {
	all := maps.Clone(m.other)
	for c, net := range m.net {
		all[c.Account(CustomerWallet)] = new(big.Int).Neg(biggest(net, new(big.Int)))
		all[c.Account(CustomerDebt)] = biggest(minus(net), new(big.Int))
	}
	for c, held := range m.held {
		all[c.Account(CustomerHold)] = minus(held)
	}
	return all
}

func biggest(a, b *big.Int) *big.Int {
	if a.Cmp(b) > 0 {
		return a
	}
	return b
}

// beyond tells whether an amount does not fit 64 bits; the lowest int64 does not.
func beyond(x *big.Int) bool { return x.CmpAbs(n(math.MaxInt64)) > 0 }

// overflows tells whether a balance or a posting is beyond 64 bits.
func (m *model) overflows() bool {
	for _, balance := range m.balances() {
		if beyond(balance) {
			return true
		}
	}
	return slices.ContainsFunc(m.moved, beyond)
}

// world is a book and the model of it.
type world struct {
	*rapid.T
	book  *Balances
	model *model
	small bool // no amounts at the edge of 64 bits
}

func newWorld(t *rapid.T) *world { return &world{T: t, book: NewBalances(), model: newModel()} }

// step draws a movement and books it. Where the model says that it is possible it must be booked, and where it is not the
// book must refuse it and stay as it was. It returns the entry that was booked, nil where none was.
func (w *world) step(move func(*world) (Entry, error)) *Entry {
	before := w.model.clone()
	e, err := move(w)
	if err == nil && len(e.Postings) > 0 {
		err = w.book.Apply(&e)
	}
	overflow, floor := errors.Is(err, ErrOverflow), (*FloorError)(nil)
	impossible := w.model.refused || w.model.overflows()
	switch {
	case errors.As(err, &floor) && !w.model.refused, overflow && !w.model.overflows() && !w.model.unsure,
		err != nil && !overflow && floor == nil:
		w.Fatalf("%s %v: %v, which the model allows", e.Template, e.Postings, err)
	case err == nil && impossible:
		w.Fatalf("%s %v was booked, which the model refuses", e.Template, e.Postings)
	case err != nil:
		w.model = before
	}
	w.model.moved, w.model.refused, w.model.unsure = nil, false, false
	w.check(&e)
	if err != nil || len(e.Postings) == 0 {
		return nil
	}
	return &e
}

// check compares all balances with the model, and with what must hold whatever was booked.
func (w *world) check(e *Entry) {
	want := w.model.balances()
	held := 0
	sums := map[Currency]*big.Int{}
	for account, balance := range want {
		if w.book.Holds(account.ID()) {
			held++
		}
		got := n(w.book.Balance(account.ID()))
		if got.Cmp(balance) != 0 {
			w.Fatalf("after %s %v: %v holds %s, the model %s", e.Template, e.Postings, account, got, balance)
		}
		if line, _ := account.Code.Line(); line.Guarded && got.Sign() > 0 {
			w.Fatalf("L4: after %s %v: %v is at %s", e.Template, e.Postings, account, got)
		}
		plus(sums, account.Currency, got)
	}
	if held != w.book.Len() {
		w.Fatalf("after %s %v: the book holds %d accounts, %d of them the model's", e.Template, e.Postings, w.book.Len(), held)
	}
	for currency, s := range sums {
		if s.Sign() != 0 {
			w.Fatalf("L1: after %s %v: all balances in %s sum to %s", e.Template, e.Postings, currency, s)
		}
	}
	for c := range w.model.net {
		if s := w.book.Standing(c); s.Available < 0 || s.Debt < 0 || s.Available > 0 && s.Debt > 0 {
			w.Fatalf("after %s %v: %v has %+v", e.Template, e.Postings, c, s)
		}
	}
}

// open gives some customers something to spend, something on hold, or a debt.
func (w *world) open() {
	for _, id := range []string{"ana", "bob", merchant} {
		for _, currency := range []Currency{"EUR", "USD"} {
			c := Customer{"acme", id, currency}
			book := func(e Entry, err error) {
				w.step(func(*world) (Entry, error) { return e, err })
			}
			switch rapid.IntRange(0, 2).Draw(w.T, "opening") {
			case 0:
				w.model.post(c.System(PSPReceivable), n(5000))
				w.model.give(c, 5000, Standing{})
				book(DepositCaptured(c, 5000, 0, Standing{}))
				w.model.spend(c, 2000)
				w.model.hold(c, 2000)
				book(HoldPlaced(c, 2000))
			case 1:
				w.model.post(c.System(PSPReceivable), n(-700))
				w.model.take(c, 700)
				book(ForcedDebit(c, PSPReceivable, 700, Standing{}))
			}
		}
	}
}

// customer draws one of three in one of two currencies; the third is a merchant.
func (w *world) customer() Customer { return w.customerIn(w.currency()) }

func (w *world) customerIn(currency Currency) Customer {
	return Customer{"acme", rapid.SampledFrom([]string{"ana", "bob", merchant}).Draw(w.T, "customer"), currency}
}

func (w *world) currency() Currency {
	return rapid.SampledFrom([]Currency{"EUR", "USD"}).Draw(w.T, "currency")
}

// amount draws above zero, sometimes at the edge of 64 bits.
func (w *world) amount() int64 {
	if !w.small && rapid.IntRange(0, 30).Draw(w.T, "size") == 0 {
		return rapid.Int64Range(math.MaxInt64-2000, math.MaxInt64).Draw(w.T, "amount")
	}
	return rapid.Int64Range(1, 1000).Draw(w.T, "amount")
}

// amountOf draws an amount of a command: mostly one that is there.
func (w *world) amountOf(there int64) int64 {
	if there == 0 || rapid.IntRange(0, 3).Draw(w.T, "beyond") == 0 {
		return w.amount()
	}
	return rapid.Int64Range(1, there).Draw(w.T, "amount")
}

func (w *world) held(c Customer) int64 { return -w.book.Balance(c.Account(CustomerHold).ID()) }

// signed draws an amount on either side of zero, zero included.
func (w *world) signed(label string) int64 {
	if !w.small && rapid.IntRange(0, 30).Draw(w.T, "size") == 0 {
		return edgy().Draw(w.T, label)
	}
	return rapid.Int64Range(-200, 1100).Draw(w.T, label)
}

func (w *world) upTo(limit int64, label string) int64 {
	return rapid.Int64Range(0, limit).Draw(w.T, label)
}

const merchant = "shop"

// evenly draws one of the names, each as often as any other: rapid prefers what comes first.
func evenly(t *rapid.T, names []string) string {
	const golden = 0x9E3779B97F4A7C15
	i, _ := bits.Mul64(rapid.Uint64().Draw(t, "template")*golden, uint64(len(names)))
	return names[i]
}

// TestAnyMovements books any mix of all templates over several customers and currencies, beside the model.
func TestAnyMovements(t *testing.T) {
	all := movements()
	for _, template := range Templates() {
		if all[template.Name] == nil {
			t.Errorf("no movement books %s", template.Name)
		}
	}
	names := slices.Sorted(maps.Keys(all))
	booked := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.open()
		for range rapid.IntRange(50, 150).Draw(t, "steps") {
			name := evenly(t, names)
			if e := w.step(all[name]); e != nil {
				if e.Template != name {
					t.Fatalf("%s booked %s", name, e.Template)
				}
				booked[name]++
			}
		}
	})
	for _, name := range names {
		if booked[name] == 0 && !t.Failed() {
			t.Errorf("%s was never booked", name)
		}
	}
}

// TestTamperedEntryIsRefused: an entry of any template with one of its amounts changed is not booked (L1).
func TestTamperedEntryIsRefused(t *testing.T) {
	all := movements()
	names := slices.Sorted(maps.Keys(all))
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.open()
		for range 20 {
			e := w.step(all[evenly(t, names)])
			if e == nil {
				continue
			}
			at := rapid.IntRange(0, len(e.Postings)-1).Draw(t, "posting")
			by := edgy().Filter(func(by int64) bool { return by != 0 }).Draw(t, "by")
			e.Postings[at].Minor += by
			before := maps.Clone(w.book.minor)
			if err := w.book.Apply(e); err == nil || !maps.Equal(before, w.book.minor) {
				t.Fatalf("%s with posting %d changed by %d was booked: %v", e.Template, at, by, e.Postings)
			}
		}
	})
}
