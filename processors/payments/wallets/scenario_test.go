package wallets_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/internal/reference/schematest"
	"github.com/weirhq/weir/internal/scenario"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/gaming"
	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/topics"
)

var update = flag.Bool("update", false, "rewrite what the scenarios expect")

// TestScenarios runs each scenario of testdata/scenarios/wallets, whose README describes the language.
func TestScenarios(t *testing.T) {
	schemas := schematest.Compile(t)
	scenario.Run(t, "../../../testdata/scenarios/wallets", *update, func(t *testing.T) func(string) []string { return newWorld(t, schemas).do })
}

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	Error(...any)
	Fatal(...any)
	Fatalf(string, ...any)
}

// world holds the wallets of a scenario. It is the Book of its decisions.
type world struct {
	tester
	schemas  schematest.Schemas // nil: events are not held to them
	now      time.Time
	position int64
	last     topics.WalletEvent
	balances *ledger.Balances
	wallets  map[string]*wallets.Wallet // by customer
	holds    map[uuid.UUID]*wallets.Hold
	rounds   map[uuid.UUID]*wallets.Round
	limits   map[string]*gaming.State // by customer
	terms    *topics.GamingTerms      // of the brand
}

func newWorld(t tester, schemas schematest.Schemas) *world {
	return &world{tester: t, schemas: schemas, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), balances: ledger.NewBalances(),
		wallets: map[string]*wallets.Wallet{}, holds: map[uuid.UUID]*wallets.Hold{}, rounds: map[uuid.UUID]*wallets.Round{},
		limits: map[string]*gaming.State{}}
}

func (w *world) Balance(c ledger.Customer) topics.WalletBalance {
	s := w.balances.Standing(c)
	return topics.WalletBalance{Available: s.Available, Held: -w.balances.Balance(c.Account(ledger.CustomerHold).ID()), Debt: s.Debt}
}

func place[K comparable, T any](m map[K]*T, key K) *T {
	if m[key] == nil {
		m[key] = new(T)
	}
	return m[key]
}

// id is the command id that a name of the scenario stands for.
func id(name string) string { return uuid.NewV5(uuid.NamespaceURL, name).String() }

func (w *world) do(line string) []string {
	words := strings.Fields(line)
	options := map[string]string{}
	words = slices.DeleteFunc(words, func(word string) bool {
		name, value, ok := strings.Cut(word, "=")
		if ok {
			options[name] = value
		}
		return ok
	})
	take := func(name, standard string) string {
		defer delete(options, name)
		if value, ok := options[name]; ok {
			return value
		}
		return standard
	}
	w.position++
	c := &topics.WalletCommand{Tenant: "acme", CustomerID: take("customer", "anna"), Reason: topics.WalletReason(take("reason", "")),
		CommandID: id(take("id", fmt.Sprint(w.position))), RoundID: take("round", ""), RequestedBy: take("requested", ""), ApprovedBy: take("approved", "")}
	if c.RoundID != "" && c.Reason == "" && words[0] != "rollback" {
		c.Reason = topics.ReasonGame
	}
	if hold := take("hold", ""); hold != "" {
		c.HoldID = id(hold)
	}
	for name, at := range map[string]*time.Time{"expires": &c.ExpiresAt, "effective": &c.EffectiveAt, "issued": &c.IssuedAt} {
		if after := take(name, ""); after != "" {
			*at = w.now.Add(w.duration(after))
		}
	}
	c.Currency = take("in", "")
	var decision *topics.Decision
	if outcome := take("decision", ""); outcome != "" {
		decision = &topics.Decision{CommandID: c.CommandID, Stage: topics.StageWallet, Outcome: topics.Outcome(outcome), RuleSet: "rules",
			Reasons: strings.Split(take("reasons", "rule"), ",")}
	}
	if words[0] == "limit" || words[0] == "brand" {
		return w.limit(words, c, take)
	}
	if words[0] == "limits" {
		return w.showLimits(c.CustomerID)
	}
	if len(options) > 0 {
		w.Fatalf("%q: not understood: %v", line, options)
	}
	if n := len(words); n >= 3 {
		money, err := ledger.ParseMoney(words[n-2] + " " + words[n-1])
		if err != nil {
			w.Fatalf("%q: %v", line, err)
		}
		c.Amount, c.Currency = money.Minor, string(money.Currency)
	}
	kinds := map[string]topics.WalletCommandType{"credit": topics.WalletCredit, "debit": topics.WalletDebit, "hold": topics.WalletHold,
		"capture": topics.WalletCaptureHold, "release": topics.WalletReleaseHold, "rollback": topics.WalletRollbackRound, "close": topics.WalletClose}
	switch verb := words[0]; verb {
	case "wait":
		w.now = w.now.Add(w.duration(words[1]))
		return nil
	case "payment":
		return []string{w.payment(words[1], c)}
	case "expire":
		return w.expire(c)
	default:
		if c.Type = kinds[verb]; c.Type == "" {
			w.Fatalf("%q: not understood", line)
		}
		return w.apply(&wallets.Input{Position: w.position, Command: &topics.AssessedWalletCommand{Command: *c, Decision: decision, Refusal: c.Validate()}}, c)
	}
}

func (w *world) duration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		w.Fatal(err)
	}
	return d
}

// payment books a fact of a payment: a capture, or a refund that nobody asked for.
func (w *world) payment(what string, c *topics.WalletCommand) string {
	customer := ledger.Customer{Tenant: c.Tenant, ID: c.CustomerID, Currency: ledger.Currency(c.Currency)}
	standing := w.balances.Standing(customer)
	book := map[string]func() (ledger.Entry, error){
		"captured": func() (ledger.Entry, error) { return ledger.DepositCaptured(customer, c.Amount, 0, standing) },
		"refunded": func() (ledger.Entry, error) { return ledger.RefundForced(customer, c.Amount, c.Amount, standing) },
	}[what]
	entry, err := book()
	if err != nil {
		w.Fatal(err)
	}
	entry.At = w.now
	return w.post(&entry)
}

func (w *world) expire(c *topics.WalletCommand) []string {
	hold := place(w.holds, wallets.KeyOf(c.Tenant, c.CustomerID, c.HoldID))
	if w.now.Before(hold.ExpiresAt) {
		w.now = hold.ExpiresAt
	}
	return w.apply(&wallets.Input{Position: w.position, Expiry: &topics.TimerDue{Kind: topics.TimerHoldExpire, Generation: wallets.Generation,
		Tenant: c.Tenant, CustomerID: c.CustomerID, Due: hold.ExpiresAt}}, c)
}

func (w *world) apply(in *wallets.Input, c *topics.WalletCommand) []string {
	holdID := c.HoldID
	if c.Type == topics.WalletHold {
		holdID = c.CommandID
	}
	if in.Command != nil && w.terms != nil {
		terms := *w.terms
		terms.Day = gaming.DayOf(w.now)
		in.Command.Gaming = &terms
	}
	state := wallets.State{Limits: place(w.limits, c.CustomerID), Wallet: place(w.wallets, c.CustomerID), Hold: place(w.holds, wallets.KeyOf(c.Tenant, c.CustomerID, holdID)),
		Round: place(w.rounds, wallets.KeyOf(c.Tenant, c.CustomerID, "round "+c.RoundID))}
	before := fmt.Sprint(*state.Wallet, *state.Hold, *state.Round, *state.Limits)
	e, ok := wallets.Decide(state, in, w, w.now, topics.DedupHorizon)
	if !ok {
		return []string{"nothing happens"}
	}
	if before != fmt.Sprint(*state.Wallet, *state.Hold, *state.Round, *state.Limits) {
		w.Error("Decide changed the state")
	}
	var posted string
	if wallets.Moves(&e) {
		entry, err := wallets.Post(&e, w.Balance(ledger.Customer{Tenant: e.Tenant, ID: e.CustomerID, Currency: ledger.Currency(e.Currency)}))
		if err != nil {
			w.Fatal(err)
		}
		posted = w.post(&entry)
	}
	if err := wallets.Evolve(state, &e); err != nil {
		w.Fatal(err)
	}
	wallets.Settle(&e, state.Wallet, w)
	if w.schemas != nil {
		if err := w.schemas.Check(&e); err != nil {
			w.Error(err)
		}
	}
	w.last = e
	if e.Setting != nil {
		return []string{"limit_set " + setting(e.Setting, w.now)}
	}
	results := []string{describe(&e)}
	if posted != "" {
		results = append(results, "  "+posted)
	}
	return results
}

// post books an entry and opens the wallets that it is the first to move.
func (w *world) post(e *ledger.Entry) string {
	if err := w.balances.Apply(e); err != nil {
		w.Fatal(err)
	}
	parts := make([]string, len(e.Postings))
	for i, p := range e.Postings {
		name := string(p.Account.Code)
		if p.Account.Owner == "" {
			w.balances.Forget(p.Account.ID()) // of no interest here, and it may not be what ends a long story
		} else {
			name += "(" + p.Account.Owner + ")"
		}
		parts[i] = name + " " + ledger.Money{Minor: p.Minor, Currency: p.Account.Currency}.String()
		if wallet := place(w.wallets, p.Account.Owner); wallets.Opens(p.Account.Code) && !wallet.In(p.Account.Currency) {
			wallet.Open(p.Account.Currency)
		}
	}
	text := "entry " + e.Template + ": " + strings.Join(parts, ", ")
	if !e.Effective.IsZero() {
		text += " effective " + e.Effective.Format(time.RFC3339)
	}
	return text
}

func describe(e *topics.WalletEvent) string {
	money := func(minor int64) string {
		return ledger.Money{Minor: minor, Currency: ledger.Currency(e.Currency)}.String()
	}
	text := string(e.Type)
	if e.Refusal != "" {
		text = fmt.Sprintf("refused: %s (%s)", e.Refusal, e.Detail)
		if len(e.Reasons) > 0 {
			text += " reasons " + strings.Join(e.Reasons, ",")
		}
	} else if e.Currency != "" {
		text += " " + money(e.Amount)
	}
	if h := e.Hold; h != nil {
		text += fmt.Sprintf(", %s of %s left", money(h.Amount-h.Captured-h.Released), money(h.Amount))
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
	return text
}
