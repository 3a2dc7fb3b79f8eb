package docs

import (
	"fmt"
	"testing"

	"github.com/weirhq/weir/internal/reference/schematest"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// TestRecords holds every record that a document shows, in a block whose info string is "json" and a topic, to its schema,
// and entries to the ledger's own rules.
func TestRecords(t *testing.T) {
	schemas := schematest.Compile(t)
	shown := map[string]int{}
	for _, d := range documents(t) {
		for _, b := range d.blocks {
			var name string
			if n, err := fmt.Sscanf(b.info, "json %s", &name); n != 1 || err != nil {
				continue
			}
			topic, ok := topics.Lookup(name)
			if !ok {
				continue // a file of the reader's own
			}
			shown[name]++
			if _, err := schemas.CheckRecord(name, topic.Types[0], []byte(b.text)); err != nil {
				t.Errorf("%s:%d: %v", d.path, b.line, err)
			}
			if name == topics.Entries {
				if err := checkEntry([]byte(b.text)); err != nil {
					t.Errorf("%s:%d: %v", d.path, b.line, err)
				}
			}
		}
	}
	for _, name := range []string{topics.Entries, topics.LedgerBalances} {
		if shown[name] == 0 {
			t.Errorf("no document shows a record of %s", name)
		}
	}
}

// checkEntry holds a shown entry to L1, the chart of accounts and the ids of its accounts.
func checkEntry(text []byte) error {
	var value topics.LedgerEntry
	if err := topics.Unmarshal(text, &value); err != nil {
		return err
	}
	var e ledger.Entry
	for _, line := range value.Postings {
		a := ledger.Account{Tenant: value.Tenant, Code: ledger.AccountCode(line.Code), Owner: line.Owner, Currency: ledger.Currency(line.Currency)}
		if line.AccountID != a.ID().String() {
			return fmt.Errorf("account_id %s, want %s", line.AccountID, a.ID())
		}
		e.Postings = append(e.Postings, ledger.Posting{Account: a, Minor: line.Amount})
	}
	return e.Validate()
}
