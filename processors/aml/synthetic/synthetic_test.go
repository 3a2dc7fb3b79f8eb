package synthetic

import (
	"reflect"
	"strings"
	"testing"

	"github.com/weirhq/weir/processors/aml/behaviour"
	"github.com/weirhq/weir/processors/aml/graph"
)

func generate(t *testing.T, o Options) *World {
	t.Helper()
	w, err := Generate(o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestSeed(t *testing.T) {
	o := Options{Seed: 1, Customers: 150, Days: 75, Plants: 1}
	first := generate(t, o)
	if !reflect.DeepEqual(first, generate(t, o)) {
		t.Error("the same seed gives another world")
	}
	o.Seed = 2
	if reflect.DeepEqual(first.Plants, generate(t, o).Plants) {
		t.Error("another seed gives the same plants")
	}
}

// TestPlants: each typology is planted as often as it was asked for, nobody takes part in two, and the events are whole.
func TestPlants(t *testing.T) {
	w := generate(t, Options{Seed: 5, Customers: 330, Days: 75, Plants: 3})
	count, taken := map[Typology]int{}, map[graph.Party]bool{}
	for _, p := range w.Plants {
		count[p.Typology]++
		if p.First >= p.Last || len(p.Parties) == 0 {
			t.Errorf("%s from %d to %d with %d parties", p.Typology, p.First, p.Last, len(p.Parties))
		}
		for _, party := range p.Parties {
			if taken[party] {
				t.Errorf("%s takes part in two cases", party)
			}
			taken[party] = true
		}
	}
	for _, typology := range Typologies() {
		if count[typology] != 3 {
			t.Errorf("%s was planted %d times", typology, count[typology])
		}
	}
	active := map[graph.Party]bool{}
	for i, e := range w.Events {
		if i > 0 && e.Time < w.Events[i-1].Time {
			t.Fatalf("event %d is earlier than the one before", i)
		}
		if e.Ref.Position != int64(i) || e.Customer.Kind != graph.Customer || e.Amount < 0 {
			t.Fatalf("event %d: %+v", i, e)
		}
		if play := e.Kind == behaviour.Stake || e.Kind == behaviour.Win; !e.Use && play != (e.Round != "") || !e.Use && play != (e.Other.ID == "") {
			t.Fatalf("event %d: %+v", i, e)
		}
		active[e.Customer] = true
	}
	if len(active) < 320 {
		t.Errorf("only %d of 330 customers do anything", len(active))
	}
}

func TestRefusals(t *testing.T) {
	for want, o := range map[string]Options{
		"customers is 5, want 100 to 1000000":     {Customers: 5, Days: 90},
		"days is 30, want 75 to 365":              {Customers: 200, Days: 30},
		"plants is 2, want 0 to 1: more would":    {Customers: 200, Days: 90, Plants: 2},
		"plants is -1, want 0 to 1: more would t": {Customers: 200, Days: 90, Plants: -1},
	} {
		if _, err := Generate(o); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", o, err, want)
		}
	}
}
