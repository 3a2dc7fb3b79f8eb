package payouts_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/payouts"
	"github.com/weirhq/weir/topics"
)

// do plays one line of a scenario.
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
	amount, currency := int64(0), ledger.Currency("EUR")
	if n := len(words); n >= 3 {
		money, err := ledger.ParseMoney(words[n-2] + " " + words[n-1])
		if err != nil {
			w.Fatalf("%q: %v", line, err)
		}
		amount, currency = money.Minor, money.Currency
	}
	var lines []string
	switch verb := words[0]; verb {
	case "wait":
		w.now = w.now.Add(w.duration(words[1]))
	case "open-loop":
		w.limits.OpenLoop = true
	case "pays-out":
		w.limits.Payers = words[1:]
	case "close":
		w.wallet.Closed = true
	case "deposit":
		lines = []string{w.deposit(take("psp", "sandbox"), take("card", "tok_1"), currency, amount)}
	case "refund":
		lines = []string{w.deposit(take("psp", "sandbox"), take("card", "tok_1"), currency, -amount)}
	case "win":
		lines = []string{w.game(currency, amount)}
	case "lose":
		lines = []string{w.game(currency, -amount)}
	case "sources":
		lines = w.showSources()
	case "create", "approve", "reject", "cancel":
		lines = w.commanded(verb, amount, currency, take)
	case "psp":
		lines = w.reported(words[1], amount, currency, take)
	case "timer":
		lines = w.timer(take("payout", w.last))
	default:
		w.Fatalf("%q: not understood", line)
	}
	if len(options) > 0 {
		w.Fatalf("%q: not understood: %v", line, options)
	}
	return lines
}

func (w *world) duration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		w.Fatal(err)
	}
	return d
}

func (w *world) commanded(verb string, amount int64, currency ledger.Currency, take func(name, standard string) string) []string {
	c := topics.PayoutCommand{Type: topics.PayoutCommandType(verb), Tenant: "acme", CustomerID: take("customer", "anna"),
		Region: take("region", ""), RequestedBy: take("requested", ""), ApprovedBy: take("approved", ""), Reason: take("reason", "")}
	if issued := take("issued", ""); issued != "" {
		c.IssuedAt = w.now.Add(w.duration(issued))
	}
	name := take("payout", w.last)
	in := &topics.AssessedPayoutCommand{}
	if verb == "create" {
		name = take("id", fmt.Sprint("p", w.position))
		c.CommandID, c.Amount, c.Currency = id(name), amount, string(currency)
		if card := take("card", ""); card != "" {
			c.Card = &topics.Card{Token: card}
		}
		if outcome := take("decision", ""); outcome != "" {
			in.Decision = &topics.Decision{CommandID: c.CommandID, Stage: topics.StagePayout, Outcome: topics.Outcome(outcome), RuleSet: "rules",
				Reasons: strings.Split(take("reasons", "rule"), ",")}
		}
	} else {
		c.CommandID, c.PayoutID = id(fmt.Sprint(verb, w.position)), idOf(name).String()
	}
	in.Command, in.Refusal = c, c.Validate()
	lines := w.input(name, &payouts.Input{Command: in})
	if verb == "create" && w.payouts[name] != nil {
		w.last = name
	}
	return lines
}

// reported is what the PSP says of the latest request of a payout, or of the one of a number.
func (w *world) reported(outcome string, amount int64, currency ledger.Currency, take func(name, standard string) string) []string {
	name := take("payout", w.last)
	r := &topics.PSPReport{ReportID: id(fmt.Sprint("report", w.position)), Source: topics.ReportSource(take("source", "response")), PSP: take("psp", "sandbox"),
		Tenant: "acme", CustomerID: take("customer", "anna"), PaymentID: idOf(name).String(), Operation: topics.PSPOperation(take("operation", "payout")),
		Outcome: topics.PSPOutcome(outcome), DeclineCode: take("code", ""), PSPReference: take("ref", "")}
	requests := w.requests[name]
	switch number := take("request", ""); {
	case number == "none":
	case number != "":
		n, err := strconv.Atoi(number)
		if err != nil {
			w.Fatal(err)
		}
		if r.RequestID = "0-9999-0"; n <= len(requests) {
			r.RequestID = requests[n-1]
		}
	case len(requests) > 0:
		r.RequestID = requests[len(requests)-1]
	}
	if r.Outcome == topics.PSPApproved || r.Outcome == topics.PSPReversed {
		r.Amount, r.Currency = amount, string(currency)
		if p := w.payouts[name]; amount == 0 && p != nil {
			r.Amount, r.Currency = p.Amount, string(p.Currency)
		}
	}
	if fee := take("fee", ""); fee != "" {
		money, err := ledger.ParseMoney(fee + " " + r.Currency)
		if err != nil {
			w.Fatal(err)
		}
		r.Fee = money.Minor
	}
	return w.input(name, &payouts.Input{Report: r})
}

// timer runs out the timer that the payout holds; the clock goes to its time.
func (w *world) timer(name string) []string {
	p := w.payouts[name]
	if p == nil || p.Timer.Kind == "" {
		return []string{"there is no timer"}
	}
	if w.now.Before(p.Timer.Due) {
		w.now = p.Timer.Due
	}
	return w.input(name, &payouts.Input{Timer: &topics.TimerDue{Kind: p.Timer.Kind, Generation: p.Timer.Generation, Due: p.Timer.Due, Tenant: "acme",
		CustomerID: "anna", PaymentID: idOf(name).String()}})
}

func (w *world) showSources() (lines []string) {
	for _, s := range w.sources.All {
		money := func(minor int64) string { return ledger.Money{Minor: minor, Currency: s.Currency}.String() }
		lines = append(lines, fmt.Sprintf("%s: deposited %s, paid out %s, %s waits", s.Card.Token, money(s.Deposited), money(s.PaidOut), money(s.Rest())))
	}
	return lines
}
