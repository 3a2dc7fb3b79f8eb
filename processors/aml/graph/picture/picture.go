// Package picture draws what a finding is made of: one SVG picture, or one HTML page around it, that needs nothing else and
// runs no script. Whoever sees it sees no ids: parties are numbered, and of their ids the last characters are left.
package picture

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/aml/graph"
)

//go:embed page.html.tmpl
var files embed.FS

// maxDrawn bounds the parties of a picture; more than that are counted, not drawn.
const maxDrawn = 80

// Page writes a page with the picture, its legend, and a table of the flows and links. Amounts are in minor units of the
// currency, in which the graph counts.
func Page(out io.Writer, s *graph.Subgraph, currency ledger.Currency) error {
	return write(out, "page", s, currency)
}

// SVG writes the picture alone.
func SVG(out io.Writer, s *graph.Subgraph, currency ledger.Currency) error {
	return write(out, "svg", s, currency)
}

func write(out io.Writer, what string, s *graph.Subgraph, currency ledger.Currency) error {
	if _, ok := currency.Exponent(); !ok {
		return fmt.Errorf("picture of finding %s: %q is no currency of ISO 4217", s.Finding, currency)
	}
	t, err := template.New("picture").Funcs(template.FuncMap{"moment": moment, "words": words,
		"money": func(minor int64) string { return ledger.Money{Minor: minor, Currency: currency}.String() }}).ParseFS(files, "page.html.tmpl")
	if err != nil {
		return fmt.Errorf("template of pictures: %w", err)
	}
	return t.ExecuteTemplate(out, what, draw(s, currency))
}

// moment writes a time of day in UTC, to the minute.
func moment(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04") }

// words writes a name of several words as one reads it.
func words(name fmt.Stringer) string { return strings.ReplaceAll(name.String(), "_", " ") }

// mask leaves of an id what helps to find it again, and no more.
func mask(id string) string {
	letters := []rune(id)
	left := min(4, len(letters)/3)
	return "··" + string(letters[len(letters)-left:])
}
