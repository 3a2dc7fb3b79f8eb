package evaluate

import (
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/processors/aml/behaviour"
	"github.com/weirhq/weir/processors/aml/graph"
	"github.com/weirhq/weir/processors/aml/synthetic"
)

// clock is a second later each time.
func clock() func() time.Time {
	now := time.Unix(0, 0)
	return func() time.Time { now = now.Add(time.Second); return now }
}

func run(t *testing.T, o synthetic.Options, limits graph.Limits) (*synthetic.World, *Report) {
	t.Helper()
	w, err := synthetic.Generate(o)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(w, limits, behaviour.DefaultConfig(), clock())
	if err != nil {
		t.Fatal(err)
	}
	return w, r
}

const customers, plants = 240, 2

// TestPlanted shares one world: folding it takes what this test takes.
func TestPlanted(t *testing.T) {
	w, r := run(t, synthetic.Options{Seed: 1, Customers: customers, Days: 75, Plants: plants}, graph.DefaultLimits())
	t.Run("patterns", func(t *testing.T) { patternsAreFound(t, r) })
	t.Run("windows", func(t *testing.T) { windowsTell(t, w, r.monitor) })
}

// patternsAreFound: what is planted is found, and most of what is found was planted, with the parameters that come with weir.
func patternsAreFound(t *testing.T, r *Report) {
	for _, row := range r.Rows {
		if recall, ok := row.Recall(); row.Sought && (!ok || recall < 95) {
			t.Errorf("%s: %d of %d found", row.Typology, row.Found, row.Planted)
		}
		if precision, ok := row.Precision(); ok && precision < 50 {
			t.Errorf("%s: %d findings are of %d cases, %d of none", row.Typology, row.Findings, row.Named, row.False)
		}
	}
	if r.Total.Planted != plants*len(graph.AllPatterns()) || r.Holds.CutShort != 0 {
		t.Errorf("total: %+v, %d searches cut short", r.Total, r.Holds.CutShort)
	}
	var out strings.Builder
	if err := r.Write(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"scatter_gather", "100 %", "all that is looked for", "-: no scenario looks for it yet (10 typologies)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table does not say %q:\n%s", want, out.String())
		}
	}
	if len(r.Subgraphs()) != r.Total.Findings {
		t.Errorf("%d findings, %d of them as data", r.Total.Findings, len(r.Subgraphs()))
	}
}

// TestNothingPlanted: where nothing is planted, little is found; and a pattern that is switched off is not looked for.
func TestNothingPlanted(t *testing.T) {
	limits := graph.DefaultLimits()
	limits.Patterns[graph.Stack].Parties = 0
	_, r := run(t, synthetic.Options{Seed: 2, Customers: customers, Days: 75}, limits)
	if r.Total.Findings != r.Total.False || r.Total.False > 3 {
		t.Errorf("found where nothing is: %+v", r.Total)
	}
	for _, row := range r.Rows {
		if row.Sought != (row.Typology != "stack" && isPattern(row.Typology)) {
			t.Errorf("%s: looked for: %t", row.Typology, row.Sought)
		}
	}
}

func isPattern(name string) bool {
	return new(graph.Pattern).UnmarshalText([]byte(name)) == nil
}

// windowsTell: what a rule can read of a customer's behaviour tells each typology of one customer from normal traffic. The
// conditions are no rules: these have parameters, segments and tests of their own.
func windowsTell(t *testing.T, w *synthetic.World, m *monitor) {
	config := behaviour.DefaultConfig()
	type windows func(days int) behaviour.Window
	conditions := map[synthetic.Typology]func(in windows) bool{
		synthetic.Structuring: func(in windows) bool { return in(10).Near >= 4 },
		synthetic.RapidMovement: func(in windows) bool {
			w := in(14)
			return w.MaxIn >= 2_500_00 && w.MaxOut >= 2_500_00 && w.Out()*100 >= w.In()*80 && w.Sum[behaviour.Stake]*5 < w.In()
		},
		synthetic.PassThrough: func(in windows) bool {
			w := in(30)
			return w.In() >= 3_000_00 && w.Out()*100 >= w.In()*70 && w.Sum[behaviour.Stake]*100 < w.In()*40
		},
		synthetic.Dormant:         func(in windows) bool { w := in(14); return w.Quiet >= 30 && w.In() >= 3_000_00 },
		synthetic.ManyCards:       func(in windows) bool { return in(30).DepositedFrom >= 6 },
		synthetic.PayoutElsewhere: func(in windows) bool { w := in(30); return w.Elsewhere >= 1 && w.Sum[behaviour.Payout] >= 1_000_00 },
		synthetic.RoundAmounts:    func(in windows) bool { return in(14).Round >= 6 },
		synthetic.Deviation: func(in windows) bool {
			week, before := in(7), in(60)
			return week.In() >= 500_00 && week.In()*2 >= before.In()
		},
		synthetic.RefundAbuse: func(in windows) bool {
			w := in(30)
			return w.Count[behaviour.Refund]+w.Count[behaviour.Dispute] >= 4
		},
	}
	planted := map[string]synthetic.Typology{}
	last := map[string]int64{}
	for _, p := range w.Plants {
		for _, party := range p.Parties {
			planted[party.ID], last[party.ID] = p.Typology, p.Last
		}
	}
	for typology, holds := range conditions {
		missed, wrong := 0, 0
		for i := range customers {
			id := synthetic.CustomerID(i)
			var p behaviour.Profile
			stored := m.customers.Stored(id)
			if stored == nil {
				continue
			}
			if err := p.Decode(stored); err != nil {
				t.Fatal(err)
			}
			at := p.Last()
			if planted[id] == typology {
				at = last[id]
			}
			is := holds(func(days int) behaviour.Window {
				w, err := p.Window(config.Day(at), days)
				if err != nil {
					t.Fatal(err)
				}
				return w
			})
			switch {
			case planted[id] == typology && !is:
				missed++
			case planted[id] == "" && is:
				wrong++
			}
		}
		if missed > 0 || wrong > customers/50 {
			t.Errorf("%s: %d of %d are not told by their windows, %d normal customers are", typology, missed, plants, wrong)
		}
	}
}
