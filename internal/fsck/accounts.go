package fsck

import (
	"context"
	"fmt"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// unposted is what is left of the balances of a partition when the postings below M are taken off: nothing, where L3 holds
// and no record was applied meanwhile.
type unposted struct {
	left   map[ledger.AccountID]*ledger.Money
	unsure bool // there are more accounts than are kept, or a posting does not fit
}

func (u *unposted) balance(id ledger.AccountID, balance ledger.Money) {
	if len(u.left) == maxAccounts {
		u.unsure = true
	}
	if !u.unsure {
		u.left[id] = &balance
	}
}

// posting takes a posting off and returns the currency of its account, "" where it is not known.
func (u *unposted) posting(id ledger.AccountID, minor int64) ledger.Currency {
	left := u.left[id]
	if left == nil {
		u.unsure = true
		return ""
	}
	rest, err := ledger.SubMinor(left.Minor, minor)
	left.Minor, u.unsure = rest, u.unsure || err != nil
	return left.Currency
}

func (u *unposted) nothing() bool {
	for _, balance := range u.left {
		if balance.Minor != 0 {
			return false
		}
	}
	return !u.unsure
}

// balances checks L3: each balance is the sum of its account's postings. Where the walk of the entries has not shown it, the
// database adds up, in one statement, so that entries and balances are of one moment.
func (p *partitionCheck) balances(ctx context.Context) error {
	if p.unposted.nothing() {
		return nil
	}
	p.unposted.left = nil
	type row struct {
		Account [16]byte
		Balance *int64
		Posted  *string // numeric: a sum may need more than 64 bits
	}
	rows, err := collect[row](ctx, p.checker, `
WITH posted AS (
	SELECT line.account, sum(line.amount) AS posted
	FROM entries e, LATERAL unnest(e.accounts, e.amounts) AS line(account, amount)
	WHERE e.partition = $1 GROUP BY line.account
), held AS (SELECT id, balance FROM accounts WHERE partition = $1)
SELECT COALESCE(held.id, posted.account), held.balance, posted.posted::text
FROM held FULL JOIN posted ON posted.account = held.id
WHERE held.id IS NULL OR held.balance <> COALESCE(posted.posted, 0)
ORDER BY 1 LIMIT $2`, p.snapshot.partition, maxListed+1)
	if err != nil {
		return fmt.Errorf("add up the postings: %w", err)
	}
	for _, r := range listed(p, "L3", rows) {
		id := ledger.AccountID(r.Account)
		posted := "0"
		if r.Posted != nil {
			posted = *r.Posted
		}
		if r.Balance == nil {
			p.problem("L3", "account "+id.String(), "postings sum to %s, and there is no such account", posted)
			continue
		}
		p.problem("L3", "account "+id.String(), "balance %d, postings sum to %s", *r.Balance, posted)
	}
	return nil
}

// listed cuts what a query returned to what is reported, and says so.
func listed[T any](p *partitionCheck, check string, rows []T) []T {
	if len(rows) > maxListed {
		p.note("%s: partition %d: more than %d problems, the first of them are listed", check, p.snapshot.partition, maxListed)
		rows = rows[:maxListed]
	}
	return rows
}

type accountRow struct {
	ID                            [16]byte
	Tenant, Code, Owner, Currency string
	Guarded                       bool
	Balance                       int64
}

// accounts checks each account: its id, its place in the chart, its partition, and L4. It keeps the balances for L3.
func (p *partitionCheck) accounts(ctx context.Context) error {
	var from [16]byte
	for {
		rows, err := collect[accountRow](ctx, p.checker, `
SELECT id, tenant, code, owner, currency, guarded, balance FROM accounts
WHERE partition = $1 AND id >= $2 ORDER BY id LIMIT $3`, p.snapshot.partition, from, pageRows)
		if err != nil {
			return fmt.Errorf("read accounts: %w", err)
		}
		for i := range rows {
			p.Counts.Accounts.Add(1)
			p.account(&rows[i])
			p.unposted.balance(rows[i].ID, ledger.Money{Minor: rows[i].Balance, Currency: ledger.Currency(rows[i].Currency)})
		}
		if len(rows) < pageRows {
			return nil
		}
		from = after(rows[len(rows)-1].ID)
	}
}

// after is the id that follows in the order of the index.
func after(id [16]byte) [16]byte {
	for i := len(id) - 1; i >= 0; i-- {
		if id[i]++; id[i] != 0 {
			break
		}
	}
	return id
}

func (p *partitionCheck) account(r *accountRow) {
	a := ledger.Account{Tenant: r.Tenant, Code: ledger.AccountCode(r.Code), Owner: r.Owner, Currency: ledger.Currency(r.Currency)}
	subject := fmt.Sprintf("account %s (%s %s of %s, %s)", ledger.AccountID(r.ID), r.Tenant, r.Code, ownerName(r.Owner), r.Currency)
	if err := a.Validate(); err != nil {
		p.problem("account", subject, "%v", err)
		return
	}
	if a.ID() != r.ID {
		p.problem("account", subject, "the id of this tenant, code, owner and currency is %s", a.ID())
	}
	line, _ := a.Code.Line()
	if r.Guarded != line.Guarded {
		p.problem("account", subject, "guarded is %v, the chart of accounts says %v", r.Guarded, line.Guarded)
	}
	if line.Guarded && r.Balance > 0 {
		p.problem("L4", subject, "%s below zero", ledger.Money{Minor: r.Balance, Currency: a.Currency})
	}
	if p.partitions > 0 && !line.Partitioned {
		if home := topics.PartitionOf(r.Tenant, r.Owner, p.partitions); home != p.snapshot.partition {
			p.problem("account", subject, "its owner belongs to partition %d", home)
		}
	}
}

func ownerName(owner string) string {
	if owner == "" {
		return "the system"
	}
	return owner
}
