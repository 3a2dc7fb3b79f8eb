package main

import (
	"strings"
	"testing"

	"github.com/weirhq/weir/internal/broker/brokertest"
)

// TestRulesFromIdeaToProduction: a set is deployed, approved, replaced and taken back, and the history tells it.
func TestRulesFromIdeaToProduction(t *testing.T) {
	b := brokertest.New(t, 4)
	weir := func(want int, args ...string) string {
		t.Helper()
		code, out, errOut := rulesOutput(t, append(args, "--brokers", strings.Join(b.Config.Brokers, ","), "--set", "kafka.partitions=4",
			"--set", "risk.rules_from=topic", "--set", "risk.rules_four_eyes=true")...)
		if code != want {
			t.Fatalf("weir rules %s: exit %d, want %d\n%s%s", strings.Join(args, " "), code, want, out, errOut)
		}
		return out + errOut
	}
	says := func(text string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in\n%s", want, text)
			}
		}
	}
	says(weir(exitOK, "history"), "no rule set was deployed")
	good := strings.Replace(brokenRule, "contry", "country", 1)
	first, second := writeFile(t, "first.yaml", good), writeFile(t, "second.yaml", strings.Replace(good, "hold\n    on", "block\n    on", 1))
	says(weir(exitProblem, "deploy", writeFile(t, "broken.yaml", brokenRule), "--author", "ann", "--comment", "x"), `did you mean "card.country"?`, "1 problem")
	says(weir(exitProblem, "deploy", first), "Name an author and a comment")
	hash := func(text string) string { return strings.Fields(strings.SplitN(text, "rule set ", 2)[1])[0] }
	a := hash(weir(exitOK, "deploy", first, "--author", "ann", "--comment", "card testing"))
	says(weir(exitOK, "history"), a, "proposed", "ann", "card testing")
	says(weir(exitProblem, "approve", a, "--approver", "ann"), "another person must approve it")
	says(weir(exitProblem, "deploy", second, "--author", "cat", "--comment", "stricter"), "of ann (card testing) waits for approval already", "--replace")
	says(weir(exitOK, "deploy", second, "--author", "cat", "--comment", "stricter", "--replace"), "it replaces the rule set "+a[:8]+" of ann (card testing)", "weir rules show proposed --text")
	says(weir(exitOK, "show", "proposed"), "before_authorization  block", "second.yaml:3")
	says(weir(exitOK, "show", "proposed", "--text"), "of cat: stricter", "# file second.yaml", "on_missing: hold")
	says(weir(exitOK, "diff", first, "proposed"), "~ rule a, outcome: hold -> block")
	says(weir(exitProblem, "diff", "live", "proposed"), "no rule set live was deployed")
	says(weir(exitOK, "deploy", first, "--author", "ann", "--comment", "card testing", "--replace"), a)
	says(weir(exitOK, "show", a[:8]), "before_authorization  hold", "first.yaml:3")
	says(weir(exitOK, "approve", a[:8], "--approver", "bob"), "deployed, approved by bob")
	b2 := hash(weir(exitOK, "deploy", second, "--author", "bob", "--comment", "stricter"))
	says(weir(exitOK, "diff", "live", b2[:8]), "outcome: hold -> block")
	weir(exitOK, "approve", b2, "--approver", "ann")
	says(weir(exitProblem, "show", "proposed"), "no rule set waits for approval")
	says(weir(exitOK, "rollback", "--author", "cat"), a)
	history := weir(exitOK, "history")
	says(history, a, b2, "ann (rolled back by cat)")
	if lines := strings.Split(strings.TrimSpace(history), "\n"); len(lines) != 6 || !strings.Contains(lines[5], "live, in force") || strings.Count(history, "in force") != 1 {
		t.Errorf("the history is\n%s", history)
	}
	says(weir(exitOK, "deploy", second, "--author", "bob", "--comment", "try it", "--candidate"), "deployed as candidate")
	says(weir(exitUsage, "approve"), "hash of the rule set")
}

// TestDeployingFromWhereNobodyAsksForTwoPeople: what the topic says is in force is what processes accept, and what a deployment
// takes away is told.
func TestDeployingFromWhereNobodyAsksForTwoPeople(t *testing.T) {
	b := brokertest.New(t, 4)
	weir := func(fourEyes string, args ...string) string {
		t.Helper()
		code, out, errOut := rulesOutput(t, append(args, "--brokers", strings.Join(b.Config.Brokers, ","), "--set", "kafka.partitions=4",
			"--set", "risk.rules_from=topic", "--set", "risk.rules_four_eyes="+fourEyes)...)
		if code != exitOK {
			t.Fatalf("weir rules %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errOut)
		}
		return out
	}
	says := func(text string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in\n%s", want, text)
			}
		}
	}
	hash := func(text string) string { return strings.Fields(strings.SplitN(text, "rule set ", 2)[1])[0] }
	one := writeFile(t, "one.yaml", strings.Replace(brokenRule, "contry", "country", 1))
	two := writeFile(t, "two.yaml", strings.Replace(strings.Replace(brokenRule, "contry", "country", 1), "name: a", "name: b", 1)+
		"lists:\n  denied: { editable: true }\n")
	first := weir("false", "deploy", one, "--author", "eve", "--comment", "x")
	says(first, "is deployed as live", "nobody else has approved it", "-> 1 rule", "-> 0 lists", "what it does not have goes: ", "more")
	says(weir("true", "history"), "live, refused: nobody approved it")
	says(weir("false", "history"), "live, in force")
	proposal := weir("true", "deploy", two, "--author", "ann", "--comment", "x")
	says(proposal, "waits for approval", "weir rules show proposed --text", "-> 1 list,")
	if strings.Contains(proposal, "diff live") {
		t.Errorf("there is no live set to compare with:\n%s", proposal)
	}
	weir("true", "approve", hash(proposal), "--author", "bob")
	says(weir("false", "deploy", one, "--author", "eve", "--comment", "x"), "waits for approval by another person, as the one in force did",
		"it replaces the whole set in force: 1 -> 1 rule, 1 -> 0 lists, 0 -> 0 gaming limits", "what it does not have goes: list denied, rule b")
	says(weir("false", "show", "live"), "two.yaml")
	says(weir("false", "reject", hash(first), "--author", "bob", "--comment", "not now"), "rule set "+hash(first)+" of eve is dropped")
	says(weir("false", "history"), "dropped", "x; rejected by bob: not now")
	if h := weir("false", "history"); strings.Count(h, "in force") != 1 || !strings.Contains(h, hash(proposal)+"  live, in force") {
		t.Errorf("history\n%s", h)
	}
}
