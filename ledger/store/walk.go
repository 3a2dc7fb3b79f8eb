package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/chain"
)

const (
	walkRows     = 20_000 // of one query
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
FROM entries WHERE partition = $1 AND (position, ordinal) > ($2, $3) AND position < $4
ORDER BY position, ordinal LIMIT $5`

// Walk calls f with each entry of a partition after one and below a position, in order. What it is called with is valid
// until it returns; an error of f ends the walk and is returned. Memory is bounded, whatever the size.
//
// It reads in pages, each of its own moment: below the applied position nothing changes.
func Walk(ctx context.Context, pool *pgxpool.Pool, after ledger.EntryID, below int64, f func(*Row) error) error {
	w := walker{pool: pool, after: after, below: below, templates: map[string]string{}}
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

// walker decodes what the server sends by itself: scanning it takes three times as long.
type walker struct {
	pool      *pgxpool.Pool
	after     ledger.EntryID
	below     int64
	row       Row
	templates map[string]string // as strings: there are few
}

func (w *walker) page(ctx context.Context, f func(*Row) error) (n int, err error) {
	err = database.ReadInOrder(ctx, w.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectRows, pgx.QueryResultFormats{pgx.BinaryFormatCode},
			w.after.Partition, w.after.Position, w.after.Index, w.below, walkRows)
		if err != nil {
			return fmt.Errorf("read entries: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			n++
			if err := w.decode(rows.RawValues()); err != nil {
				return fmt.Errorf("read entries: %w", err)
			}
			w.after.Position, w.after.Index = w.row.Position, w.row.Index
			if err := f(&w.row); err != nil {
				return err
			}
		}
		if err := rows.Err(); err != nil {
			return fmt.Errorf("read entries: %w", err)
		}
		return nil
	})
	return n, err
}

// postgresEpoch is 2000-01-01, from which the binary format counts, in microseconds since 1970.
const postgresEpoch = 946_684_800_000_000

func (w *walker) decode(v [][]byte) error {
	for i, size := range []int{8, 2, 8} {
		if len(v[i]) != size {
			return fmt.Errorf("column %d has %d bytes, want %d", i+1, len(v[i]), size)
		}
	}
	r := &w.row
	r.Position = int64(binary.BigEndian.Uint64(v[0]))
	r.Index = int16(binary.BigEndian.Uint16(v[1]))
	r.Booked = int64(binary.BigEndian.Uint64(v[2])) + postgresEpoch
	if r.Effective = r.Booked; len(v[3]) == 8 {
		r.Effective = int64(binary.BigEndian.Uint64(v[3])) + postgresEpoch
	}
	r.Payment = [16]byte{}
	copy(r.Payment[:], v[4])
	template, known := w.templates[string(v[5])]
	if !known {
		template = string(v[5])
		if len(w.templates) < walkRows {
			w.templates[template] = template
		}
	}
	r.Template, r.Reference = template, string(v[6])
	if r.Linked = len(v[7]) == 8; r.Linked {
		r.Link = int64(binary.BigEndian.Uint64(v[7]))
	}
	w.postings(v[8], v[9])
	return nil
}

func (w *walker) postings(accounts, amounts []byte) {
	r := &w.row
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
