package statement

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/ledger"
)

// Last is the last line of an account in a partition.
type Last struct {
	Partition int32
	Account   ledger.Account
	Minor     int64 // the balance after it, debits positive
	Place           // of the line
}

// Entry is the id of the line's entry.
func (l *Last) Entry() ledger.EntryID {
	return ledger.EntryID{Partition: l.Partition, Position: l.Position, Index: l.Ordinal}
}

// lastLines finds who an account is, and its last line where it has one. LATERAL and LIMIT 1: one look into the index for
// each, whatever a planner believes of the tables' sizes.
const lastLines = `
SELECT w.id, a.tenant, a.code, a.owner, a.currency, l.booked, l.position, l.ordinal, l.balance
FROM unnest($2::uuid[]) AS w(id)
CROSS JOIN LATERAL (SELECT tenant, code, owner, currency FROM accounts WHERE partition = $1 AND id = w.id LIMIT 1) AS a
LEFT JOIN LATERAL (SELECT booked, position, ordinal, balance FROM statement_lines WHERE partition = $1 AND account = w.id
	ORDER BY partition DESC, account DESC, booked DESC, position DESC, ordinal DESC LIMIT 1) AS l ON true`

// loadLast reads the last lines of the accounts that the steps move and memory lacks.
func (p *Projector) loadLast(ctx context.Context, steps []*step) error {
	wanted := map[*partition][][16]byte{}
	for _, s := range steps {
		asked := map[ledger.AccountID]bool{}
		for i := range s.entries {
			for _, id := range s.entries[i].Accounts {
				if s.partition.last[id] == nil && !asked[id] {
					asked[id] = true
					wanted[s.partition] = append(wanted[s.partition], id)
				}
			}
		}
	}
	return p.load(ctx, wanted)
}

func (p *Projector) load(ctx context.Context, wanted map[*partition][][16]byte) error {
	var batch pgx.Batch
	for part, ids := range wanted {
		batch.Queue(lastLines, part.number, ids).Query(func(rows pgx.Rows) error { return part.remember(rows) })
	}
	if batch.Len() == 0 {
		return nil
	}
	if err := p.db.Pool.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("read the last lines of accounts: %w", err)
	}
	return nil
}

// knows says whether the accounts of an entry were found.
func (part *partition) knows(e *posted) error {
	for _, id := range e.Accounts {
		if part.last[id] == nil {
			return fmt.Errorf("its account %s does not exist; weir fsck says more", ledger.AccountID(id))
		}
	}
	return nil
}

func (part *partition) remember(rows pgx.Rows) error {
	var id [16]byte
	var tenant, code, owner, currency string
	var booked *time.Time
	var position, balance *int64
	var ordinal *int16
	_, err := pgx.ForEachRow(rows, []any{&id, &tenant, &code, &owner, &currency, &booked, &position, &ordinal, &balance}, func() error {
		last := &Last{Partition: part.number, Account: ledger.Account{
			Tenant: tenant, Code: ledger.AccountCode(code), Owner: owner, Currency: ledger.Currency(currency),
		}}
		if booked != nil {
			last.Minor, last.Place = *balance, Place{booked.UTC(), *position, *ordinal}
		}
		part.last[id] = last
		return nil
	})
	return err
}

// loadChanged finds the accounts whose balances were stored and perhaps not published: those of the entries between the
// two positions. It is what repairs a crash between the transaction and the publication.
func (p *Projector) loadChanged(ctx context.Context, part *partition) error {
	for from := part.row.Published; from < part.row.Next; {
		rows, _ := p.db.Pool.Query(ctx, pageOfEntries, part.number, from, part.row.Next, DefaultEntries)
		entries, err := pgx.CollectRows(rows, pgx.RowToStructByPos[posted])
		if err != nil {
			return fmt.Errorf("read entries whose balances are not published: %w", err)
		}
		for i := range entries {
			for _, id := range entries[i].Accounts {
				part.changed[id] = true
			}
		}
		if len(entries) < DefaultEntries {
			return nil
		}
		from = entries[len(entries)-1].Position // again: not all of the record's entries may have been in the page
	}
	return nil
}

// Unpublished returns, in any order, the last lines of accounts whose balances ledger.balances.v1 may not hold. Once they are durable
// there, Published is called; until then, and after a crash, they are returned again.
func (p *Projector) Unpublished(ctx context.Context) ([]Last, error) {
	wanted := map[*partition][][16]byte{}
	for _, part := range p.partitions {
		for id := range part.changed {
			if part.last[id] == nil {
				wanted[part] = append(wanted[part], id)
			}
		}
	}
	if err := p.load(ctx, wanted); err != nil {
		return nil, err
	}
	var all []Last
	for _, part := range p.partitions {
		for id := range part.changed {
			if part.last[id] == nil {
				return nil, fmt.Errorf("the balance of account %s in partition %d cannot be published: it does not exist", id, part.number)
			}
			all = append(all, *part.last[id])
		}
	}
	return all, nil
}

// Published takes note that everything which Unpublished last returned is durable, no round having run since. The next
// round stores it; a crash before it has the same balances published again.
func (p *Projector) Published() {
	for _, part := range p.partitions {
		clear(part.changed)
		part.published = max(part.published, part.row.Next)
	}
}
