package store

import (
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/ledger"
)

// accountColumns are the accounts that a batch of entries moves, column by column, each account once.
type accountColumns struct {
	place      map[ledger.AccountID]int
	ids        [][16]byte
	tenants    []string
	codes      []string
	owners     []string
	currencies []string
	guarded    []bool
	deltas     []int64
}

func newAccountColumns() accountColumns {
	return accountColumns{place: make(map[ledger.AccountID]int)}
}

func (c *accountColumns) reset() {
	clear(c.place)
	c.ids, c.tenants, c.codes, c.owners = c.ids[:0], c.tenants[:0], c.codes[:0], c.owners[:0]
	c.currencies, c.guarded, c.deltas = c.currencies[:0], c.guarded[:0], c.deltas[:0]
}

// add adds a posting on the account id. It returns false and adds nothing where the batch would move more on the
// account than 64 bits hold, although no balance ever does: what follows then needs a statement of its own.
func (c *accountColumns) add(id ledger.AccountID, p *ledger.Posting) bool {
	if i, ok := c.place[id]; ok {
		sum, err := ledger.AddMinor(c.deltas[i], p.Minor)
		if err != nil {
			return false
		}
		c.deltas[i] = sum
		return true
	}
	line, _ := p.Account.Code.Line()
	c.place[id] = len(c.ids)
	c.ids = append(c.ids, id)
	c.tenants = append(c.tenants, p.Account.Tenant)
	c.codes = append(c.codes, string(p.Account.Code))
	c.owners = append(c.owners, p.Account.Owner)
	c.currencies = append(c.currencies, string(p.Account.Currency))
	c.guarded = append(c.guarded, line.Guarded)
	c.deltas = append(c.deltas, p.Minor)
	return true
}

// A balance is moved by the sum of its postings, not set, so that the floor is checked against what the database holds.
//
// The row that an upsert proposes must pass the floor itself, before the conflict with the existing row is seen. Where
// the delta of a guarded account is a debit it would not pass, so its guard is left out of the proposal (the update
// keeps the guard of the existing row), and the account is opened first: the proposal is then never inserted.
const (
	openAccounts = `INSERT INTO accounts (partition, id, tenant, code, owner, currency, guarded, balance)
SELECT $1::int4, id, tenant, code, owner, currency, true, 0
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bool[], $8::int8[])
	AS a(id, tenant, code, owner, currency, guarded, delta)
WHERE guarded AND delta > 0
ON CONFLICT (partition, id) DO NOTHING`

	moveBalances = `INSERT INTO accounts (partition, id, tenant, code, owner, currency, guarded, balance)
SELECT $1::int4, id, tenant, code, owner, currency, guarded AND delta <= 0, delta
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bool[], $8::int8[])
	AS a(id, tenant, code, owner, currency, guarded, delta)
ON CONFLICT (partition, id) DO UPDATE SET balance = accounts.balance + excluded.balance`
)

func (c *accountColumns) queue(batch *pgx.Batch, partition int32) {
	if len(c.ids) == 0 {
		return
	}
	args := []any{partition, c.ids, c.tenants, c.codes, c.owners, c.currencies, c.guarded, c.deltas}
	for i := range c.ids {
		if c.guarded[i] && c.deltas[i] > 0 {
			batch.Queue(openAccounts, args...)
			break
		}
	}
	batch.Queue(moveBalances, args...)
}
