package fsck

import (
	"strings"
	"testing"
)

func TestBooksOnly(t *testing.T) {
	f := newFixture(t)
	f.payAll()
	f.save()
	const wallet = `(SELECT id FROM accounts WHERE partition = 0 AND code = 'customer_wallet' ORDER BY id LIMIT 1)`
	for name, c := range map[string]struct {
		sql  string
		want []string // stand in what is printed; none: nothing is wrong with the books
	}{
		"nothing":                         {``, nil},
		"the log is another's":            {`UPDATE stream_log SET frame = substr(frame, 1, 40) WHERE partition = 0 AND position = 3`, nil},
		"an amount is changed":            {`UPDATE entries SET amounts = ARRAY[amounts[1] + 1, amounts[2], amounts[3]] WHERE partition = 0 AND position = 3`, []string{"L1: partition 0: entry 0-3-0: its postings in EUR sum to 1", "L3: partition 0: account "}},
		"an entry is gone":                {`DELETE FROM entries WHERE partition = 0 AND position = 3`, []string{"L3: partition 0: account "}},
		"a posting is cut off":            {`UPDATE entries SET amounts = ARRAY[amounts[1], amounts[2]] WHERE partition = 0 AND position = 3`, []string{"L1: partition 0: entry 0-3-0: the row has malformed amounts"}},
		"a single posting":                {`UPDATE entries SET amounts = ARRAY[0::int8], accounts = ARRAY[accounts[1]] WHERE partition = 0 AND position = 3`, []string{"L1: partition 0: entry 0-3-0: it has 1 postings", "L3"}},
		"a balance is changed":            {`UPDATE accounts SET balance = balance - 1 WHERE partition = 0 AND id = ` + wallet, []string{"L3: partition 0: account ", "balance -7001, postings sum to -7000"}},
		"an account is gone":              {`DELETE FROM accounts WHERE partition = 0 AND id = ` + wallet, []string{"L1", "postings to accounts that there are not", "L3", "there is no such account"}},
		"an account changes its currency": {`UPDATE accounts SET currency = 'USD' WHERE partition = 0 AND id = ` + wallet, []string{"account: partition 0", "L1: partition 0: entry", "its postings in USD sum to"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := f.on(t)
			if c.sql != "" {
				f.exec(c.sql)
			}
			var problems []string
			_, err := Run(t.Context(), Config{Database: f.db, BooksOnly: true, Problem: func(p Problem) { problems = append(problems, p.String()) }})
			f.must(err)
			all := strings.Join(problems, "\n")
			if c.want == nil && all != "" {
				t.Errorf("found:\n%s", all)
			}
			for _, want := range c.want {
				if !strings.Contains(all, want) {
					t.Errorf("want %q in:\n%s", want, all)
				}
			}
			f.restore()
		})
	}
}
