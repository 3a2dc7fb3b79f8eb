package rules_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

func compileFiles(t testing.TB, texts ...string) *rules.Set {
	t.Helper()
	var files []rules.File
	for i, text := range texts {
		files = append(files, rules.File{Name: fmt.Sprintf("file%d.yaml", i), Text: []byte("version: 1\n" + text)})
	}
	set, err := rules.Compile(files, nil)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func hits(d topics.Decision) (names []string) {
	for _, r := range d.Rules {
		names = append(names, r.Rule+" "+string(r.Outcome))
	}
	return names
}

// TestShadowRulesChangeNothing: with shadow rules the decision is the one without them, and their results stand in it.
func TestShadowRulesChangeNothing(t *testing.T) {
	outcomes := []string{"block", "hold", "step_up", "pass", "allow"}
	rapid.Check(t, func(t *rapid.T) {
		var live, all strings.Builder
		shadows := 0
		for i := range rapid.IntRange(1, 6).Draw(t, "rules") {
			line := fmt.Sprintf("  - { name: r%d, when: 'payment.amount > money(\"%d.00 EUR\")', outcome: %s, on_missing: hold, score: %d",
				i, rapid.IntRange(1, 80).Draw(t, "amount"), rapid.SampledFrom(outcomes).Draw(t, "outcome"), i+1)
			if rapid.Bool().Draw(t, "shadow") {
				shadows++
				all.WriteString(line + ", shadow: true }\n")
				continue
			}
			live.WriteString(line + " }\n")
			all.WriteString(line + " }\n")
		}
		build := func(text string) *rules.Set {
			set, err := rules.Compile([]rules.File{{Name: "rules.yaml", Text: []byte("version: 1\nrules:\n" + text)}}, nil)
			if err != nil {
				t.Skip("two rules have the same condition")
			}
			return set
		}
		if live.Len() == 0 {
			t.Skip("no rule is live")
		}
		in := rules.Input{Command: ordinary()}
		want, got := build(live.String()).Evaluate(in), build(all.String()).Evaluate(in)
		if got.Outcome != want.Outcome || got.Score != want.Score || !slices.Equal(got.Reasons, want.Reasons) || got.Evaluated != want.Evaluated+shadows {
			t.Fatalf("with shadow rules\n%+v, without\n%+v", got, want)
		}
		kept := slices.DeleteFunc(slices.Clone(got.Rules), func(r topics.RuleResult) bool { return r.Shadow })
		if !slices.EqualFunc(kept, want.Rules, func(a, b topics.RuleResult) bool { return reflect.DeepEqual(a, b) }) {
			t.Fatalf("results %+v, want %+v", kept, want.Rules)
		}
	})
}

// TestRollout: a customer keeps the answer, and nobody falls out when the percentage grows.
func TestRollout(t *testing.T) {
	in := func(percentage, customer int) bool {
		rollout := fmt.Sprintf(", rollout: %d%%", percentage)
		if percentage == 100 {
			rollout = ""
		}
		set := compileFiles(t, "rules:\n  - { name: a, when: tenant != \"x\", outcome: hold"+rollout+" }\n")
		c := ordinary()
		c.CustomerID = fmt.Sprint("cus_", customer)
		hit := set.Evaluate(rules.Input{Command: c}).Outcome == topics.OutcomeHold
		c.CommandID = "0190a3c4-5b6d-7e8f-9a0b-ffffffffffff"
		if again := set.Evaluate(rules.Input{Command: c}).Outcome == topics.OutcomeHold; again != hit {
			t.Errorf("customer %d: %t, then %t", customer, hit, again)
		}
		return hit
	}
	const customers = 400
	before := map[int]bool{}
	for _, percentage := range []int{1, 10, 50, 99, 100} {
		n := 0
		for customer := range customers {
			hit := in(percentage, customer)
			if before[customer] && !hit {
				t.Errorf("customer %d falls out at %d%%", customer, percentage)
			}
			if before[customer] = hit; hit {
				n++
			}
		}
		if want := customers * percentage / 100; n < want-40 || n > want+40 {
			t.Errorf("%d%%: %d of %d customers", percentage, n, customers)
		}
	}
}

func TestValidity(t *testing.T) {
	set := compileFiles(t, `rules:
  - { name: a, when: tenant != "x", outcome: hold, valid_from: "2026-12-20", valid_until: "2026-12-27" }
`)
	for at, want := range map[string]bool{"2026-12-19T23:59:59Z": false, "2026-12-20T00:00:00Z": true, "2026-12-27T23:59:59Z": true, "2026-12-28T00:00:00Z": false} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := set.Evaluate(rules.Input{Command: ordinary(), Now: now}).Evaluated == 1; got != want {
			t.Errorf("at %s: %t", at, got)
		}
	}
}

// TestInheritance: the rule that is closest to the payment's tenant and region counts.
func TestInheritance(t *testing.T) {
	set := compileFiles(t,
		`rules:
  - { name: a, when: tenant != "x", outcome: pass }
  - { name: b, when: tenant != "y", outcome: pass }
`, `tenants: [acme]
rules:
  - { name: a, when: tenant != "x", outcome: step_up }
  - { name: c, when: tenant != "z", outcome: step_up }
`, `regions: [eu]
rules:
  - { name: a, when: tenant != "x", outcome: hold }
`, `tenants: [acme, zeta]
regions: [eu, uk]
rules:
  - { name: a, when: tenant != "x", outcome: block, valid_until: "2026-12-31" }
  - { name: b, enabled: false }
  - { name: c, when: tenant != "z", outcome: hold, shadow: true }
`)
	for _, c := range []struct {
		tenant, region, now string
		want                string
	}{
		{"other", "", "2026-12-01", "a pass, b pass"},
		{"acme", "", "2026-12-01", "b pass, a step_up, c step_up"},
		{"other", "eu", "2026-12-01", "b pass, a hold"},
		{"acme", "eu", "2026-12-01", "c step_up, a block, c hold"},
		{"acme", "eu", "2027-01-01", "c step_up, a hold, c hold"},
		{"zeta", "uk", "2026-12-01", "a block, c hold"},
		{"acme", "us", "2026-12-01", "b pass, a step_up, c step_up"},
	} {
		now, err := time.Parse(time.DateOnly, c.now)
		if err != nil {
			t.Fatal(err)
		}
		command := ordinary()
		command.Tenant, command.Region = c.tenant, c.region
		d := set.Evaluate(rules.Input{Command: command, Now: now})
		if got := strings.Join(hits(d), ", "); got != c.want {
			t.Errorf("%s in %q at %s: %s, want %s", c.tenant, c.region, c.now, got, c.want)
		}
	}
}
