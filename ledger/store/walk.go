package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/chain"
)

const (
	walkRows     = 20_000 // of one query
	pageRows     = 2000   // of a page that is kept
	walkAttempts = 5      // to go on after a serialization error
)

// Row is a row of entries, as it is and not as it should be.
type Row struct {
	chain.Record
	Link   int64
	Linked bool // false: Link is NULL
	// Malformed says why the accounts and amounts are not those of postings, "" where they are.
	Malformed string
}

const selectRows = `SELECT position, ordinal, booked_at, effective, payment, template, reference, link, accounts, amounts
FROM entries WHERE partition = $1 AND place > $2::int8 * 65536 + $3::int2 AND place < $4::int8 * 65536
ORDER BY place LIMIT $5`

// lastPosition bounds positions, so that with 16 bits for the ordinal they fit 64.
const lastPosition = math.MaxInt64 >> 16

// Walk calls f with each entry of a partition after one and below a position, in order. What it is called with is valid
// until it returns; an error of f ends the walk and is returned. Memory is bounded, whatever the size.
//
// It reads in pages, each of its own moment: below the applied position nothing changes.
func Walk(ctx context.Context, pool *pgxpool.Pool, after ledger.EntryID, below int64, f func(*Row) error) error {
	w := walker{pool: pool, after: after, below: below, decoder: newDecoder()}
	for attempt := 1; ; {
		rows, err := w.page(ctx, f)
		if rows > 0 {
			attempt = 1
		}
		switch {
		case err == nil && rows < walkRows:
			return nil
		case err == nil:
		case attempt < walkAttempts && database.IsRetryable(err):
			attempt++
		default:
			return err
		}
	}
}

type walker struct {
	pool  *pgxpool.Pool
	after ledger.EntryID
	below int64
	row   Row
	decoder
}

func (w *walker) page(ctx context.Context, f func(*Row) error) (n int, err error) {
	err = eachRow(ctx, w.pool, w.after, w.below, walkRows, func(values [][]byte) error {
		n++
		if err := w.decode(&w.row, values); err != nil {
			return err
		}
		w.after.Position, w.after.Index = w.row.Position, w.row.Index
		return f(&w.row)
	})
	return n, err
}

// eachRow calls f with the columns of each of the first rows after one and below a position, in binary.
func eachRow(ctx context.Context, pool *pgxpool.Pool, after ledger.EntryID, below int64, limit int, f func(values [][]byte) error) error {
	return database.ReadInOrder(ctx, pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectRows, pgx.QueryResultFormats{pgx.BinaryFormatCode},
			after.Partition, max(after.Position, -lastPosition), after.Index, min(below, lastPosition), limit)
		if err != nil {
			return fmt.Errorf("read entries: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			if err := f(rows.RawValues()); err != nil {
				return err
			}
		}
		if err := rows.Err(); err != nil {
			return fmt.Errorf("read entries: %w", err)
		}
		return nil
	})
}

// Pages reads the entries of a partition below a position in pages, for those who take one after another beside something
// else that they read.
type Pages struct {
	pool  *pgxpool.Pool
	after ledger.EntryID
	below int64
	rows  []Row
	decoder
}

// NewPages begins after an entry.
func NewPages(pool *pgxpool.Pool, after ledger.EntryID, below int64) *Pages {
	return &Pages{pool: pool, after: after, below: below, rows: make([]Row, 0, pageRows), decoder: newDecoder()}
}

// Next is the next page, in order, empty at the end and valid until the next call.
func (p *Pages) Next(ctx context.Context) ([]Row, error) {
	for attempt := 1; ; attempt++ {
		p.rows = p.rows[:0]
		err := eachRow(ctx, p.pool, p.after, p.below, pageRows, func(values [][]byte) error {
			p.rows = p.rows[:len(p.rows)+1]
			return p.decode(&p.rows[len(p.rows)-1], values)
		})
		if err == nil {
			if n := len(p.rows); n > 0 {
				p.after.Position, p.after.Index = p.rows[n-1].Position, p.rows[n-1].Index
			}
			return p.rows, nil
		}
		if attempt == walkAttempts || !database.IsRetryable(err) {
			return nil, err
		}
	}
}

// decoder decodes what the server sends by itself: scanning it takes three times as long.
type decoder struct {
	templates map[string]string // as strings: there are few
}

func newDecoder() decoder { return decoder{templates: map[string]string{}} }

// postgresEpoch is 2000-01-01, from which the binary format counts, in microseconds since 1970.
const postgresEpoch = 946_684_800_000_000

func (d *decoder) decode(r *Row, v [][]byte) error {
	for i, size := range [...]int{8, 2, 8} {
		if len(v[i]) != size {
			return fmt.Errorf("read entries: column %d has %d bytes, want %d", i+1, len(v[i]), size)
		}
	}
	r.Position = int64(binary.BigEndian.Uint64(v[0]))
	r.Index = int16(binary.BigEndian.Uint16(v[1]))
	r.Booked = int64(binary.BigEndian.Uint64(v[2])) + postgresEpoch
	if r.Effective = r.Booked; len(v[3]) == 8 {
		r.Effective = int64(binary.BigEndian.Uint64(v[3])) + postgresEpoch
	}
	r.Payment = [16]byte{}
	copy(r.Payment[:], v[4])
	template, known := d.templates[string(v[5])]
	if !known {
		template = string(v[5])
		if len(d.templates) < walkRows {
			d.templates[template] = template
		}
	}
	r.Template, r.Reference = template, string(v[6])
	if r.Linked = len(v[7]) == 8; r.Linked {
		r.Link = int64(binary.BigEndian.Uint64(v[7]))
	}
	r.postings(v[8], v[9])
	return nil
}

func (r *Row) postings(accounts, amounts []byte) {
	r.Accounts, r.Amounts, r.Malformed = r.Accounts[:0], r.Amounts[:0], ""
	err := elements(accounts, pgtype.UUIDOID, 16, func(b []byte) { r.Accounts = append(r.Accounts, ledger.AccountID(b)) })
	if err != nil {
		r.Malformed = "accounts: " + err.Error()
		return
	}
	err = elements(amounts, pgtype.Int8OID, 8, func(b []byte) {
		r.Amounts = append(r.Amounts, int64(binary.BigEndian.Uint64(b)))
	})
	if err == nil && len(r.Accounts) != len(r.Amounts) {
		err = fmt.Errorf("%d, but %d accounts", len(r.Amounts), len(r.Accounts))
	}
	if err != nil {
		r.Malformed = "amounts: " + err.Error()
	}
}

var errNotAList = errors.New("not a list without gaps")

// elements calls f with each element of an array in the binary format: dimensions, flags, type; length and lower bound of
// the one dimension; then length and bytes of each element.
func elements(b []byte, oid uint32, size int, f func([]byte)) error {
	if len(b) < 12 || binary.BigEndian.Uint32(b[8:]) != oid {
		return errNotAList
	}
	dimensions := binary.BigEndian.Uint32(b)
	if dimensions == 0 {
		return nil
	}
	if dimensions != 1 || len(b) < 20 || binary.BigEndian.Uint32(b[16:]) != 1 {
		return errNotAList
	}
	for b = b[20:]; len(b) > 0; b = b[4+size:] {
		if len(b) < 4+size || binary.BigEndian.Uint32(b) != uint32(size) {
			return errNotAList
		}
		f(b[4 : 4+size])
	}
	return nil
}
