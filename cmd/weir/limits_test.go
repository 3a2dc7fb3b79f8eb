package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/processors/payments/gaming"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

func TestLimitsAreShown(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	var s gaming.State
	s.CountDeposit(&topics.GamingCount{Day: "2026-11-16", Amount: 5000}, "EUR") // Monday
	s.CountDeposit(&topics.GamingCount{Day: "2026-11-22", Amount: 2500}, "EUR")
	s.CountGame(&topics.GamingCount{Day: "2026-11-22", Amount: -700}, "EUR", false, now)
	s.Learn(&topics.GamingTerms{TimeZone: "Europe/Malta", Limits: []topics.GamingTerm{
		{Kind: topics.GamingDeposit, Period: topics.GamingWeek, Amounts: map[string]int64{"EUR": 100_000, "JPY": 0}}}}, topics.GamingDeposit)
	for _, want := range []topics.GamingSetting{
		{Kind: topics.GamingDeposit, Period: topics.GamingDay, SetBy: topics.SetByCustomer, Currency: "EUR", Limit: 2000},
		{Kind: topics.GamingDeposit, Period: topics.GamingDay, SetBy: topics.SetByCustomer, Currency: "EUR", Limit: 8000},
		{Kind: topics.GamingLoss, Period: topics.GamingMonth, SetBy: topics.SetByOperator, Currency: "EUR", Limit: 5000},
		{Kind: topics.GamingSession, Period: topics.GamingDay, SetBy: topics.SetByCustomer, Limit: 7200},
		{Kind: topics.GamingSession, Period: topics.GamingDay, SetBy: topics.SetByCustomer},
	} {
		s.Set(s.Change(want, 24*time.Hour, now), now)
	}
	var out strings.Builder
	limits := &view.Limits{Day: "2026-11-22", TimeZone: s.TimeZone, Lines: s.Lines("2026-11-22", now)}
	if err := printLimits(&out, &view.Owner{Tenant: "acme", Customer: "cus_42"}, limits); err != nil {
		t.Fatal(err)
	}
	want := `acme cus_42 on 2026-11-22 (Europe/Malta)
KIND     PERIOD  SET BY    LIMIT        USED       LEFT        NEXT
deposit  day     customer  20.00 EUR    25.00 EUR  0.00 EUR    80.00 EUR from 2026-11-23T12:00:00Z
deposit  week    brand     1000.00 EUR  75.00 EUR  925.00 EUR
deposit  week    brand     0 JPY        0 JPY      0 JPY
loss     month   operator  50.00 EUR    -7.00 EUR  57.00 EUR
session  day     customer  2h0m0s       0s         2h0m0s      none from 2026-11-23T12:00:00Z
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	// A day later the raise holds, and the session limit is gone.
	later := s.Lines("2026-11-23", now.Add(24*time.Hour))
	if len(later) != 4 || later[0].Limit != 8000 || later[0].Used != 0 || later[0].Next != nil {
		t.Errorf("a day later: %+v", later)
	}
}

func TestExplainTellsTheLimit(t *testing.T) {
	var out strings.Builder
	printGamingLimit(&out, &topics.GamingLimit{Kind: topics.GamingDeposit, Period: topics.GamingDay, SetBy: topics.SetByCustomer, Currency: "EUR",
		Limit: 10_000, Used: 9_000, Asked: 3_000, Left: 1_000, Outcome: topics.OutcomeBlock})
	want := "\nresponsible gaming: the deposit limit of a day, set by the customer: 90.00 EUR used of 100.00 EUR, 30.00 EUR asked, above it: block\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	if printGamingLimit(&out, nil); out.String() != want {
		t.Errorf("a decision without a limit: %q", out.String())
	}
}

// TestExplainBeginsWithWhatHappened: a limit decides whatever the rules say, and that stands at the top.
func TestExplainBeginsWithWhatHappened(t *testing.T) {
	limit := topics.GamingLimit{Kind: topics.GamingDeposit, Period: topics.GamingDay, SetBy: topics.SetByBrand, Currency: "EUR", Limit: 90_000, Asked: 90_001, Left: 90_000}
	for _, c := range []struct {
		rules, limit     topics.Outcome
		reasons          []string
		outcome, because string
	}{
		{topics.OutcomePass, "", nil, "outcome   pass\n", "reasons   \n"},
		{topics.OutcomePass, topics.OutcomeBlock, nil, "outcome   block, for the limit deposit_limit_day; the rules: pass\n", "reasons   deposit_limit_day\n"},
		{topics.OutcomeHold, topics.OutcomeBlock, []string{"new"}, "outcome   block, for the limit deposit_limit_day; the rules: hold\n", "reasons   deposit_limit_day, new\n"},
		{topics.OutcomeBlock, topics.OutcomeHold, []string{"bad"}, "outcome   block\n", "reasons   deposit_limit_day, bad\n"},
	} {
		limit.Outcome = c.limit
		var out strings.Builder
		if err := printDecision(&out, &topics.Decision{Outcome: c.rules, Reasons: c.reasons, GamingLimit: &limit}, nil); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), c.outcome) || !strings.Contains(out.String(), c.because) {
			t.Errorf("rules %s, limit %s:\n%s", c.rules, c.limit, out.String())
		}
	}
}

// TestLimitsOfNobody: who has not paid yet is not told to have no limits.
func TestLimitsOfNobody(t *testing.T) {
	var out strings.Builder
	if err := printLimits(&out, &view.Owner{Tenant: "acme", Customer: "cus_none"}, &view.Limits{Day: "2026-11-22", Unknown: true}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "nothing is known of such a customer") || !strings.Contains(out.String(), "weir rules show --tenant acme") {
		t.Error(out.String())
	}
}

func TestRulesShowLimits(t *testing.T) {
	file := filepath.Join(t.TempDir(), "limits.yaml")
	if err := os.WriteFile(file, []byte("version: 1\ngaming_limits:\n  - { kind: deposit, period: day, amounts: [\"100.00 EUR\"], outcome: hold }\n  - { kind: session, period: week, raise_after: 7d }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, out, _ := weir(t, nil, "rules", "check", file); !strings.Contains(out, "0 rules, 0 lists with 0 entries, 2 gaming limits: no mistakes") {
		t.Errorf("check: %s", out)
	}
	code, out, errOut := weir(t, nil, "rules", "show", "--tenant", "acme", file)
	for _, want := range []string{"LIMIT    PERIOD  AT MOST", "deposit  day     100.00 EUR          hold     1d           all", "session  week    what customers set  block    7d           all"} {
		if code != exitOK || !strings.Contains(out, want) {
			t.Errorf("exit %d: %q is not in\n%s%s", code, want, out, errOut)
		}
	}
}

func TestLimitsNeedATenant(t *testing.T) {
	if code, _, errOut := weir(t, nil, "limits", "cus_42"); code != exitUsage || !strings.Contains(errOut, "--tenant") {
		t.Errorf("exit %d: %s", code, errOut)
	}
}
