package protocol

import (
	"strings"
	"testing"
)

// limits are as small as every counterexample allows and as large as a minute allows.
func limits(oversize int8) Limits { return Limits{Faults: 3, Starts: 4, Oversize: oversize} }

func TestAllRulesHoldEveryInvariant(t *testing.T) {
	t.Parallel()
	visited, found := Explore(AllRules(), limits(-1))
	if found != nil {
		t.Fatalf("%s after:\n%s", found.Broken, strings.Join(found.Steps, "\n"))
	}
	if visited < 100_000 {
		t.Fatalf("only %d states were visited: the model has lost its steps", visited)
	}
	t.Logf("%d states", visited)
}

func TestEachRuleIsNeeded(t *testing.T) {
	for _, rule := range EachRule() {
		t.Run(rule.String(), func(t *testing.T) {
			t.Parallel()
			oversize := int8(-1)
			if rule == EncodeFirst {
				oversize = 0
			}
			visited, found := Explore(AllRules()&^rule, limits(oversize))
			if found == nil {
				t.Fatalf("without %s nothing breaks in %d states: the rule is not needed, or the model does not see why",
					rule, visited)
			}
			t.Logf("%s (%d states) after:\n%s", found.Broken, visited, strings.Join(found.Steps, "\n"))
		})
	}
}
