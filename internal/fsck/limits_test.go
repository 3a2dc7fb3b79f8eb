package fsck

import (
	"slices"
	"strings"
	"testing"

	"github.com/weirhq/weir/topics"
)

// limit gives a customer of partition 0 limits, a deposit and a stake that count.
func (f *fixture) limit() {
	f.t.Helper()
	anna := customers(f.t)[0][0]
	terms := &topics.GamingTerms{Day: "2026-03-01", Limits: []topics.GamingTerm{{Kind: topics.GamingDeposit, Period: topics.GamingDay,
		Amounts: map[string]int64{"EUR": 10_000}, Outcome: topics.OutcomeBlock}}}
	for n, amount := range []int64{600, 500, 700} {
		f.command(30+n, topics.WalletCommand{Type: topics.WalletSetLimit, CustomerID: anna, Amount: amount, Currency: "EUR",
			Limit: &topics.LimitRequest{Kind: topics.GamingLoss, Period: topics.GamingWeek}})
	}
	f.command(33, topics.WalletCommand{Type: topics.WalletCredit, CustomerID: anna, Amount: 1000, Currency: "EUR", Reason: topics.ReasonBonus})
	f.command(34, topics.WalletCommand{Type: topics.WalletDebit, CustomerID: anna, Amount: 400, Currency: "EUR", Reason: topics.ReasonGame, RoundID: "r1"})
	f.feed(home(anna), anna, topics.TypeAssessedCommand, &topics.AssessedCommand{Gaming: terms,
		Command: topics.Command{CommandID: commandID(35), Type: topics.CommandCreate, Tenant: "acme", CustomerID: anna, Amount: 2500,
			Currency: "EUR", Card: &topics.Card{Token: "tok_visa"}},
		Decision: topics.Decision{CommandID: commandID(35), Outcome: topics.OutcomePass}})
	f.publishAll()
}

func TestLimitsHold(t *testing.T) {
	f := newFixture(t)
	f.limit()
	f.wantNone()
}

func TestCorruptionOfLimitsIsFound(t *testing.T) {
	f := newFixture(t)
	f.limit()
	f.save()
	replace := func(old, new string) func(*fixture) {
		return sql(`UPDATE customer_limits SET state = replace(state, '` + old + `', '` + new + `')`)
	}
	for _, c := range []corruption{
		{"a deposit is forgotten", replace(`"deposited":2500`, `"deposited":0`), []string{"limit: partition 0: limits of acme", "days [", "2500"}},
		{"a loss is smaller", replace(`"lost":400`, `"lost":40`), []string{"limit: partition 0: limits of acme", "days [", "400"}},
		{"a limit is raised", replace(`"limit":500`, `"limit":5000`), []string{"limit: partition 0: limits of acme", "settings [", "Limit:500 "}},
		{"a raise comes early", replace(`"from":"20`, `"from":"19`), []string{"limit: partition 0: limits of acme", "settings [", "next 700 from 20"}},
		{"the last stake is gone", replace(`"last_stake_ms"`, `"x"`), []string{"limit: partition 0: limits of acme", "last stake 0"}},
		{"the limits are gone", sql(`DELETE FROM customer_limits`), []string{"limit: partition 0: limits of acme", "there is no such row"}},
		{"the limits change hands", sql(`UPDATE customer_limits SET customer = 'eve'`), []string{"limit: partition 0: limits of acme eve", "it stands under the key"}},
		{"the limits are of no partition", sql(`UPDATE customer_limits SET partition = -1`), []string{"partition: partition -1: customer_limits"}},
		{"the limits cannot be read", sql(`UPDATE customer_limits SET state = 'x'`), []string{"limit: partition 0: limits of acme", "record:"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := f.on(t)
			c.spoil(f)
			problems, _, _ := f.check()
			if !slices.ContainsFunc(problems, func(p string) bool {
				return !slices.ContainsFunc(c.want, func(part string) bool { return !strings.Contains(p, part) })
			}) {
				t.Errorf("want one problem with %q, got\n%s", c.want, strings.Join(problems, "\n"))
			}
		})
	}
}
