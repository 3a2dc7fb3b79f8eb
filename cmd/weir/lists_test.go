package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/weirhq/weir/internal/broker/brokertest"
)

// TestListsAreEditedWhileWeirRuns: what an analyst does from the first look to the audit.
func TestListsAreEditedWhileWeirRuns(t *testing.T) {
	b := brokertest.New(t, 4)
	rules := writeFile(t, "rules.yaml", `version: 1
lists:
  denied_devices: { editable: true, entries: [dev_81] }
  denied_networks: { editable: true, four_eyes: true, match: network }
  fixed: { entries: [dev_1] }
rules:
  - { name: denied, when: context.device_id in list("denied_devices") || context.device_id in list("fixed"), outcome: block, on_missing: hold }
  - { name: network, when: context.ip in list("denied_networks"), outcome: block, on_missing: hold }
`)
	weir := func(want int, args ...string) string {
		t.Helper()
		var out, errOut bytes.Buffer
		line := append(append([]string{"lists"}, args...), "--brokers", strings.Join(b.Config.Brokers, ","), "--set", "risk.rules="+rules)
		if code := run(t.Context(), &app{out: &out, errOut: &errOut}, line); code != want {
			t.Fatalf("weir lists %s: exit %d, want %d\n%s%s", strings.Join(args, " "), code, want, out.String(), errOut.String())
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
	says(weir(exitOK, "show"), "denied_devices   exact    yes", "denied_networks  network  yes, by two people", "fixed            exact    no")
	says(weir(exitOK, "show", "denied_devices"), "dev_81  never    rule file")
	says(weir(exitProblem, "show", "denied_device"), `did you mean "denied_devices"?`)
	says(weir(exitProblem, "add", "fixed", "dev_2", "--author", "ann", "--reason", "x"), "editable: true there would let it be edited here")
	says(weir(exitProblem, "add", "denied_devices", "dev_82"), "Name an author")
	says(weir(exitUsage, "add", "denied_devices", "dev_82", "--expires", "31.01.2027"), "--expires", "neither a date nor a moment", "write 2027-01-31,")
	says(weir(exitUsage, "add", "denied_devices"), "want a list and a value")
	who := []string{"--author", "ann", "--reason", "account takeover"}
	edit := func(want int, args ...string) string { t.Helper(); return weir(want, append(args, who...)...) }
	says(edit(exitOK, "add", "denied_devices", "dev_82", "--tenant", "acme", "--expires", "2999-12-31"), "dev_82 is added to the list denied_devices of acme")
	says(edit(exitOK, "add", "denied_devices", "dev_82", "--tenant", "acme", "--expires", "2999-12-31"), "nothing to do")
	says(edit(exitOK, "remove", "denied_devices", "dev_81"), "dev_81 is removed from the list denied_devices of everyone")
	says(edit(exitProblem, "remove", "denied_devices", "dev_81"), "is not in the list")
	says(weir(exitOK, "show", "denied_devices", "--tenant", "acme"), "dev_82  3000-01-01T00:00:00Z  acme   ann")
	says(weir(exitOK, "show", "denied_devices"), "the list has no entries", "edits of their own of --tenant acme")

	says(edit(exitOK, "import", "denied_devices", writeFile(t, "new.csv", "value,expires,reason\ndev_83,,stolen\ndev_84,,\n")), "2 added, 0 removed, 0 were there")
	says(edit(exitProblem, "import", "denied_devices", writeFile(t, "bad.csv", "value\n\"dev_85 \"\ndev_86\ndev_86\n")), "twice", ":4:1")
	says(edit(exitOK, "import", "denied_devices", "--replace", writeFile(t, "next.csv", "value\ndev_84\n")), "0 added, 1 removed, 1 were there")
	says(edit(exitProblem, "import", "denied_devices", "--replace", writeFile(t, "empty.csv", "value\n")), "of 1 entries 0 would be left", "--shrink")

	proposed := edit(exitOK, "add", "denied_networks", "198.51.100.0/24")
	says(proposed, "waits for approval by another person")
	id := strings.Fields(proposed)[2]
	says(weir(exitOK, "show", "denied_networks"), "waits for another person's approval", id, "add 198.51.100.0/24", "the list has no entries")
	says(weir(exitProblem, "approve", "denied_networks", id, "--author", "Ann"), "another person must approve it")
	says(weir(exitOK, "approve", "denied_networks", id, "--approver", "bob"), "the edit of ann (add 198.51.100.0/24) is in force")
	says(weir(exitOK, "show", "denied_networks"), "198.51.100.0/24  never    everyone  ann     bob")

	history := weir(exitOK, "history", "denied_devices")
	says(history, "add", "remove", "acme", "ann", "account takeover", "stolen")
	if lines := strings.Count(history, "\n"); lines != 6 {
		t.Errorf("%d lines, want a heading and 5 edits:\n%s", lines, history)
	}
	says(weir(exitOK, "history", "denied_networks"), "propose to add", "approve")
	says(weir(exitOK, "history", "denied_devices", "--value", "dev_84"), "dev_84")
	says(weir(exitOK, "history", "nothing"), "the list was not edited")
}
