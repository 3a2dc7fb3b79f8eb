package wallets_test

import (
	"fmt"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/topics"
)

// model is a dumb second opinion of one customer's wallet. It knows nothing of entries or events: it keeps what there is, in
// numbers of any size, by currency, and says of each command what must become of it.
type model struct {
	wallet, debt map[string]*big.Int // by currency; a currency that is not there was never opened
	holds        map[string]*modelHold
	rounds       map[string]*modelRound
	closed       bool
}

type modelHold struct {
	currency string
	left     *big.Int
	expires  time.Time
}

type modelRound struct {
	currency string
	net      *big.Int
	rolled   bool
}

// clone is a copy that shares nothing.
func (m *model) clone() *model {
	c := &model{wallet: map[string]*big.Int{}, debt: map[string]*big.Int{}, holds: map[string]*modelHold{}, rounds: map[string]*modelRound{}, closed: m.closed}
	for currency := range m.wallet {
		c.wallet[currency], c.debt[currency] = new(big.Int).Set(m.wallet[currency]), new(big.Int).Set(m.debt[currency])
	}
	for id, h := range m.holds {
		c.holds[id] = &modelHold{h.currency, new(big.Int).Set(h.left), h.expires}
	}
	for id, r := range m.rounds {
		c.rounds[id] = &modelRound{r.currency, new(big.Int).Set(r.net), r.rolled}
	}
	return c
}

func (m *model) give(currency string, amount *big.Int) {
	if m.wallet[currency] == nil {
		m.wallet[currency], m.debt[currency] = new(big.Int), new(big.Int)
	}
	repaid := minOf(amount, m.debt[currency])
	m.debt[currency].Sub(m.debt[currency], repaid)
	m.wallet[currency].Add(m.wallet[currency], new(big.Int).Sub(amount, repaid))
}

// take takes what there is, and makes the rest a debt.
func (m *model) take(currency string, amount *big.Int) {
	m.give(currency, new(big.Int))
	taken := minOf(amount, m.wallet[currency])
	m.wallet[currency].Sub(m.wallet[currency], taken)
	m.debt[currency].Add(m.debt[currency], new(big.Int).Sub(amount, taken))
}

func minOf(a, b *big.Int) *big.Int {
	if a.Cmp(b) < 0 {
		return new(big.Int).Set(a)
	}
	return new(big.Int).Set(b)
}

func (m *model) held(currency string) *big.Int {
	sum := new(big.Int)
	for _, h := range m.holds {
		if h.currency == currency {
			sum.Add(sum, h.left)
		}
	}
	return sum
}

func (m *model) tooLarge(currency string, more *big.Int) bool {
	sum := new(big.Int).Add(more, m.held(currency))
	if m.wallet[currency] != nil {
		sum.Add(sum, m.wallet[currency])
	}
	return sum.Cmp(big.NewInt(topics.MaxBalance)) > 0
}

// round is that of a game's command; one that moves nothing where the command has none.
func (m *model) round(c *topics.WalletCommand) *modelRound {
	if m.rounds[c.RoundID] == nil || c.RoundID == "" {
		m.rounds[c.RoundID] = &modelRound{net: new(big.Int)}
	}
	return m.rounds[c.RoundID]
}

// command says what becomes of a command: "" where it is carried out, the code of the refusal otherwise.
func (m *model) command(c *topics.WalletCommand, now time.Time) topics.RefusalCode {
	round, amount := m.round(c), big.NewInt(c.Amount)
	opened := len(m.wallet) > 0
	hold := m.holds[c.HoldID]
	onHold := c.Type == topics.WalletCaptureHold || c.Type == topics.WalletReleaseHold
	needsWallet := c.Type != topics.WalletCredit && c.Type != topics.WalletRollbackRound
	currency := c.Currency
	if onHold && hold != nil {
		currency = hold.currency
	}
	switch {
	case needsWallet && !opened, onHold && hold == nil:
		return topics.RefusedUnknownAccount
	case m.closed && c.Reason != topics.ReasonAdjustment && (c.Type == topics.WalletDebit || c.Type == topics.WalletHold || c.Type == topics.WalletClose ||
		c.Type == topics.WalletCredit && round.currency == "" && !round.rolled):
		return topics.RefusedAccountClosed
	case needsWallet && c.Type != topics.WalletClose && m.wallet[currency] == nil, onHold && c.Currency != "" && c.Currency != currency,
		c.Type != topics.WalletRollbackRound && round.currency != "" && round.currency != currency,
		c.Type == topics.WalletRollbackRound && round.currency != "" && c.Currency != "" && round.currency != c.Currency:
		return topics.RefusedCurrencyMismatch
	case round.rolled, onHold && hold.left.Sign() == 0, c.Type == topics.WalletCaptureHold && !hold.expires.IsZero() && !now.Before(hold.expires):
		return topics.RefusedFinished
	}
	switch c.Type {
	case topics.WalletCredit:
		if m.tooLarge(currency, amount) {
			return topics.RefusedLimitExceeded
		}
		m.give(currency, amount)
		round.net.Sub(round.net, amount)
	case topics.WalletDebit, topics.WalletHold:
		if m.wallet[currency].Cmp(amount) < 0 {
			return topics.RefusedInsufficientFunds
		}
		m.wallet[currency].Sub(m.wallet[currency], amount)
		if c.Type == topics.WalletHold {
			m.holds[c.CommandID] = &modelHold{currency, amount, c.ExpiresAt}
		}
		round.net.Add(round.net, amount)
	case topics.WalletCaptureHold:
		if c.Amount == 0 {
			amount = new(big.Int).Set(hold.left)
		}
		if amount.Cmp(hold.left) > 0 {
			return topics.RefusedExceedsAuthorized
		}
		hold.left.Sub(hold.left, amount)
		round.net.Add(round.net, amount)
	case topics.WalletReleaseHold:
		m.release(hold)
	case topics.WalletRollbackRound:
		if round.net.Sign() > 0 && m.tooLarge(round.currency, round.net) {
			return topics.RefusedLimitExceeded
		}
		if round.net.Sign() > 0 {
			m.give(round.currency, round.net)
		} else if round.net.Sign() < 0 {
			m.take(round.currency, new(big.Int).Neg(round.net))
		}
		round.rolled = true
	case topics.WalletClose:
		for currency := range m.wallet {
			if m.wallet[currency].Sign() != 0 || m.debt[currency].Sign() != 0 || m.held(currency).Sign() != 0 {
				return topics.RefusedWrongState
			}
		}
		m.closed = true
	}
	if c.RoundID != "" && c.Type != topics.WalletRollbackRound {
		round.currency = currency
	}
	return ""
}

func (m *model) release(h *modelHold) {
	left := new(big.Int).Set(h.left)
	h.left.SetInt64(0)
	m.give(h.currency, left)
}

// TestWalletsAgainstModel interleaves commands, expiries and the facts of payments on one customer, and compares after each.
func TestWalletsAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, nil)
		m := &model{wallet: map[string]*big.Int{}, debt: map[string]*big.Int{}, holds: map[string]*modelHold{}, rounds: map[string]*modelRound{}}
		largest := rapid.SampledFrom([]int64{20, topics.MaxAmount}).Draw(t, "largest")
		var holds []string
		if rapid.Bool().Draw(t, "rich") { // next to what a customer may have
			rich := topics.MaxBalance - 2*largest
			w.payment("captured", &topics.WalletCommand{Tenant: "acme", CustomerID: "anna", Amount: rich, Currency: "EUR"})
			m.give("EUR", big.NewInt(rich))
		}
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			w.position++
			w.now = w.now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "seconds")) * time.Second)
			switch rapid.IntRange(0, 11).Draw(t, "what") {
			case 0:
				payment(t, w, m, largest)
			case 1:
				expire(t, w, m, holds)
			default:
				c := drawCommand(t, w, i, largest, holds)
				decision, ruled := drawDecision(t, c)
				before := m.clone()
				want := m.command(c, w.now)
				if want == "" && ruled != "" { // nothing else refused it
					*m, want = *before, ruled
				}
				w.apply(&wallets.Input{Position: w.position, Command: &topics.AssessedWalletCommand{Command: *c, Decision: decision, Refusal: c.Validate()}}, c)
				if w.last.Refusal != want {
					t.Fatalf("%+v: refused %q (%s), the model says %q", *c, w.last.Refusal, w.last.Detail, want)
				}
				if want == "" && c.Type == topics.WalletHold {
					holds = append(holds, c.CommandID)
				}
			}
			compare(t, w, m)
		}
	})
}

// drawDecision is what the rules say of a command, and the code with which they refuse it.
func drawDecision(t *rapid.T, c *topics.WalletCommand) (*topics.Decision, topics.RefusalCode) {
	outcome := rapid.SampledFrom([]topics.Outcome{"", "", "", topics.OutcomePass, topics.OutcomeAllow, topics.OutcomeHold, topics.OutcomeBlock}).Draw(t, "decision")
	if outcome == "" {
		return nil, ""
	}
	if rapid.Bool().Draw(t, "approved") {
		c.RequestedBy, c.ApprovedBy = "ann", "bob"
	}
	ruled := map[topics.Outcome]topics.RefusalCode{topics.OutcomeHold: topics.RefusedReviewRequired, topics.OutcomeBlock: topics.RefusedBlocked}[outcome]
	if ruled == topics.RefusedReviewRequired && c.ApprovedBy != "" {
		ruled = ""
	}
	return &topics.Decision{Outcome: outcome, Reasons: []string{"a_rule"}, RuleSet: "rules"}, ruled
}

func drawCommand(t *rapid.T, w *world, n int, largest int64, holds []string) *topics.WalletCommand {
	c := &topics.WalletCommand{CommandID: id(fmt.Sprint("c", n)), Tenant: "acme", CustomerID: "anna",
		Type: rapid.SampledFrom([]topics.WalletCommandType{topics.WalletCredit, topics.WalletCredit, topics.WalletCredit, topics.WalletDebit,
			topics.WalletDebit, topics.WalletHold, topics.WalletHold, topics.WalletCaptureHold, topics.WalletCaptureHold, topics.WalletReleaseHold,
			topics.WalletRollbackRound, topics.WalletClose}).Draw(t, "type")}
	currency := rapid.SampledFrom([]string{"EUR", "EUR", "EUR", "JPY"}).Draw(t, "currency")
	amount := rapid.OneOf(rapid.Int64Range(1, largest), rapid.Just(largest)).Draw(t, "amount")
	switch c.Type {
	case topics.WalletCredit, topics.WalletDebit, topics.WalletHold:
		c.Amount, c.Currency = amount, currency
	case topics.WalletCaptureHold:
		if rapid.Bool().Draw(t, "a part") {
			c.Amount, c.Currency = amount, currency
		}
	}
	switch c.Type {
	case topics.WalletCredit, topics.WalletDebit, topics.WalletCaptureHold:
		if c.Reason = topics.ReasonBonus; rapid.Bool().Draw(t, "in a round") {
			c.Reason = topics.ReasonGame
		}
	case topics.WalletHold:
		if rapid.Bool().Draw(t, "expires") {
			c.ExpiresAt = w.now.Add(time.Minute)
		}
	}
	if c.Reason == topics.ReasonGame || c.Type == topics.WalletRollbackRound {
		c.RoundID = rapid.SampledFrom([]string{"r1", "r2", "r3"}).Draw(t, "round")
	}
	if c.Type == topics.WalletCaptureHold || c.Type == topics.WalletReleaseHold {
		c.HoldID = rapid.SampledFrom(append([]string{id("none")}, holds...)).Draw(t, "hold")
	}
	return c
}

// payment is a capture, or a refund that nobody asked for: both always post.
func payment(t *rapid.T, w *world, m *model, largest int64) {
	amount := rapid.Int64Range(1, largest).Draw(t, "paid")
	c := &topics.WalletCommand{Tenant: "acme", CustomerID: "anna", Amount: amount, Currency: "EUR"}
	if rapid.Bool().Draw(t, "captured") {
		w.payment("captured", c)
		m.give("EUR", big.NewInt(amount))
		return
	}
	w.payment("refunded", c)
	m.take("EUR", big.NewInt(amount))
}

func expire(t *rapid.T, w *world, m *model, holds []string) {
	if len(holds) == 0 {
		return
	}
	hold := rapid.SampledFrom(holds).Draw(t, "expires")
	h := m.holds[hold]
	waits := !h.expires.IsZero() && h.left.Sign() > 0
	results := w.expire(&topics.WalletCommand{Tenant: "acme", CustomerID: "anna", HoldID: hold})
	if waits != (results[0] != "nothing happens") {
		t.Fatalf("hold with %s left that expires at %s: %s", h.left, h.expires, results)
	}
	if waits {
		m.release(h)
	}
}

func compare(t *rapid.T, w *world, m *model) {
	for _, currency := range []string{"EUR", "JPY"} {
		b := w.Balance(ledger.Customer{Tenant: "acme", ID: "anna", Currency: ledger.Currency(currency)})
		got := fmt.Sprint(w.wallets["anna"] != nil && w.wallets["anna"].In(ledger.Currency(currency)), b.Available, b.Held, b.Debt)
		want := fmt.Sprint(false, 0, 0, 0)
		if m.wallet[currency] != nil {
			want = fmt.Sprint(true, m.wallet[currency], m.held(currency), m.debt[currency])
		}
		if got != want {
			t.Fatalf("%s: open, available, held, owed: %s, the model says %s", currency, got, want)
		}
	}
}
