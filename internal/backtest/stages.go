package backtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// measured tells whether a backtest measures a rule: history has attempts as they were before their authorisation.
func measured(r *rules.Rule) bool { return r.Stage == topics.StageBeforeAuthorization }

// decides is the error of a set of which nothing can be measured: all would pass, which says nothing of its rules.
func decides(set *rules.Set) error {
	all := set.Rules()
	switch {
	case slices.ContainsFunc(all, func(r rules.Rule) bool { return measured(&r) }):
		return nil
	case len(all) == 0:
		return errors.New("the rule set has no rules, so there is nothing to measure; limits of responsible gaming cannot be backtested")
	}
	_, stages := elsewhere(all)
	return fmt.Errorf("the rule set has no rule of stage %s, which alone is measured; its rules are of stage %s: try them with tests, and with weir rules explain --command",
		topics.StageBeforeAuthorization, strings.Join(stages, ", "))
}

// elsewhere are the rules that are not measured, and their stages.
func elsewhere(all []rules.Rule) (names, stages []string) {
	for i := range all {
		if r := &all[i]; !measured(r) {
			names = append(names, r.Name)
			if !slices.Contains(stages, string(r.Stage)) {
				stages = append(stages, string(r.Stage))
			}
		}
	}
	return names, stages
}
