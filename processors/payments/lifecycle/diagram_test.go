package lifecycle_test

import (
	"os"
	"strings"
	"testing"

	"github.com/weirhq/weir/processors/payments/lifecycle"
)

const lifecycleDocument = "../../../docs/payment-lifecycle.md"

// TestDocument compares the generated parts of the document with the table. -update rewrites them.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile(lifecycleDocument)
	if err != nil {
		t.Fatal(err)
	}
	document := string(text)
	for marker, generated := range map[string]string{
		"diagram": "```mermaid\n" + lifecycle.Mermaid() + "```\n",
		"table":   lifecycle.Markdown(),
	} {
		begin, end := "<!-- generated: "+marker+" -->\n", "<!-- end: "+marker+" -->"
		i, j := strings.Index(document, begin), strings.Index(document, end)
		if i < 0 || j < i {
			t.Fatalf("%s: no %q … %q", lifecycleDocument, begin, end)
		}
		document = document[:i+len(begin)] + generated + document[j:]
	}
	if document == string(text) {
		return
	}
	if !*update {
		t.Fatalf("%s differs from the transition table: run go test ./processors/payments/lifecycle -run TestDocument -update", lifecycleDocument)
	}
	if err := os.WriteFile(lifecycleDocument, []byte(document), 0o644); err != nil {
		t.Fatal(err)
	}
}
