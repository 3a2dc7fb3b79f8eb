package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/weirhq/weir/internal/broker/brokertest"
)

// TestKillSwitchIsTurned: what an operator does in an incident, from the first look to the audit.
func TestKillSwitchIsTurned(t *testing.T) {
	b := brokertest.New(t, 4)
	var settings []string
	weir := func(want int, args ...string) string {
		t.Helper()
		var out, errOut bytes.Buffer
		line := append(append([]string{"routes"}, args...), "--brokers", strings.Join(b.Config.Brokers, ","))
		line = append(line, settings...)
		if code := run(t.Context(), &app{out: &out, errOut: &errOut}, line); code != want {
			t.Fatalf("weir routes %s: exit %d, want %d\n%s%s", strings.Join(args, " "), code, want, out.String(), errOut.String())
		}
		return out.String() + errOut.String()
	}
	says := func(text string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in\n%s", want, text)
			}
		}
	}
	says(weir(exitOK, "switches"), "no PSP is disabled", "names of PSPs are not checked")
	settings = []string{"--set", "psp.sandbox.base_url=http://127.0.0.1:1", "--set", "psp.sandbox.secret=sandbox-key"}
	says(weir(exitUsage, "disable"), "want one PSP, or all")
	says(weir(exitProblem, "disable", "sandbox", "--author", "ann"), "Give a reason")
	says(weir(exitProblem, "disable", "sandbx", "--author", "ann", "--reason", "x"), `no PSP "sandbx" is configured; there are: sandbox`)
	disable := []string{"disable", "sandbox", "--country", "DE", "--author", "ann", "--reason", "timeouts", "--for", "2h"}
	says(weir(exitOK, disable...), "sandbox, country DE is not asked for authorisations and payouts any more, until 2", "Z: in every process within a second")
	says(weir(exitOK, "disable", "all", "--tenant", "acme", "--author", "ann", "--reason", "fraud"), "every PSP, tenant acme is not asked")
	says(weir(exitOK, "disable", "all", "--tenant", "acme", "--author", "bob", "--reason", "fraud"), "there is nothing to do")
	says(weir(exitOK, "switches"), "disabled  sandbox, country DE", "ann     timeouts", "disabled  every PSP, tenant acme  never")
	says(weir(exitProblem, "enable", "sandbox", "--author", "ann", "--reason", "x"), "sandbox is not disabled; weir routes switches shows what is")
	says(weir(exitOK, "enable", "sandbox", "--country", "DE", "--author", "bob", "--reason", "it is back"), "sandbox, country DE is asked again: in every process within a second")
	if on := weir(exitOK, "switches"); strings.Contains(on, "country DE") {
		t.Errorf("still disabled:\n%s", on)
	}
	says(weir(exitOK, "switches", "--all"), "enabled   sandbox, country DE", "bob     it is back")
}
