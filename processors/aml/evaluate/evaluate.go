// Package evaluate measures monitoring on made-up traffic: which of the planted cases are found, and how much of what is found
// was planted. A finding of a pattern is held against the plants; typologies that no scenario looks for yet are listed as
// such, not as missed.
package evaluate

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/weirhq/weir/processors/aml/behaviour"
	"github.com/weirhq/weir/processors/aml/graph"
	"github.com/weirhq/weir/processors/aml/synthetic"
)

// Report is what was measured.
type Report struct {
	Events int     `json:"events"`
	Plants int     `json:"plants"`
	Rows   []Row   `json:"typologies"`
	Total  Row     `json:"total"` // of the typologies that are looked for
	Holds  Holding `json:"holds"`
	Took   Took    `json:"took"`

	monitor *monitor
}

// Row is one typology.
type Row struct {
	Typology string `json:"typology"`
	// Sought is false where no scenario looks for it yet.
	Sought  bool `json:"sought"`
	Planted int  `json:"planted"`
	// Found is how many plants have a finding of their typology that names at least 80 percent of their parties.
	Found int `json:"found"`
	// Findings is how many findings there are. False of them have less than half of their parties in any one plant; the others
	// point at Named different plants, of any typology: a scatter-gather is a fan-in, too.
	Findings int `json:"findings"`
	Named    int `json:"named"`
	False    int `json:"false"`
}

// Recall is Found of Planted, in percent; ok is false where there is nothing to find.
func (r *Row) Recall() (percent int, ok bool) { return share(r.Found, r.Planted) }

// Precision is Named of Named and False, in percent: many findings of one plant count once. ok is false where nothing was found.
func (r *Row) Precision() (percent int, ok bool) { return share(r.Named, r.Named+r.False) }

func share(part, whole int) (percent int, ok bool) {
	if whole == 0 {
		return 0, false
	}
	return 100 * part / whole, true
}

// Holding is what is held after the last event.
type Holding struct {
	graph.Stats
	Customers     int `json:"customers"`
	CustomerBytes int `json:"customer_bytes"` // stored behaviour of one, on average
}

// Took is the time for graph and behaviour together.
type Took struct {
	Seconds         float64 `json:"seconds"`
	EventsPerSecond float64 `json:"events_per_second"`
}

// findingMin and plantMin are what makes a finding true and a plant found, in percent.
const (
	findingMin = 50
	plantMin   = 80
)

// Run folds a world's events and measures what is found. now is the clock by which the time is taken.
func Run(w *synthetic.World, limits graph.Limits, config behaviour.Config, now func() time.Time) (*Report, error) {
	m := monitor{findings: map[string]graph.Finding{}}
	var err error
	if m.graph, err = graph.New(limits); err != nil {
		return nil, err
	}
	if m.customers, err = behaviour.NewCustomers(config); err != nil {
		return nil, err
	}
	began := now()
	for i := range w.Events {
		if err := m.fold(&w.Events[i]); err != nil {
			return nil, fmt.Errorf("event %d: %w", i, err)
		}
	}
	took := now().Sub(began).Seconds()
	r := &Report{monitor: &m, Events: len(w.Events), Plants: len(w.Plants), Took: Took{Seconds: took, EventsPerSecond: float64(len(w.Events)) / max(took, 1e-9)}}
	r.Holds.Stats = m.graph.Stats()
	m.size(w, &r.Holds)
	r.measure(w, &m, &limits.Patterns)
	return r, nil
}

// Subgraphs gives each finding as data, in the order of their ids. Links are those that are held at the end.
func (r *Report) Subgraphs() []graph.Subgraph {
	var all []graph.Subgraph
	for _, id := range slices.Sorted(maps.Keys(r.monitor.findings)) {
		f := r.monitor.findings[id]
		all = append(all, r.monitor.graph.Subgraph(&f))
	}
	return all
}

// monitor is what monitoring is so far.
type monitor struct {
	graph     *graph.Graph
	customers *behaviour.Customers
	findings  map[string]graph.Finding // as last told
}

// fold gives an event to the graph, and to the behaviour of whom it is about.
func (m *monitor) fold(e *synthetic.Event) error {
	if e.Use {
		return m.told(m.graph.Observe(e.Customer, e.Other, 0, graph.When{Time: e.Time, Recorded: e.Time}))
	}
	if _, err := m.customers.Add(e.Customer.ID, &behaviour.Event{Kind: e.Kind, Amount: e.Amount, Time: e.Time, Recorded: e.Time, Other: name(e.Other)}); err != nil {
		return err
	}
	t := graph.Transfer{From: e.Customer, To: e.Other, Amount: e.Amount, Time: e.Time, Ref: e.Ref}
	switch e.Kind {
	case behaviour.Stake, behaviour.Win:
		return nil
	case behaviour.Deposit:
		t.From, t.To = t.To, t.From
	case behaviour.TransferOut:
		in := behaviour.Event{Kind: behaviour.TransferIn, Amount: e.Amount, Time: e.Time, Recorded: e.Time, Other: name(e.Customer)}
		if _, err := m.customers.Add(e.Other.ID, &in); err != nil {
			return err
		}
	}
	return m.told(m.graph.Move(t, e.Time))
}

func name(p graph.Party) string {
	if p.ID == "" {
		return ""
	}
	return p.String()
}

func (m *monitor) told(all []graph.Finding, err error) error {
	for _, f := range all {
		m.findings[f.ID] = f
	}
	return err
}

func (m *monitor) size(w *synthetic.World, h *Holding) {
	seen := map[string]bool{}
	total := 0
	for i := range w.Events {
		if id := w.Events[i].Customer.ID; !seen[id] {
			seen[id] = true
			total += len(m.customers.Stored(id))
		}
	}
	h.Customers = m.customers.Len()
	h.CustomerBytes = total / max(h.Customers, 1)
}

// measure holds findings against plants.
func (r *Report) measure(w *synthetic.World, m *monitor, patterns *graph.Patterns) {
	byParty := map[graph.Party][]int{}
	for i := range w.Plants {
		for _, p := range w.Plants[i].Parties {
			byParty[p] = append(byParty[p], i)
		}
	}
	rows := map[string]*Row{}
	for _, t := range synthetic.Typologies() {
		rows[string(t)] = &Row{Typology: string(t)}
	}
	for _, p := range graph.AllPatterns() {
		rows[p.String()].Sought = patterns[p].Parties > 0
	}
	found := map[int]bool{}
	named := map[string]map[int]bool{}
	for _, f := range m.findings {
		row := rows[f.Pattern.String()]
		row.Findings++
		shared := map[int]int{}
		for i := range f.Members {
			for _, plant := range byParty[f.Members[i].Party] {
				shared[plant]++
			}
		}
		isTrue := false
		for plant, n := range shared {
			p := &w.Plants[plant]
			if 100*n >= findingMin*len(f.Members) {
				isTrue = true
				if named[row.Typology] == nil {
					named[row.Typology] = map[int]bool{}
				}
				named[row.Typology][plant] = true
			}
			if string(p.Typology) == f.Pattern.String() && 100*n >= plantMin*len(p.Parties) {
				found[plant] = true
			}
		}
		if !isTrue {
			row.False++
		}
	}
	for i := range w.Plants {
		row := rows[string(w.Plants[i].Typology)]
		row.Planted++
		if found[i] {
			row.Found++
		}
	}
	r.Total = Row{Typology: "all that is looked for", Sought: true}
	for _, t := range synthetic.Typologies() {
		row := rows[string(t)]
		row.Named = len(named[row.Typology])
		r.Rows = append(r.Rows, *row)
		if row.Sought {
			r.Total.Planted, r.Total.Found = r.Total.Planted+row.Planted, r.Total.Found+row.Found
			r.Total.Findings, r.Total.Named, r.Total.False = r.Total.Findings+row.Findings, r.Total.Named+row.Named, r.Total.False+row.False
		}
	}
}

// Write prints the report as a table.
func (r *Report) Write(out io.Writer) error {
	fmt.Fprintf(out, "%d events, %d cases planted\n\n", r.Events, r.Plants)
	unsought := 0
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "typology\tplanted\tfound\trecall\tfindings\tof cases\tfalse\tprecision\t")
	for _, row := range append(r.Rows[:len(r.Rows):len(r.Rows)], r.Total) {
		if !row.Sought {
			fmt.Fprintf(t, "%s\t%d\t-\t-\t-\t-\t-\t-\t\n", row.Typology, row.Planted)
			unsought++
			continue
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%d\t%d\t%d\t%s\t\n", row.Typology, row.Planted, row.Found, percent(row.Recall()), row.Findings, row.Named, row.False, percent(row.Precision()))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if unsought > 0 {
		fmt.Fprintf(out, "\n-: no scenario looks for it yet (%d typologies)\n", unsought)
	}
	_, err := fmt.Fprintf(out, "\n%.0f events/s with graph and behaviour, on one core; behaviour takes %d bytes a customer; %d searches cut short\n",
		r.Took.EventsPerSecond, r.Holds.CustomerBytes, r.Holds.CutShort)
	return err
}

func percent(value int, ok bool) string {
	if !ok {
		return "-"
	}
	return fmt.Sprintf("%d %%", value)
}
