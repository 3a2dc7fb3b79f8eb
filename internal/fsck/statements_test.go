package fsck

import (
	"fmt"
	"strings"
	"testing"

	"github.com/weirhq/weir/ledger/statement"
)

// project makes the statements of all that is booked.
func (f *fixture) project() {
	f.t.Helper()
	for p := statement.NewProjector(f.db, 0); ; {
		round, err := p.Round(f.t.Context())
		f.must(err)
		if !round.Behind {
			return
		}
	}
}

func TestStatementsAreChecked(t *testing.T) {
	f := newFixture(t)
	f.payAll()
	f.project()
	problems, _, counts := f.check()
	if len(problems) > 0 || counts.Lines.Load() < counts.Entries.Load() {
		t.Fatalf("%v, %s", problems, counts)
	}
	f.pay("late") // not projected
	f.publishAll()
	if problems, _, _ := f.check(); len(problems) > 0 {
		t.Fatalf("of a projection that lags: %v", problems)
	}
	f.project()
	for _, test := range []struct{ sql, want string }{
		{`DELETE FROM statement_lines WHERE partition = 0 AND (account, position) IN (SELECT account, max(position) FROM statement_lines WHERE partition = 0 GROUP BY account ORDER BY account LIMIT 1)`,
			"is missing; the entry moves "},
		{`UPDATE statement_lines SET amount = amount + 1, balance = balance + 1 WHERE partition = 0 AND (account, position) IN (SELECT account, max(position) FROM statement_lines WHERE partition = 0 GROUP BY account ORDER BY account LIMIT 1)`,
			", the entry moves "},
		{`UPDATE statement_lines SET balance = balance + 1 WHERE partition = 0 AND (account, position) IN (SELECT account, min(position) FROM statement_lines WHERE partition = 0 GROUP BY account ORDER BY account LIMIT 1)`,
			", the line before it and its amount give "},
		{`DELETE FROM statement_positions WHERE partition = 0`,
			"there is no row, but there are lines"},
		{`INSERT INTO statement_lines (partition, account, booked, position, ordinal, amount, balance) SELECT 0, '00000000-0000-0000-0000-000000000001', now(), 0, 77, 5, 5`,
			"no entry has it"},
		{`UPDATE statement_lines SET booked = booked + INTERVAL '1 microsecond' WHERE partition = 0 AND (account, position) IN (SELECT account, max(position) FROM statement_lines WHERE partition = 0 GROUP BY account ORDER BY account LIMIT 1)`,
			"the latest booking time up to the entry"},
		{`UPDATE statement_lines SET booked = booked + INTERVAL '1 year' WHERE partition = 0 AND (account, position) IN (SELECT account, min(position) FROM statement_lines WHERE partition = 0 AND amount > 0 GROUP BY account HAVING count(*) > 1 ORDER BY account LIMIT 1)`,
			"which is later"},
	} {
		f.exec(test.sql)
		found, _, _ := f.check()
		hit := false
		for _, p := range found {
			hit = hit || strings.HasPrefix(p, "S1: ") && strings.Contains(p, test.want)
		}
		if !hit {
			t.Errorf("%s\nfound %v, want %q", test.sql, found, test.want)
		}
		f.must(statement.Rebuild(t.Context(), f.db))
		if problems, notes, _ := f.check(); len(problems) > 0 || !strings.Contains(fmt.Sprint(notes), "being made anew") {
			t.Errorf("while it is made anew: %v, %v", problems, notes)
		}
		f.project()
		if problems, _, _ := f.check(); len(problems) > 0 {
			t.Fatalf("made anew: %v", problems)
		}
	}
}
