package handbook

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
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

// TestStages: a template is booked where the processors call its function, and ready where they do not.
func TestStages(t *testing.T) {
	call := regexp.MustCompile(`\bledger\.([A-Z]\w*)\(`)
	var called []string // in lower case: psp_fee_accrued is made by PSPFeeAccrued
	err := filepath.WalkDir("../../processors", func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, match := range call.FindAllSubmatch(source, -1) {
			called = append(called, strings.ToLower(string(match[1])))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	shared := map[string]string{ // templates that a function makes whose name is another
		ledger.TemplateGameDebit: "walletdebited", ledger.TemplateGameCredit: "walletcredited",
		ledger.TemplateBonusGranted: "walletcredited", ledger.TemplateBonusTakenBack: "walletdebited",
		ledger.TemplatePurchase: "walletdebited", ledger.TemplatePurchaseRefunded: "walletcredited",
		ledger.TemplateAdjustmentCredit: "walletcredited", ledger.TemplateAdjustmentDebit: "walletdebited",
		ledger.TemplatePeriodClosed: "periodclosing",
	}
	for _, template := range ledger.Templates() {
		function, want := strings.ReplaceAll(template.Name, "_", ""), ledger.Ready
		if other, ok := shared[template.Name]; ok {
			function = other
		}
		if slices.Contains(called, function) {
			want = ledger.Booked
		}
		if template.Stage != want {
			t.Errorf("%s: %s, by the calls of the processors it is %s", template.Name, template.Stage, want)
		}
	}
}
