package disputes_test

import (
	"os"
	"strings"
	"testing"

	"github.com/weirhq/weir/processors/payments/disputes"
)

const disputesDocument = "../../../docs/disputes.md"

// TestDocument compares the generated part of the document with the table. -update rewrites it.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile(disputesDocument)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- generated: table -->\n", "<!-- end: table -->"
	i, j := strings.Index(string(text), begin), strings.Index(string(text), end)
	if i < 0 || j < i {
		t.Fatalf("%s: no %q … %q", disputesDocument, begin, end)
	}
	document := string(text[:i+len(begin)]) + disputes.Markdown() + string(text[j:])
	if document == string(text) {
		return
	}
	if !*update {
		t.Fatalf("%s differs from the transition table: run go test ./processors/payments/disputes -run TestDocument -update", disputesDocument)
	}
	if err := os.WriteFile(disputesDocument, []byte(document), 0o644); err != nil {
		t.Fatal(err)
	}
}
