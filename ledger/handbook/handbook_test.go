package handbook

import (
	"flag"
	"os"
	"slices"
	"testing"

	"github.com/weirhq/weir/ledger"
)

var update = flag.Bool("update", false, "rewrite the generated documents")

// TestDocuments books all examples and compares the documents; -update rewrites them.
func TestDocuments(t *testing.T) {
	for path, document := range map[string]func() (string, error){
		"../../docs/chart-of-accounts.md": ChartOfAccounts,
		"../../docs/posting-templates.md": PostingTemplates,
	} {
		want, err := document()
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s differs from what the templates book; go test ./ledger/handbook -update rewrites it", path)
		}
	}
}

// TestEveryTemplateIsShown: each template has an example, in the order of the table, and each account is moved by one.
func TestEveryTemplateIsShown(t *testing.T) {
	var shown, want []string
	for _, s := range sections() {
		for _, x := range s.examples {
			if !slices.Contains(shown, x.template) {
				shown = append(shown, x.template)
			}
		}
	}
	for _, template := range ledger.Templates() {
		want = append(want, template.Name)
	}
	if !slices.Equal(shown, want) {
		t.Errorf("examples of\n%v\ntemplates are\n%v", shown, want)
	}
	debits, credits, err := movers()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range ledger.Chart() {
		if len(debits[line.Code]) == 0 && len(credits[line.Code]) == 0 {
			t.Errorf("no example moves %s", line.Code)
		}
	}
}
