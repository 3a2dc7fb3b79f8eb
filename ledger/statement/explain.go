package statement

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
)

// largestMovements are the lines that an explanation shows.
const largestMovements = 5

// Explanation is why a balance is what it is: what there was at the beginning of a period, and what moved it.
//
// S2: Opening and the movements add up to Closing, and Closing and Missing to what the account holds.
type Explanation struct {
	Account   ledger.Account
	From, To  time.Time // lines from From on and before To; To is zero for "now"
	Opening   int64     // debits positive, as all amounts here
	Movements []Movement
	Closing   int64
	Largest   []Line // movements with the largest amounts; they have no Balance
	// Balance is what the ledger itself says that the account holds, and Missing how much of it the projection has not
	// seen. Both are of "now", and zero where To is given.
	Balance, Missing int64
	Holds            []Hold // of the customer who owns the account, in its currency, now
	Progress         Progress
	Complete         bool // false: the projection lags, and movements of the period may be missing
}

// Movement is what the entries of one template moved.
type Movement struct {
	Template      string
	Count         int64
	Debit, Credit int64 // sums of the lines that debit and of those that credit; none is negative
	First, Last   time.Time
}

// Net is what the movement did to the balance, debits positive.
func (m *Movement) Net() int64 { return m.Debit - m.Credit }

const movements = `
SELECT e.template, count(*), COALESCE(sum(l.amount) FILTER (WHERE l.amount > 0), 0)::int8,
	COALESCE(-sum(l.amount) FILTER (WHERE l.amount < 0), 0)::int8, min(l.booked), max(l.booked)
FROM statement_lines l, LATERAL (SELECT template FROM entries
	WHERE partition = l.partition AND place = l.position * 65536 + l.ordinal LIMIT 1) AS e
WHERE l.partition = $1 AND l.account = $2 AND l.booked >= $3 AND l.booked < $4
GROUP BY e.template`

const largest = `
SELECT booked, position, ordinal, amount FROM statement_lines
WHERE partition = $1 AND account = $2 AND booked >= $3 AND booked < $4
ORDER BY abs(amount) DESC, booked, position, ordinal LIMIT $5`

// Explain explains the balance of an account now, or as of to where that is not zero, by what happened from a time on. It
// reads each line of the period.
func Explain(ctx context.Context, db *database.DB, account ledger.Account, from, to time.Time) (*Explanation, error) {
	x := &Explanation{Account: account, From: from, To: to}
	_, err := ofAccount(ctx, db, account, func(tx querier, now *Balance) (err error) {
		x.Progress, x.Complete = now.Progress, now.Progress.Complete(cmp.Or(to, end))
		if err := x.read(ctx, tx); err != nil {
			return err
		}
		if to.IsZero() {
			x.Balance = now.Minor
			if x.Missing, err = ledger.SubMinor(now.Minor, x.Closing); err != nil {
				return err
			}
		}
		if x.Holds, err = openHolds(ctx, tx, account, x.Progress); err != nil {
			return err
		}
		return describe(ctx, tx, x.Largest)
	})
	if err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	return x, nil
}

func (x *Explanation) read(ctx context.Context, tx querier) error {
	to, id := cmp.Or(x.To, end), [16]byte(x.Account.ID())
	byTemplate := map[string]*Movement{}
	x.Largest = nil
	var batch pgx.Batch
	queueBalances(&batch, x.Account, x.Progress.placesAt(x.From), &x.Opening)
	queueBalances(&batch, x.Account, x.Progress.placesAt(to), &x.Closing)
	for _, position := range x.Progress {
		if position.Rebuilding {
			continue
		}
		batch.Queue(movements, position.Partition, id, x.From, to).Query(func(rows pgx.Rows) error {
			return addMovements(byTemplate, rows)
		})
		batch.Queue(largest, position.Partition, id, x.From, to, largestMovements).Query(func(rows pgx.Rows) error {
			l := Line{Entry: ledger.EntryID{Partition: position.Partition}}
			_, err := pgx.ForEachRow(rows, []any{&l.Booked, &l.Entry.Position, &l.Entry.Index, &l.Amount}, func() error {
				l.Booked = l.Booked.UTC()
				x.Largest = append(x.Largest, l)
				return nil
			})
			return err
		})
	}
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return err
	}
	slices.SortStableFunc(x.Largest, func(a, b Line) int {
		return cmp.Or(cmp.Compare(size(b.Amount), size(a.Amount)), a.Booked.Compare(b.Booked))
	})
	x.Largest = x.Largest[:min(len(x.Largest), largestMovements)]
	x.Movements = nil
	for _, template := range slices.Sorted(maps.Keys(byTemplate)) {
		x.Movements = append(x.Movements, *byTemplate[template])
	}
	return nil
}

func size(minor int64) int64 { return max(minor, -minor) }

func addMovements(byTemplate map[string]*Movement, rows pgx.Rows) error {
	var m Movement
	_, err := pgx.ForEachRow(rows, []any{&m.Template, &m.Count, &m.Debit, &m.Credit, &m.First, &m.Last}, func() (err error) {
		m.First, m.Last = m.First.UTC(), m.Last.UTC()
		sum := byTemplate[m.Template]
		if sum == nil {
			first := m
			byTemplate[m.Template] = &first
			return nil
		}
		sum.Count += m.Count
		if sum.Debit, err = ledger.AddMinor(sum.Debit, m.Debit); err != nil {
			return err
		}
		if sum.Credit, err = ledger.AddMinor(sum.Credit, m.Credit); err != nil {
			return err
		}
		if m.First.Before(sum.First) {
			sum.First = m.First
		}
		if m.Last.After(sum.Last) {
			sum.Last = m.Last
		}
		return nil
	})
	return err
}
