package fsck

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/store"
)

const pageLines = 20_000 // statement lines read at once

// projected is how far the statements of a partition are.
type projected struct {
	next      int64
	published int64 // ledger.balances.v1 holds what entries below it left
	rebuilds  int32
	clearing  bool
}

func (p *partitionCheck) projected(ctx context.Context) (s projected, found bool, err error) {
	err = p.Database.Pool.QueryRow(ctx, `SELECT next, published, rebuilds, clearing FROM statement_positions WHERE partition = $1`,
		p.snapshot.partition).Scan(&s.next, &s.published, &s.rebuilds, &s.clearing)
	if errors.Is(err, pgx.ErrNoRows) {
		return s, false, nil
	}
	if err != nil {
		err = fmt.Errorf("read statement_positions: %w", err)
	}
	return s, err == nil, err
}

// statements checks S1: below the projection's position each entry has its lines, and nothing else has; and that each line
// has the balance of the one before it and its own amount.
//
// Entries and lines are read once each, in the order of their own keys. Both are added up into a sum of hashes, which does
// not depend on the order: only where the sums differ are the lines compared one by one, by the database.
func (p *partitionCheck) statements(ctx context.Context) error {
	began, found, err := p.projected(ctx)
	if err != nil {
		return err
	}
	if !found {
		return p.noStatements(ctx)
	}
	if began.clearing {
		p.note("partition %d: its statements are being made anew and were not checked", p.snapshot.partition)
		return nil
	}
	c := &lineCheck{partitionCheck: p, below: min(began.next, p.next), seed: maphash.MakeSeed()}
	for _, step := range []func(context.Context) error{c.entries, c.lines, c.compare} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	ended, _, err := p.projected(ctx)
	if err != nil {
		return err
	}
	if ended.clearing || ended.rebuilds != began.rebuilds {
		p.note("partition %d: its statements began to be made anew and were not checked", p.snapshot.partition)
		return nil
	}
	if ended.next < began.next || began.next > max(p.next, ended.next) {
		p.problem("S1", "statement_positions", "it went back from %d to %d", began.next, ended.next)
	}
	for _, problem := range c.problems {
		p.problem("S1", problem[0], "%s", problem[1])
	}
	p.Counts.Lines.Add(c.had.count)
	return nil
}

// noStatements checks a partition that has no position: nothing was projected of it, so it has no lines.
func (p *partitionCheck) noStatements(ctx context.Context) error {
	var lines bool
	if err := p.Database.Pool.QueryRow(ctx, `
SELECT EXISTS (SELECT 1 FROM statement_lines WHERE partition = $1)
	AND NOT EXISTS (SELECT 1 FROM statement_positions WHERE partition = $1)`,
		p.snapshot.partition).Scan(&lines); err != nil {
		return fmt.Errorf("read statement_lines: %w", err)
	}
	if lines {
		p.problem("S1", "statement_positions", "there is no row, but there are lines of statements; weir ledger rebuild-statements makes them anew")
	}
	return nil
}

// lineCheck compares the lines of one partition below a position.
type lineCheck struct {
	*partitionCheck
	below     int64
	seed      maphash.Seed
	want, had lineSum
	problems  [][2]string // reported when it is known that no rebuild began meanwhile
}

// lineSum stands for a set of lines.
type lineSum struct {
	count int64
	sum   uint64 // of the hashes of the lines
}

func (c *lineCheck) add(s *lineSum, account *ledger.AccountID, booked, position int64, ordinal int16, amount int64) {
	var b [16 + 3*8 + 2]byte
	copy(b[:], account[:])
	binary.LittleEndian.PutUint64(b[16:], uint64(booked))
	binary.LittleEndian.PutUint64(b[24:], uint64(position))
	binary.LittleEndian.PutUint64(b[32:], uint64(amount))
	binary.LittleEndian.PutUint16(b[40:], uint16(ordinal))
	s.count++
	s.sum += maphash.Bytes(c.seed, b[:])
}

func (c *lineCheck) found(subject, format string, args ...any) {
	if len(c.problems) < maxListed {
		c.problems = append(c.problems, [2]string{subject, fmt.Sprintf(format, args...)})
	}
}

// entries adds up the lines that the entries must have.
func (c *lineCheck) entries(ctx context.Context) error {
	booked := int64(0)
	return store.Walk(ctx, c.Database.Pool, ledger.EntryID{Partition: c.snapshot.partition, Position: -1}, c.below, func(row *store.Row) error {
		booked = max(booked, row.Booked)
	postings:
		for i := range min(len(row.Accounts), len(row.Amounts)) {
			amount := int64(0)
			for j := range row.Accounts {
				if row.Accounts[j] != row.Accounts[i] {
					continue
				}
				if j < i {
					continue postings // a line already
				}
				amount += row.Amounts[j]
			}
			c.add(&c.want, &row.Accounts[i], booked, row.Position, row.Index, amount)
		}
		return nil
	})
}

// lineKey is the key of a line, but for its partition.
type lineKey struct {
	account  ledger.AccountID
	booked   int64 // microseconds since 1970
	position int64
	ordinal  int16
}

const selectLines = `SELECT account, booked, position, ordinal, amount, balance FROM statement_lines
WHERE partition = $1 AND (account, booked, position, ordinal) > ($2, $3, $4, $5)
ORDER BY account, booked, position, ordinal LIMIT $6`

// lines adds up the lines that there are, and checks their balances.
func (c *lineCheck) lines(ctx context.Context) error {
	last := lineKey{position: -1, ordinal: -1}
	var balance int64
	for {
		rows, err := 0, error(nil)
		for attempt := 1; ; attempt++ {
			var n int
			n, err = c.page(ctx, &last, &balance)
			if rows += n; err == nil || attempt == readAttempts || !database.IsRetryable(err) {
				break
			}
		}
		if err != nil || rows < pageLines {
			return err
		}
	}
}

func (c *lineCheck) page(ctx context.Context, last *lineKey, balance *int64) (n int, err error) {
	err = database.ReadInOrder(ctx, c.Database.Pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectLines, pgx.QueryResultFormats{pgx.BinaryFormatCode}, c.snapshot.partition,
			[16]byte(last.account), time.UnixMicro(last.booked).UTC(), last.position, last.ordinal, pageLines)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			n++
			raw := rows.RawValues()
			key := lineKey{ledger.AccountID(raw[0]), integer(raw[1]) + microseconds2000, integer(raw[2]), int16(binary.BigEndian.Uint16(raw[3]))}
			c.line(last, key, integer(raw[4]), integer(raw[5]), balance)
		}
		return rows.Err()
	})
	if err != nil {
		return n, fmt.Errorf("read statement lines: %w", err)
	}
	return n, nil
}

// microseconds2000 is the beginning of 2000, from which the server counts, in microseconds since 1970.
const microseconds2000 = 946_684_800_000_000

func integer(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) }

func (c *lineCheck) line(last *lineKey, key lineKey, amount, after int64, balance *int64) {
	subject := func() string {
		return fmt.Sprintf("line of account %s, entry %s", key.account, c.at(key.position, key.ordinal))
	}
	if key.account != last.account {
		*balance = 0
	} else if key.position < last.position || key.position == last.position && key.ordinal <= last.ordinal {
		c.found(subject(), "stands behind that of entry %s, which is later", c.at(last.position, last.ordinal))
	}
	if sum := *balance + amount; sum != after {
		c.found(subject(), "balance %d, the line before it and its amount give %d", after, sum)
	}
	*last, *balance = key, after
	if key.position < c.below {
		c.add(&c.had, &key.account, key.booked, key.position, key.ordinal, amount)
	}
}

const differentLines = `
WITH timed AS (
	SELECT position, ordinal, accounts, amounts, max(booked_at) OVER (ORDER BY place) AS booked
	FROM entries WHERE partition = $1 AND place < $2::int8 * 65536
), want AS (
	SELECT t.position, t.ordinal, p.account, t.booked, sum(p.amount)::int8 AS amount
	FROM timed t, LATERAL unnest(t.accounts, t.amounts) AS p(account, amount)
	GROUP BY t.position, t.ordinal, p.account, t.booked
), had AS (
	SELECT position, ordinal, account, booked, amount FROM statement_lines WHERE partition = $1 AND position < $2
)
SELECT COALESCE(want.position, had.position), COALESCE(want.ordinal, had.ordinal), COALESCE(want.account, had.account),
	want.booked, want.amount, had.booked, had.amount
FROM want FULL JOIN had ON had.position = want.position AND had.ordinal = want.ordinal AND had.account = want.account
WHERE want.amount IS NULL OR had.amount IS NULL OR want.amount <> had.amount OR want.booked <> had.booked
ORDER BY 1, 2, 3 LIMIT $3`

// compare names the lines that are not those of the entries.
func (c *lineCheck) compare(ctx context.Context) error {
	if c.want == c.had {
		return nil
	}
	type row struct {
		Position   int64
		Ordinal    int16
		Account    [16]byte
		WantBooked *time.Time
		WantAmount *int64
		HadBooked  *time.Time
		HadAmount  *int64
	}
	rows, err := collect[row](ctx, c.checker, differentLines, c.snapshot.partition, c.below, maxListed+1)
	if err != nil {
		return fmt.Errorf("compare statement lines with entries: %w", err)
	}
	for _, r := range listed(c.partitionCheck, "S1", rows) {
		subject := fmt.Sprintf("line of account %s, entry %s", ledger.AccountID(r.Account), c.at(r.Position, r.Ordinal))
		switch {
		case r.HadAmount == nil:
			c.found(subject, "is missing; the entry moves %d", *r.WantAmount)
		case r.WantAmount == nil:
			c.found(subject, "no entry has it")
		case *r.HadAmount != *r.WantAmount:
			c.found(subject, "amount %d, the entry moves %d", *r.HadAmount, *r.WantAmount)
		default:
			c.found(subject, "its time is %s, want %s, the latest booking time up to the entry", stamp(*r.HadBooked), stamp(*r.WantBooked))
		}
	}
	return nil
}
