package rules

import (
	"fmt"
	"hash"
	"maps"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // where the machine has no time zones

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// GamingLimit is a responsible-gaming limit of the brand. What it does stands in processors/payments/gaming: rules neither
// read it nor lift it. One of a higher rank takes the place of that of its kind and period below it.
type GamingLimit struct {
	topics.GamingTerm
	Scope
	Description, Owner string
	Enabled            bool // false: it only takes another away

	File string
	Line int
}

// Name is how messages and tables call it.
func (l *GamingLimit) Name() string { return string(l.Kind) + " " + string(l.Period) }

// Default is what binds every customer, in words; "" where only customers have limits of their own.
func (l *GamingLimit) Default() string {
	if l.Seconds > 0 {
		return shortDuration(time.Duration(l.Seconds) * time.Second)
	}
	var amounts []string
	for _, currency := range slices.Sorted(maps.Keys(l.Amounts)) {
		amounts = append(amounts, ledger.Money{Minor: l.Amounts[currency], Currency: ledger.Currency(currency)}.String())
	}
	return strings.Join(amounts, ", ")
}

// Raise is how long a raise of a customer's own limit waits, as rule files write it.
func (l *GamingLimit) Raise() string { return shortDuration(time.Duration(l.RaiseAfter) * time.Second) }

// AllGamingLimits are all responsible-gaming limits of the set, in the order of its files.
func (s *Set) AllGamingLimits() []GamingLimit { return s.gaming.limits }

// zone is the time zone that a file declares for its tenants and regions.
type zone struct {
	Scope
	name     string
	location *time.Location
}

// gaming are the limits of a set.
type gaming struct {
	limits []GamingLimit
	zones  []zone
}

// GamingLimits are the responsible-gaming limits that hold for a tenant and a region, by kind and period. Empty names are of
// a command that names neither.
func (s *Set) GamingLimits(tenant, region string) []GamingLimit {
	var in []GamingLimit
	for _, kind := range gamingKinds {
		for _, period := range gamingPeriods {
			if l := s.gaming.limit(topics.GamingKind(kind), topics.GamingPeriod(period), tenant, region); l != nil {
				in = append(in, *l)
			}
		}
	}
	return in
}

// limit is the one that is closest to a tenant and a region, nil where there is none, or it was taken away.
func (g *gaming) limit(kind topics.GamingKind, period topics.GamingPeriod, tenant, region string) (closest *GamingLimit) {
	for i := range g.limits {
		l := &g.limits[i]
		if l.Kind == kind && l.Period == period && l.covers(tenant, region) && (closest == nil || l.rank() > closest.rank()) {
			closest = l
		}
	}
	if closest == nil || !closest.Enabled {
		return nil
	}
	return closest
}

// zone is the time zone whose days count for a tenant and a region; UTC where no file says.
func (g *gaming) zone(tenant, region string) (name string, location *time.Location) {
	closest := -1
	location = time.UTC
	for i := range g.zones {
		if z := &g.zones[i]; z.covers(tenant, region) && z.rank() > closest {
			closest, name, location = z.rank(), z.name, z.location
		}
	}
	return name, location
}

// GamingTerms is what the set says of responsible-gaming limits for a create, authorize or approve command, a wallet command of a
// game, or one that sets a limit; nil where it says nothing. A guest has no limits: nobody knows what else they paid.
func (s *Set) GamingTerms(in *Input) *topics.GamingTerms {
	if len(s.gaming.limits) == 0 || in.customer() == "" {
		return nil
	}
	var kinds []topics.GamingKind
	currency, told := "", true
	switch {
	case in.Wallet != nil && in.Wallet.Type == topics.WalletSetLimit:
		kinds = []topics.GamingKind{in.Wallet.Limit.Kind}
	case in.Wallet != nil && (in.Wallet.Reason == topics.ReasonGame || in.Wallet.Type == topics.WalletRollbackRound):
		kinds, currency = []topics.GamingKind{topics.GamingLoss, topics.GamingSession}, in.Wallet.Currency
		// What gives back is counted, and nothing binds it.
		told = in.Wallet.Type == topics.WalletDebit || in.Wallet.Type == topics.WalletCaptureHold
	case in.Command != nil && in.Authorization == nil && deposits(in.Command.Type):
		kinds, currency = []topics.GamingKind{topics.GamingDeposit}, in.Command.Currency
	default:
		return nil
	}
	return s.gaming.terms(in, kinds, currency, told)
}

// deposits says that commands of a type ask for a deposit, or let one pass.
func deposits(t topics.CommandType) bool {
	return t == topics.CommandCreate || t == topics.CommandAuthorize || t == topics.CommandIncrement || t == topics.CommandApprove
}

func (g *gaming) terms(in *Input, kinds []topics.GamingKind, currency string, told bool) *topics.GamingTerms {
	var terms *topics.GamingTerms
	for _, kind := range kinds {
		for _, period := range gamingPeriods {
			l := g.limit(kind, topics.GamingPeriod(period), in.tenant(), in.region())
			if l == nil {
				continue
			}
			if terms == nil {
				terms = &topics.GamingTerms{}
			}
			if told {
				terms.Limits = append(terms.Limits, l.of(currency))
			}
		}
	}
	if terms != nil {
		name, location := g.zone(in.tenant(), in.region())
		terms.TimeZone, terms.Day = name, in.Now.In(location).Format(time.DateOnly)
	}
	return terms
}

// of is the limit with its amount in a currency alone; with all of them where the command names none.
func (l *GamingLimit) of(currency string) topics.GamingTerm {
	t := l.GamingTerm
	if currency != "" && len(t.Amounts) > 0 {
		t.Amounts = map[string]int64{currency: t.Amounts[currency]}
	}
	return t
}

// hash adds what decides to the content hash.
func (g *gaming) hash(h hash.Hash) {
	for i := range g.limits {
		l := &g.limits[i]
		put(h, "gaming limit", l.Name(), l.Default(), fmt.Sprint(l.RaiseAfter), string(l.Outcome), fmt.Sprint(l.Enabled),
			strings.Join(l.Tenants, " "), strings.Join(l.Regions, " "))
	}
	for i := range g.zones {
		put(h, "time zone", g.zones[i].name, strings.Join(g.zones[i].Tenants, " "), strings.Join(g.zones[i].Regions, " "))
	}
}

// parts add what decides to the parts of a set.
func (g *gaming) parts(to map[string]part) {
	name := func(what string, s Scope) string {
		if s.rank() > 0 {
			return what + " of " + s.String()
		}
		return what
	}
	for i := range g.limits {
		l := &g.limits[i]
		to[name("gaming limit "+l.Name(), l.Scope)] = part{"amounts": l.Default(), "raise_after": l.Raise(),
			"outcome": string(l.Outcome), "enabled": fmt.Sprint(l.Enabled)}
	}
	for i := range g.zones {
		to[name("time zone", g.zones[i].Scope)] = part{"definition": g.zones[i].name}
	}
}
