package risk

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// grule #200: taking a rule out panics. Here rules are taken out, the first, one in the middle and all but one, and put back,
// while others decide by them.
func TestRegressionARuleIsTakenOut(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rules.yaml")
	of := func(names ...string) string {
		var b strings.Builder
		b.WriteString("version: 1\nrules:\n")
		for i, name := range names { // conditions must differ
			fmt.Fprintf(&b, "  - { name: %s, when: payment.amount > money(\"%d.00 EUR\"), outcome: hold, on_missing: hold }\n", name, i+1)
		}
		return b.String()
	}
	all := []string{"first", "second", "third", "fourth"}
	write(t, file, of(all...))
	s, _ := watched(t, file)
	in := rules.Input{Now: time.UnixMilli(1_790_000_000_000), Command: &topics.Command{
		CommandID: "018e0000-0000-7000-8000-000000000001", Type: topics.CommandCreate, Tenant: "acme", CustomerID: "anna", Amount: 1000, Currency: "EUR",
	}}
	stop, deciders := make(chan struct{}), sync.WaitGroup{}
	defer deciders.Wait()
	defer close(stop)
	for range 2 {
		deciders.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if d := s.Set().Evaluate(in); d.Outcome != topics.OutcomeHold || !slices.Contains(d.Reasons, "fourth") {
					t.Errorf("decided %s, %v", d.Outcome, d.Reasons)
					return
				}
			}
		})
	}
	for range 20 {
		for _, left := range [][]string{all[1:], {"first", "third", "fourth"}, all[3:], all} {
			write(t, file, of(left...))
			if err := s.Reload(); err != nil {
				t.Fatal(err)
			}
			if d := s.Set().Evaluate(in); !slices.Equal(d.Reasons, left) {
				t.Fatalf("%v decide, and the reasons are %v", left, d.Reasons)
			}
		}
	}
}
