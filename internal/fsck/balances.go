package fsck

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// publishedBalance is the latest balance of an account that ledger.balances.v1 holds.
type publishedBalance struct {
	entry   topics.EventID
	booked  time.Time
	balance int64
}

// publishedBalances checks ledger.balances.v1 against the lines of statements, which hold the balance after each entry (S1):
// each account's latest record tells the balance of its entry's line, and is of the last entry below the position up to
// which the balances are published, or of a later one.
func (p *partitionCheck) publishedBalances(ctx context.Context) error {
	if p.topics == nil || p.snapshot.partition >= p.partitions {
		return nil
	}
	began, found, err := p.projected(ctx)
	if err != nil || !found || began.clearing {
		return err // said of the statements
	}
	latest, ok, err := p.readBalances(ctx)
	if err != nil || !ok {
		return err
	}
	var problems [][2]string
	report := func(subject, format string, args ...any) {
		if len(problems) < maxListed {
			problems = append(problems, [2]string{subject, fmt.Sprintf(format, args...)})
		}
	}
	if err := p.compareBalances(ctx, began, latest, report); err != nil {
		return err
	}
	ended, _, err := p.projected(ctx)
	if err != nil || ended.clearing || ended.rebuilds != began.rebuilds {
		return err
	}
	for _, problem := range problems {
		p.problem("published", problem[0], "%s", problem[1])
	}
	return nil
}

// readBalances reads the topic; ok is false where the partition has more accounts than are kept.
func (p *partitionCheck) readBalances(ctx context.Context) (latest map[ledger.AccountID]publishedBalance, ok bool, err error) {
	start, end, err := p.topics.bounds(ctx, topics.LedgerBalances, p.snapshot.partition)
	if err != nil {
		return nil, false, err
	}
	reader, err := broker.OpenPartition(p.topics.options, topics.LedgerBalances, p.snapshot.partition, start, end)
	if err != nil {
		return nil, false, err
	}
	defer reader.Close()
	latest = map[ledger.AccountID]publishedBalance{}
	for {
		r, err := reader.Next(ctx)
		if err != nil {
			return nil, false, err
		}
		if r == nil {
			return latest, true, nil
		}
		p.Counts.Published.Add(1)
		subject := fmt.Sprintf("%s at offset %d", topics.LedgerBalances, r.Offset)
		var v topics.LedgerBalance
		if err := topics.Unmarshal(r.Value, &v); err != nil {
			p.problem("published", subject, "%v", err)
			continue
		}
		account := ledger.Account{Tenant: v.Tenant, Code: ledger.AccountCode(v.Code), Owner: v.Owner, Currency: ledger.Currency(v.Currency)}
		id, entry := account.ID(), topics.EventID{}
		switch entry, err = topics.ParseEventID(v.EntryID); {
		case err != nil:
			p.problem("published", subject, "%v", err)
			continue
		case v.AccountID != id.String(), v.Partition != p.snapshot.partition, entry.Partition != v.Partition,
			string(r.Key) != fmt.Sprintf("%s-%d", v.AccountID, v.Partition):
			p.problem("published", subject, "key %q, account %s of %s %s of %s in %s, partition %d and entry %s do not belong together",
				r.Key, v.AccountID, v.Tenant, v.Code, ownerName(v.Owner), v.Currency, v.Partition, v.EntryID)
			continue
		}
		if known, found := latest[id]; !found || !before(entry, known.entry) {
			latest[id] = publishedBalance{entry, v.BookedAt, v.Balance}
		}
		if len(latest) > maxAccounts {
			p.note("partition %d: %s holds more than %d accounts and was not checked", p.snapshot.partition, topics.LedgerBalances, maxAccounts)
			return nil, false, nil
		}
	}
}

// wantBalances finds, for each account, its last line below a position, and the line of the entry that the topic names.
const wantBalances = `
SELECT wanted.account, last.position, last.ordinal, named.balance
FROM unnest($2::uuid[], $3::timestamptz[], $4::int8[], $5::int2[]) AS wanted(account, booked, position, ordinal)
LEFT JOIN LATERAL (SELECT position, ordinal FROM statement_lines WHERE partition = $1 AND account = wanted.account AND position < $6
	ORDER BY booked DESC, position DESC, ordinal DESC LIMIT 1) AS last ON true
LEFT JOIN LATERAL (SELECT balance FROM statement_lines WHERE partition = $1 AND account = wanted.account
	AND booked = wanted.booked AND position = wanted.position AND ordinal = wanted.ordinal LIMIT 1) AS named ON true`

// compareBalances compares all accounts of the partition, and takes them off latest.
func (p *partitionCheck) compareBalances(ctx context.Context, s projected, latest map[ledger.AccountID]publishedBalance,
	report func(subject, format string, args ...any)) error {
	var from [16]byte
	for {
		ids, err := collect[struct{ ID [16]byte }](ctx, p.checker,
			`SELECT id FROM accounts WHERE partition = $1 AND id >= $2 ORDER BY id LIMIT $3`, p.snapshot.partition, from, pageRows)
		if err != nil {
			return fmt.Errorf("read accounts: %w", err)
		}
		accounts := make([][16]byte, len(ids))
		for i := range ids {
			accounts[i] = ids[i].ID
		}
		if err := p.comparePage(ctx, s, accounts, latest, report); err != nil {
			return err
		}
		if len(ids) < pageRows {
			break
		}
		from = after(accounts[len(accounts)-1])
	}
	strangers := slices.SortedFunc(maps.Keys(latest), func(a, b ledger.AccountID) int { return slices.Compare(a[:], b[:]) })
	for _, id := range strangers {
		report(topics.LedgerBalances+" account "+id.String(), "there is no such account")
	}
	return nil
}

func (p *partitionCheck) comparePage(ctx context.Context, s projected, accounts [][16]byte, latest map[ledger.AccountID]publishedBalance,
	report func(subject, format string, args ...any)) error {
	booked, positions, ordinals := make([]time.Time, len(accounts)), make([]int64, len(accounts)), make([]int16, len(accounts))
	for i, id := range accounts {
		b, ok := latest[id]
		booked[i], positions[i], ordinals[i] = b.booked, b.entry.Position, b.entry.Index
		if !ok {
			positions[i] = -1
		}
	}
	type row struct {
		ID       [16]byte
		Position *int64
		Ordinal  *int16
		Balance  *int64
	}
	rows, err := collect[row](ctx, p.checker, wantBalances, p.snapshot.partition, accounts, booked, positions, ordinals, min(s.published, s.next))
	if err != nil {
		return fmt.Errorf("look published balances up in the statements: %w", err)
	}
	for _, r := range rows {
		b, ok := latest[r.ID]
		delete(latest, r.ID)
		subject := topics.LedgerBalances + " account " + ledger.AccountID(r.ID).String()
		if r.Position != nil {
			if last := p.at(*r.Position, *r.Ordinal); !ok || before(b.entry, last) {
				report(subject, "the topic ends with entry %s, want %s, the last of those that are published", entryName(b.entry, ok), last)
				continue
			}
		}
		switch {
		case !ok || b.entry.Position >= s.next: // none yet, or published before the statements began to be made anew
		case r.Balance == nil:
			report(subject, "no line of its statement is of entry %s, booked at %s", b.entry, stamp(b.booked))
		case *r.Balance != b.balance:
			report(subject, "balance %d, its statement has %d after entry %s", b.balance, *r.Balance, b.entry)
		}
	}
	return nil
}

func entryName(id topics.EventID, known bool) string {
	if !known {
		return "none"
	}
	return id.String()
}
