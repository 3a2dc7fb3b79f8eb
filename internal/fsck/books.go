package fsck

import (
	"context"
	"fmt"
	"math"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/store"
)

// books checks the books of a partition for themselves, without the log that they come from: accounts, L1, L3 and L4. It
// finds what makes them wrong, not what makes them another's: an entry that was changed and still balances is found by the
// log, by the hash chain (weir ledger verify) or not at all.
func (p *partitionCheck) books(ctx context.Context) error {
	if err := p.accounts(ctx); err != nil {
		return err
	}
	before, doubt := ledger.EntryID{Partition: p.snapshot.partition, Position: math.MinInt64}, false
	if err := store.Walk(ctx, p.Database.Pool, before, p.next, func(row *store.Row) error {
		p.Counts.Entries.Add(1)
		doubt = !p.addsUp(row) || doubt
		return nil
	}); err != nil {
		return err
	}
	if doubt {
		if err := p.unbalanced(ctx); err != nil {
			return err
		}
	}
	return p.balances(ctx)
}

// addsUp takes an entry's postings off the balances and tells whether L1 holds. Where it says no, for want of an account's
// currency perhaps, the database is asked.
func (p *partitionCheck) addsUp(row *store.Row) bool {
	switch {
	case row.Malformed != "":
		p.problem("L1", p.entry(row.Position, row.Index), "the row has malformed %s", row.Malformed)
		p.unposted.unsure = true
		return false
	case len(row.Amounts) < 2:
		p.problem("L1", p.entry(row.Position, row.Index), "it has %d postings, at least 2 are wanted", len(row.Amounts))
	}
	var sums [4]ledger.Money // of its currencies, of which there are rarely more than two
	known, sound := 0, true
	for i, amount := range row.Amounts {
		currency := p.unposted.posting(row.Accounts[i], amount)
		at := 0
		for at < known && sums[at].Currency != currency {
			at++
		}
		if at == len(sums) || currency == "" {
			sound = false
			continue
		}
		sum, err := ledger.AddMinor(sums[at].Minor, amount)
		sound = sound && err == nil
		sums[at], known = ledger.Money{Minor: sum, Currency: currency}, max(known, at+1)
	}
	for _, sum := range sums[:known] {
		sound = sound && sum.Minor == 0
	}
	return sound
}

func (p *partitionCheck) entry(position int64, ordinal int16) string {
	return "entry " + p.at(position, ordinal).String()
}

// unbalanced looks for entries that break L1 in the database, which knows all accounts.
func (p *partitionCheck) unbalanced(ctx context.Context) error {
	type row struct {
		Position int64
		Ordinal  int16
		Currency *string
		Sum      string // numeric: it may need more than 64 bits
	}
	rows, err := collect[row](ctx, p.checker, `
SELECT e.position, e.ordinal, a.currency, sum(line.amount)::text
FROM entries e CROSS JOIN LATERAL unnest(e.accounts, e.amounts) AS line(account, amount)
LEFT JOIN accounts a ON a.partition = $1 AND a.id = line.account
WHERE e.partition = $1 AND e.position < $2
GROUP BY e.position, e.ordinal, a.currency HAVING sum(line.amount) <> 0 OR a.currency IS NULL
ORDER BY 1, 2 LIMIT $3`, p.snapshot.partition, p.next, maxListed+1)
	if err != nil {
		return fmt.Errorf("add up the entries: %w", err)
	}
	for _, r := range listed(p, "L1", rows) {
		subject := p.entry(r.Position, r.Ordinal)
		if r.Currency == nil {
			p.problem("L1", subject, "it has postings to accounts that there are not")
			continue
		}
		p.problem("L1", subject, "its postings in %s sum to %s", *r.Currency, r.Sum)
	}
	return nil
}
