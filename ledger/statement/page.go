package statement

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// MaxLines bounds one page.
const MaxLines = 1000

// Query asks for one page of a statement. With After the page goes on behind that place, with Before it ends there; with
// neither it begins at From, or where From is zero it is the last one before To.
type Query struct {
	Account       ledger.Account
	From, To      time.Time // lines with a time from From on and before To; zero: no bound
	After, Before Cursor    // at most one of them
	Limit         int       // lines, 1 to MaxLines
}

// Page is a part of a statement, oldest line first. Opening and the amounts of its lines give the balance of each line;
// where the account is in several partitions, the lines of all are merged by time.
type Page struct {
	Account    ledger.Account
	Opening    int64 // balance in front of the first line, debits positive
	Lines      []Line
	Closing    int64
	Start, End Cursor // for Before of the page in front of this one, and for After of the page behind it
	More       bool   // there are more lines in the direction that was read: behind End, or in front of Start
	Backwards  bool   // the direction
	Progress   Progress
}

// Line is one entry's movement on an account.
type Line struct {
	Entry     ledger.EntryID
	Booked    time.Time // the line's time; see the package's documentation
	Effective time.Time // when what is booked took place, where that is another time
	Template  string
	PaymentID string
	Reference string
	Amount    int64 // debits positive
	Balance   int64 // of the account over all its partitions, after it
}

func (l *Line) place() Place { return Place{l.Booked, l.Entry.Position, l.Entry.Index} }

// Lines of all partitions, as many of each as the page may have: which of them it has is only known when all are there.
const linesAfter = `
SELECT at.partition, l.* FROM unnest($2::int4[], $3::timestamptz[], $4::int8[], $5::int2[]) AS at(partition, booked, position, ordinal),
LATERAL (SELECT booked, position, ordinal, amount FROM statement_lines
	WHERE partition = at.partition AND account = $1 AND (booked, position, ordinal) > (at.booked, at.position, at.ordinal) AND booked < $6
	ORDER BY partition, account, booked, position, ordinal LIMIT $7) AS l
ORDER BY l.booked, at.partition, l.position, l.ordinal LIMIT $7`

// The last line of each partition is where the page ends there, whether it is on the page or not.
const linesBefore = `
SELECT at.partition, l.* FROM unnest($2::int4[], $3::timestamptz[], $4::int8[], $5::int2[]) AS at(partition, booked, position, ordinal),
LATERAL (SELECT booked, position, ordinal, amount FROM statement_lines
	WHERE partition = at.partition AND account = $1 AND (booked, position, ordinal) <= (at.booked, at.position, at.ordinal) AND booked >= $6
	ORDER BY partition DESC, account DESC, booked DESC, position DESC, ordinal DESC LIMIT $7) AS l`

// ReadPage reads one page. It returns ErrNoAccount where nothing was ever booked on the account.
func ReadPage(ctx context.Context, db *database.DB, q Query) (*Page, error) {
	if q.Limit < 1 || q.Limit > MaxLines || q.After != nil && q.Before != nil {
		return nil, errors.New("statement: want 1 to 1000 lines, and one of After and Before")
	}
	page := &Page{Account: q.Account, Backwards: q.After == nil && (q.Before != nil || q.From.IsZero())}
	_, err := ofAccount(ctx, db, q.Account, func(tx querier, b *Balance) error {
		page.Progress = b.Progress
		if err := page.read(ctx, tx, &q); err != nil {
			return err
		}
		return describe(ctx, tx, page.Lines)
	})
	if err != nil {
		return nil, fmt.Errorf("statement: %w", err)
	}
	return page, nil
}

// anchor is where the page begins, or where it ends if it is read backwards. A partition that the cursor does not name
// has come to hold the account since: all its lines are behind the cursor.
func (q *Query) anchor(partition int32, backwards bool) Place {
	if backwards {
		place := atTime(cmp.Or(q.To, end))
		if q.Before != nil {
			place = slices.MinFunc([]Place{place, q.placeIn(q.Before, partition)}, Place.compare)
		}
		return place
	}
	place := atTime(cmp.Or(q.From, begin))
	if q.After != nil {
		place = slices.MaxFunc([]Place{place, q.placeIn(q.After, partition)}, Place.compare)
	}
	return place
}

func (q *Query) placeIn(c Cursor, partition int32) Place {
	if place, ok := c[partition]; ok {
		return place
	}
	return atTime(begin)
}

// read reads the lines and the balance at the anchor, and merges the partitions.
func (p *Page) read(ctx context.Context, tx querier, q *Query) error {
	sql, bound := linesAfter, cmp.Or(q.To, end)
	if p.Backwards {
		sql, bound = linesBefore, cmp.Or(q.From, begin)
	}
	p.Start, p.End, p.Lines = Cursor{}, Cursor{}, nil
	for _, position := range p.Progress {
		at := q.anchor(position.Partition, p.Backwards)
		p.Start[position.Partition], p.End[position.Partition] = at, at
	}
	at := p.Progress.placesIn(func(partition int32) Place { return p.Start[partition] })
	var batch pgx.Batch
	batch.Queue(sql, [16]byte(q.Account.ID()), at.partitions, at.booked, at.positions, at.ordinals, bound, q.Limit+1).Query(func(rows pgx.Rows) error {
		var l Line
		_, err := pgx.ForEachRow(rows, []any{&l.Entry.Partition, &l.Booked, &l.Entry.Position, &l.Entry.Index, &l.Amount}, func() error {
			l.Booked = l.Booked.UTC()
			p.Lines = append(p.Lines, l)
			return nil
		})
		return err
	})
	var balance int64
	queueBalances(&batch, q.Account, at, &balance)
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return err
	}
	if p.Backwards && q.Before == nil {
		p.endBehindLines(atTime(bound))
	}
	p.merge(q.Limit)
	return p.run(balance)
}

// endBehindLines ends the page behind the last line that there is, not at the time up to which it was asked for: lines
// that come later are behind its End.
func (p *Page) endBehindLines(bound Place) {
	for partition := range p.End {
		p.End[partition] = bound
	}
	for i := range p.Lines {
		if l := &p.Lines[i]; l.place().compare(p.End[l.Entry.Partition]) > 0 {
			p.End[l.Entry.Partition] = l.place()
		}
	}
}

// merge brings the lines into the order of time, cuts them to the page and moves the end that was read to.
func (p *Page) merge(limit int) {
	slices.SortFunc(p.Lines, func(a, b Line) int {
		return cmp.Or(a.Booked.Compare(b.Booked), cmp.Compare(a.Entry.Partition, b.Entry.Partition), a.place().compare(b.place()))
	})
	if p.More = len(p.Lines) > limit; p.More && p.Backwards {
		p.Lines = p.Lines[len(p.Lines)-limit:]
	} else if p.More {
		p.Lines = p.Lines[:limit]
	}
	for i := range p.Lines {
		if l := &p.Lines[i]; !p.Backwards {
			p.End[l.Entry.Partition] = l.place()
		}
		if l := &p.Lines[len(p.Lines)-1-i]; p.Backwards {
			p.Start[l.Entry.Partition] = l.place().before()
		}
	}
}

// run gives each line its balance, from that at the anchor.
func (p *Page) run(balance int64) (err error) {
	for i := range p.Lines {
		if p.Backwards {
			if balance, err = ledger.SubMinor(balance, p.Lines[i].Amount); err != nil {
				return err
			}
		}
	}
	p.Opening = balance
	for i := range p.Lines {
		if balance, err = ledger.AddMinor(balance, p.Lines[i].Amount); err != nil {
			return err
		}
		p.Lines[i].Balance = balance
	}
	p.Closing = balance
	return nil
}

const describeEntries = `
SELECT w.place, e.template, e.payment, e.reference, e.effective
FROM unnest($1::int4[], $2::int8[], $3::int2[]) WITH ORDINALITY AS w(partition, position, ordinal, place),
LATERAL (SELECT template, payment, reference, effective FROM entries
	WHERE partition = w.partition AND place = w.position * 65536 + w.ordinal LIMIT 1) AS e`

// describe adds to the lines what their entries say.
func describe(ctx context.Context, tx querier, lines []Line) error {
	if len(lines) == 0 {
		return nil
	}
	var partitions []int32
	var positions []int64
	var ordinals []int16
	for _, l := range lines {
		partitions = append(partitions, l.Entry.Partition)
		positions = append(positions, l.Entry.Position)
		ordinals = append(ordinals, l.Entry.Index)
	}
	rows, _ := tx.Query(ctx, describeEntries, partitions, positions, ordinals)
	var place int64
	var template string
	var payment *[16]byte
	var reference *string
	var effective *time.Time
	_, err := pgx.ForEachRow(rows, []any{&place, &template, &payment, &reference, &effective}, func() error {
		l := &lines[place-1]
		l.Template = template
		if payment != nil {
			l.PaymentID = topics.PaymentID{Partition: l.Entry.Partition, UUID: *payment}.String()
		}
		if reference != nil {
			l.Reference = *reference
		}
		if effective != nil {
			l.Effective = effective.UTC()
		}
		return nil
	})
	return err
}
