package picture

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirhq/weir/processors/aml/graph"
)

var update = flag.Bool("update", false, "write the golden files")

// story is transfers, and who uses what, that make a finding of a pattern.
type story struct {
	pattern graph.Pattern
	flows   [][3]string // from, to, amount in hundreds
	uses    [][2]string
}

var stories = map[string]story{
	"cycle": {graph.Cycle, [][3]string{{"ada", "bob", "9"}, {"bob", "cem", "8"}, {"cem", "dee", "8"}, {"dee", "ada", "7"}}, nil},
	"scatter-gather": {graph.ScatterGather, [][3]string{{"ada", "m1", "5"}, {"ada", "m2", "5"}, {"ada", "m3", "5"}, {"ada", "m4", "5"},
		{"m1", "zoe", "4"}, {"m2", "zoe", "4"}, {"m3", "zoe", "5"}, {"m4", "zoe", "4"}},
		[][2]string{{"m1", "device"}, {"m2", "device"}, {"m3", "device"}, {"m4", "other"}}},
	"stack": {graph.Stack, [][3]string{{"s1", "m1", "5"}, {"s1", "m2", "5"}, {"s2", "m2", "5"}, {"s2", "m3", "5"}, {"s3", "m3", "5"}, {"s3", "m1", "5"},
		{"m1", "d1", "5"}, {"m1", "d2", "5"}, {"m2", "d2", "5"}, {"m2", "d3", "5"}, {"m3", "d3", "5"}, {"m3", "d1", "5"}}, nil},
	"shared-instrument": {graph.SharedInstrument, nil,
		[][2]string{{"ada", "device"}, {"bob", "device"}, {"cem", "device"}, {"dee", "device"}, {"ada", "other"}, {"bob", "other"}}},
}

// tell folds a story and returns what was found of its pattern.
func tell(t *testing.T, s story) graph.Subgraph {
	t.Helper()
	g, err := graph.New(graph.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	const hour = 3_600_000
	at := int64(1_790_000_000_000)
	customer := func(name string) graph.Party { return graph.Party{Kind: graph.Customer, ID: "customer-" + name} }
	var found *graph.Finding
	note := func(told []graph.Finding, err error) {
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range told {
			if f.Pattern == s.pattern {
				found = &f
			}
		}
	}
	for _, u := range s.uses {
		at += hour
		note(g.Observe(customer(u[0]), graph.Party{Kind: graph.Device, ID: u[1] + "-<b>&\"1"}, 0, graph.When{Time: at, Recorded: at}))
	}
	for i, f := range s.flows {
		at += hour
		note(g.Move(graph.Transfer{From: customer(f[0]), To: customer(f[1]), Amount: int64(f[2][0]-'0') * 100_00, Time: at, Ref: graph.Ref{Position: int64(i)}}, at))
	}
	if found == nil {
		t.Fatalf("no %s was found", s.pattern)
	}
	return g.Subgraph(found)
}

// TestGolden holds the data, the picture and the page of each story to those in testdata; -update writes them anew.
func TestGolden(t *testing.T) {
	for name, s := range stories {
		subgraph := tell(t, s)
		data, err := json.MarshalIndent(subgraph, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		var page, svg bytes.Buffer
		if err := errors.Join(Page(&page, &subgraph, "EUR"), SVG(&svg, &subgraph, "EUR")); err != nil {
			t.Fatal(err)
		}
		golden(t, name+".json", append(data, '\n'))
		golden(t, name+".svg", svg.Bytes())
		if !bytes.Contains(page.Bytes(), svg.Bytes()) {
			t.Errorf("%s: the page does not hold the picture", name)
		}
		check(t, name, page.String(), svg.Bytes())
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what it was; -update writes it anew. Now:\n%s", path, got)
	}
}

// check: no id as a whole, no script, nothing from elsewhere, and a picture that is XML.
func check(t *testing.T, name, page string, svg []byte) {
	t.Helper()
	for _, no := range []string{"customer-", "<script", "<b>", "src=", "href="} {
		if strings.Contains(page, no) {
			t.Errorf("%s: %q stands on the page", name, no)
		}
	}
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%s: the picture is no XML: %v", name, err)
		}
	}
}

func TestRefusesUnknownCurrency(t *testing.T) {
	if err := SVG(io.Discard, &graph.Subgraph{Finding: "f1"}, "XYZ"); err == nil || !strings.Contains(err.Error(), `"XYZ" is no currency`) {
		t.Errorf("an unknown currency gives %v", err)
	}
}
