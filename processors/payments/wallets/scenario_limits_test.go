package wallets_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/topics"
)

// limit sets a limit of the customer's (limit), or of the brand (brand).
func (w *world) limit(words []string, c *topics.WalletCommand, take func(name, standard string) string) []string {
	kind, period := topics.GamingKind(words[1]), topics.GamingPeriod(words[2])
	var seconds int64
	switch rest := words[3:]; len(rest) {
	case 1:
		seconds = int64(w.duration(rest[0]).Seconds())
	case 2:
		money, err := ledger.ParseMoney(strings.Join(rest, " "))
		if err != nil {
			w.Fatal(err)
		}
		c.Amount, c.Currency = money.Minor, string(money.Currency)
	}
	raise := take("raise", "24h")
	if words[0] == "brand" {
		if w.terms == nil {
			w.terms = &topics.GamingTerms{}
		}
		term := topics.GamingTerm{Kind: kind, Period: period, Seconds: seconds, RaiseAfter: int64(w.duration(raise).Seconds()), Outcome: topics.OutcomeBlock}
		if c.Amount > 0 {
			term.Amounts = map[string]int64{c.Currency: c.Amount}
		}
		w.terms.Limits = append(w.terms.Limits, term)
		return nil
	}
	c.Type, c.RequestedBy = topics.WalletSetLimit, "ann"
	c.Limit = &topics.LimitRequest{Kind: kind, Period: period, SetBy: topics.GamingSetter(take("by", "")), Seconds: seconds,
		Remove: c.Amount == 0 && seconds == 0}
	return w.apply(&wallets.Input{Position: w.position, Command: &topics.AssessedWalletCommand{Command: *c, Refusal: c.Validate()}}, c)
}

// showLimits is what the customer's limits have counted.
func (w *world) showLimits(customer string) (lines []string) {
	for _, d := range place(w.limits, customer).Days {
		line := d.Date
		if d.Currency == "" {
			line += " played " + (time.Duration(d.Seconds) * time.Second).String()
		} else {
			line += " lost " + ledger.Money{Minor: d.Lost, Currency: ledger.Currency(d.Currency)}.String()
		}
		lines = append(lines, line)
	}
	return lines
}

func setting(g *topics.GamingSetting, now time.Time) string {
	of := func(limit int64) string {
		switch {
		case limit == 0:
			return "none"
		case g.Kind == topics.GamingSession:
			return (time.Duration(limit) * time.Second).String()
		}
		return ledger.Money{Minor: limit, Currency: ledger.Currency(g.Currency)}.String()
	}
	text := fmt.Sprintf("%s %s by %s: %s", g.Kind, g.Period, g.SetBy, of(g.Limit))
	if g.Next != nil {
		text += fmt.Sprintf(", %s in %s", of(g.Next.Limit), g.Next.From.Sub(now))
	}
	return text
}
