package rules_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

const gamingBase = `
version: 1
gaming_limits:
  - { kind: deposit, period: day, amounts: ["1000.00 EUR", "1100.00 USD"] }
  - { kind: deposit, period: month, raise_after: 7d }
  - { kind: loss, period: week, amounts: ["500.00 EUR"] }
  - { kind: session, period: day, time: 4h }
`

func gamingSet(t *testing.T, texts ...string) *rules.Set {
	t.Helper()
	var files []rules.File
	for i, text := range texts {
		files = append(files, rules.File{Name: fmt.Sprintf("%d.yaml", i), Text: []byte(text)})
	}
	set, err := rules.Compile(files, nil)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// words is what terms say, in short.
func words(terms *topics.GamingTerms) string {
	if terms == nil {
		return "none"
	}
	parts := []string{terms.Day, terms.TimeZone}
	for _, l := range terms.Limits {
		parts = append(parts, fmt.Sprint(l.Kind, " ", l.Period, " ", l.Amounts, " ", l.Seconds, " ", l.RaiseAfter/3600, "h ", l.Outcome))
	}
	return strings.Join(parts, "; ")
}

func TestGamingTerms(t *testing.T) {
	set := gamingSet(t, gamingBase,
		"version: 1\ntenants: [acme]\ntime_zone: Europe/Malta\ngaming_limits:\n  - { kind: deposit, period: day, amounts: [\"200.00 EUR\"], outcome: hold }\n",
		"version: 1\ntenants: [acme]\nregions: [us]\ntime_zone: America/New_York\ngaming_limits:\n  - { kind: deposit, period: day, enabled: false }\n")
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	pay := func(tenant, region, currency string) rules.Input {
		return rules.Input{Now: noon, Command: &topics.Command{Type: topics.CommandCreate, Tenant: tenant, Region: region, CustomerID: "anna", Currency: currency}}
	}
	game := func(kind topics.WalletCommandType, reason topics.WalletReason) rules.Input {
		return rules.Input{Now: noon, Wallet: &topics.WalletCommand{Type: kind, Reason: reason, Tenant: "other", CustomerID: "anna", Currency: "EUR"}}
	}
	guest, refund, authorize := pay("other", "", "EUR"), pay("other", "", "EUR"), pay("other", "", "")
	guest.Command.CustomerID, refund.Command.Type, authorize.Command.Type = "", topics.CommandRefund, topics.CommandAuthorize
	approve := pay("other", "", "")
	approve.Command.Type = topics.CommandApprove
	sets := rules.Input{Now: noon, Wallet: &topics.WalletCommand{Type: topics.WalletSetLimit, Tenant: "other", CustomerID: "anna", Currency: "EUR",
		Limit: &topics.LimitRequest{Kind: topics.GamingDeposit, Period: topics.GamingMonth}}}
	for _, test := range []struct {
		name string
		in   rules.Input
		want string
	}{
		{"the base", pay("other", "", "USD"), "2026-11-22; ; deposit day map[USD:110000] 0 24h block; deposit month map[] 0 168h "},
		{"a currency without an amount", pay("other", "", "JPY"), "2026-11-22; ; deposit day map[JPY:0] 0 24h block; deposit month map[] 0 168h "},
		{"the tenant's replaces it", pay("acme", "eu", "EUR"), "2026-11-22; Europe/Malta; deposit day map[EUR:20000] 0 24h hold; deposit month map[] 0 168h "},
		{"taken away in a region", pay("acme", "us", "EUR"), "2026-11-22; America/New_York; deposit month map[] 0 168h "},
		{"an authorisation names no currency", authorize, "2026-11-22; ; deposit day map[EUR:100000 USD:110000] 0 24h block; deposit month map[] 0 168h "},
		{"a reviewer's approval", approve, "2026-11-22; ; deposit day map[EUR:100000 USD:110000] 0 24h block; deposit month map[] 0 168h "},
		{"a guest", guest, "none"},
		{"a refund", refund, "none"},
		{"a stake", game(topics.WalletDebit, topics.ReasonGame), "2026-11-22; ; loss week map[EUR:50000] 0 24h block; session day map[] 14400 24h block"},
		{"a win", game(topics.WalletCredit, topics.ReasonGame), "2026-11-22; "},
		{"a rollback", game(topics.WalletRollbackRound, ""), "2026-11-22; "},
		{"a purchase", game(topics.WalletDebit, topics.ReasonPurchase), "none"},
		{"a limit is set", sets, "2026-11-22; ; deposit day map[EUR:100000 USD:110000] 0 24h block; deposit month map[] 0 168h "},
	} {
		if got := words(set.GamingTerms(&test.in)); got != test.want {
			t.Errorf("%s:\n%s, want\n%s", test.name, got, test.want)
		}
	}
	plain := gamingSet(t, "version: 1\nrules: [{ name: a, when: tenant == \"x\", outcome: pass }]\n")
	in := pay("other", "", "EUR")
	if allocs := testing.AllocsPerRun(100, func() {
		if plain.GamingTerms(&in) != nil {
			t.Error("terms of a set without limits")
		}
	}); allocs != 0 {
		t.Errorf("a set without limits allocates %v times", allocs)
	}
}

// TestDaysBeginWhereTheBrandIs: a day begins at its midnight, whatever the clocks do in it.
func TestDaysBeginWhereTheBrandIs(t *testing.T) {
	set := gamingSet(t, gamingBase+"time_zone: Europe/Malta\n")
	for at, want := range map[string]string{
		"2026-03-28T22:59:59Z": "2026-03-28", "2026-03-28T23:00:00Z": "2026-03-29", // clocks go forward on the 29th
		"2026-03-29T21:59:59Z": "2026-03-29", "2026-03-29T22:00:00Z": "2026-03-30", // after 23 hours
		"2026-10-24T21:59:59Z": "2026-10-24", "2026-10-24T22:00:00Z": "2026-10-25", // and back on the 25th
		"2026-10-25T22:59:59Z": "2026-10-25", "2026-10-25T23:00:00Z": "2026-10-26", // after 25 hours
		"2026-12-31T22:59:59Z": "2026-12-31", "2026-12-31T23:00:00Z": "2027-01-01",
		"2028-02-28T23:00:00Z": "2028-02-29",
	} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		in := rules.Input{Now: now, Command: &topics.Command{Type: topics.CommandCreate, Tenant: "acme", CustomerID: "anna", Currency: "EUR"}}
		if got := set.GamingTerms(&in).Day; got != want {
			t.Errorf("%s is on %s, want %s", at, got, want)
		}
	}
}

// TestWhatDecidesIsInTheHash: limits and time zones change what a set decides, what is said of them does not.
func TestGamingLimitsAreInTheHash(t *testing.T) {
	base := gamingSet(t, gamingBase)
	for text, want := range map[string]bool{
		gamingBase + "time_zone: Europe/Malta\n":                                               true,
		strings.Replace(gamingBase, "1000.00", "1001.00", 1):                                   true,
		strings.Replace(gamingBase, "raise_after: 7d", "raise_after: 8d", 1):                   true,
		strings.Replace(gamingBase, "time: 4h", "time: 3h", 1):                                 true,
		strings.Replace(gamingBase, `USD"] }`, `USD"], outcome: hold }`, 1):                    true,
		strings.Replace(gamingBase, `USD"] }`, `USD"], owner: ann, description: why }`, 1):     false,
		strings.Replace(gamingBase, `USD"] }`, `USD"], outcome: block, raise_after: 24h }`, 1): false,
	} {
		set := gamingSet(t, text)
		if changed := set.Hash() != base.Hash(); changed != want {
			t.Errorf("the hash changes: %v, want %v, with\n%s", changed, want, text)
		}
		if changes := rules.Diff(base, set); (len(changes) > 0) != want {
			t.Errorf("differences %v with\n%s", changes, text)
		}
	}
}

func TestTwoTimeZonesOfATenant(t *testing.T) {
	_, err := rules.Compile([]rules.File{{Name: "a.yaml", Text: []byte(gamingBase + "time_zone: Europe/Malta\n")},
		{Name: "b.yaml", Text: []byte("version: 1\ntime_zone: Europe/Madrid\n")}}, nil)
	if err == nil || !strings.Contains(err.Error(), "b.yaml:2:12: the same tenants and regions have the time zone Europe/Malta already") {
		t.Errorf("got %v", err)
	}
}
