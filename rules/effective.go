package rules

import (
	"fmt"
	"strings"
)

// Standing is a rule and how it stands for one tenant and region.
type Standing struct {
	Rule
	// InForce says for whom and when, "" where always and for all.
	InForce string
}

// Effective are the rules that decide on commands of a tenant and a region, in their order: those that are disabled, for
// others, or replaced are left out. Empty names are of a command that names neither.
func (s *Set) Effective(tenant, region string) []Standing {
	var standings []Standing
	for i := range s.rules {
		r := &s.rules[i]
		if !r.Enabled || !r.covers(tenant, region) {
			continue
		}
		standing, replaced := Standing{Rule: r.Rule, InForce: r.inForce()}, false
		for _, j := range r.replacedBy {
			other := &s.rules[j].Rule
			if !other.covers(tenant, region) {
				continue
			}
			replaced = replaced || !other.partly()
			standing.InForce = strings.TrimPrefix(fmt.Sprintf("%s, where %s:%d is not", standing.InForce, other.File, other.Line), ", ")
		}
		if !replaced {
			standings = append(standings, standing)
		}
	}
	return standings
}

// All are all rules of the set, in their order.
func (s *Set) All() []Standing {
	standings := make([]Standing, len(s.rules))
	for i := range s.rules {
		standings[i] = Standing{Rule: s.rules[i].Rule, InForce: s.rules[i].inForce()}
	}
	return standings
}

// inForce says when and for whom a rule is in force, "" where always and for all.
func (r *Rule) inForce() string {
	var parts []string
	if !r.Enabled {
		parts = append(parts, "disabled")
	}
	if r.Shadow {
		parts = append(parts, "shadow")
	}
	if r.Rollout > 0 {
		parts = append(parts, fmt.Sprintf("%d%% of customers", r.Rollout))
	}
	if !r.ValidFrom.IsZero() {
		parts = append(parts, "from "+moment(r.ValidFrom))
	}
	if !r.ValidUntil.IsZero() {
		parts = append(parts, "until "+moment(r.ValidUntil))
	}
	return strings.Join(parts, ", ")
}
