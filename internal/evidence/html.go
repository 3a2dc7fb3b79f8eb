package evidence

import (
	"bytes"
	_ "embed" // the page
	"html/template"
	"strings"
	"sync"
	"time"

	"github.com/weirhq/weir/ledger"
)

//go:embed packet.html
var packetText string

var page = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("packet").Funcs(template.FuncMap{
		"money": func(minor int64, currency string) string {
			return ledger.Money{Minor: minor, Currency: ledger.Currency(currency)}.String()
		},
		"time": func(t time.Time) string { return shownTime(t) },
		"list": func(words []string) string { return strings.Join(words, ", ") },
		"where": func(w Where) string {
			return map[Where]string{Here: "below", Lacks: "missing, see the end", Yours: "to be added by you"}[w]
		},
	}).Parse(packetText))
})

// HTML is the packet as a page to print: one file without scripts, styles of others or pictures.
func (p *Packet) HTML() ([]byte, error) {
	var out bytes.Buffer
	err := page().Execute(&out, p)
	return out.Bytes(), err
}
