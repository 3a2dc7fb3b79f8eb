package graph

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Pattern is a shape of money flows, or of shared instruments.
type Pattern uint8

// The patterns. Their numbers are stored. All transfers of a flow pattern lie within its window.
const (
	// FanIn: at least Parties pay one, at least Amount together.
	FanIn Pattern = iota + 1
	// FanOut: one pays at least Parties, at least Amount together.
	FanOut
	// Cycle: money comes back to where it set out through at least Parties and at most 6 of them, each transfer not earlier
	// than the one before, the smallest at least Keep percent of the largest; at least Amount together.
	Cycle
	// ScatterGather: one pays at least Parties middlemen, each of whom passes on to one and the same what he got, less
	// 100 − Keep percent at most; at least Amount arrives.
	ScatterGather
	// GatherScatter: at least Parties pay one, who pays at least Parties after that; at least Amount comes in, and goes out.
	GatherScatter
	// Bipartite: at least Parties sources pay at least Parties destinations, each source at least Parties of these, and each
	// destination is paid by at least Parties of those; at least Amount together.
	Bipartite
	// Stack: two layers one upon the other. At least Parties sources pay at least Parties middlemen, who after that pay at least
	// Parties destinations, at least Amount; everyone has at least two partners in the layers next to his.
	Stack
	// SharedInstrument: at least Parties customers use one card, device, bank account or wallet. Its window is taken in whole
	// buckets of the horizon.
	SharedInstrument

	patterns = iota + 1
)

var patternNames = [patterns]string{FanIn: "fan_in", FanOut: "fan_out", Cycle: "cycle", ScatterGather: "scatter_gather",
	GatherScatter: "gather_scatter", Bipartite: "bipartite", Stack: "stack", SharedInstrument: "shared_instrument"}

// AllPatterns lists them in the order of their numbers.
func AllPatterns() []Pattern {
	var all []Pattern
	for p := FanIn; p < patterns; p++ {
		all = append(all, p)
	}
	return all
}

func (p Pattern) known() bool { return p >= FanIn && p < patterns }

func (p Pattern) String() string {
	if !p.known() {
		return fmt.Sprintf("pattern %d", uint8(p))
	}
	return patternNames[p]
}

// MarshalText writes the pattern's name.
func (p Pattern) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads a pattern's name.
func (p *Pattern) UnmarshalText(text []byte) error {
	i := slices.Index(patternNames[FanIn:], string(text))
	if i < 0 {
		return fmt.Errorf("there is no pattern %q; there are %s", text, strings.Join(patternNames[FanIn:], ", "))
	}
	*p = FanIn + Pattern(i)
	return nil
}

// Parameters say when a pattern is told. Zero Parties: it is not looked for.
type Parameters struct {
	Parties int           // least number; what is counted, the pattern says
	Amount  int64         // least sum, in minor units
	Window  time.Duration // most time between the first and the last transfer
	Keep    int           // percent; of Cycle and ScatterGather
}

// Patterns are the parameters of all patterns, by Pattern.
type Patterns [patterns]Parameters

// DefaultPatterns are a start, to be measured on one's own traffic.
func DefaultPatterns() Patterns {
	return Patterns{
		FanIn:            {Parties: 8, Amount: 2_000_00, Window: 3 * day},
		FanOut:           {Parties: 8, Amount: 2_000_00, Window: 3 * day},
		Cycle:            {Parties: 3, Amount: 1_000_00, Window: 7 * day, Keep: 70},
		ScatterGather:    {Parties: 3, Amount: 1_000_00, Window: 7 * day, Keep: 70},
		GatherScatter:    {Parties: 4, Amount: 1_000_00, Window: 7 * day},
		Bipartite:        {Parties: 3, Amount: 1_000_00, Window: 7 * day},
		Stack:            {Parties: 3, Amount: 1_000_00, Window: 7 * day},
		SharedInstrument: {Parties: 4, Window: 30 * day},
	}
}

// maxCycle is the longest cycle that is looked for.
const maxCycle = 6

// maxParties is the largest number of parties that a pattern may demand: more cannot be listed with a finding.
const maxParties = MaxListed

// check says what is wrong, and what the longest window is.
func (all *Patterns) check() (longest time.Duration, err error) {
	for p := FanIn; p < patterns; p++ {
		a := &all[p]
		if a.Parties == 0 {
			continue
		}
		least, most := 2, maxParties
		if p == Cycle {
			most = maxCycle
		}
		switch {
		case a.Parties < least || a.Parties > most:
			err = fmt.Errorf("parties is %d, want %d to %d, or 0 to switch it off", a.Parties, least, most)
		case a.Amount < 0:
			err = fmt.Errorf("amount is %d, want 0 or more", a.Amount)
		case a.Window < time.Millisecond:
			err = fmt.Errorf("window is %s, want a time above 0", a.Window)
		case a.Keep < 0 || a.Keep > 100:
			err = fmt.Errorf("keep is %d, want 0 to 100 percent", a.Keep)
		}
		if err != nil {
			return 0, fmt.Errorf("pattern %s: %w", p, err)
		}
		longest = max(longest, a.Window)
	}
	return longest, nil
}
