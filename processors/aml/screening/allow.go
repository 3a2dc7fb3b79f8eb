package screening

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/weirhq/weir/processors/aml/screening/lists"
)

// Allowed are hits that a person has looked at and put aside: a customer is not an entry, as both stood then.
type Allowed struct{ rows map[allowKey][]allowance }

type allowKey struct{ customer, list, entry string }

type allowance struct {
	hash, reason, author string
	until                time.Time // the end of the last day
	line                 int
}

var allowColumns = []string{"customer", "list", "entry", "hash", "reason", "author", "expires"}

// ReadAllowed reads a CSV file of allowances, with a header. All columns must be filled in.
func ReadAllowed(r io.Reader) (*Allowed, error) {
	rows := csv.NewReader(withoutMark(r))
	header, err := rows.Read()
	if err != nil || !slices.Equal(header, allowColumns) {
		return nil, fmt.Errorf("line 1: want the columns %s", strings.Join(allowColumns, ","))
	}
	a := &Allowed{map[allowKey][]allowance{}}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return a, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := rows.FieldPos(0)
		for i, text := range row {
			if row[i] = strings.TrimSpace(text); row[i] == "" {
				return nil, fmt.Errorf("line %d: %s is empty; who put it aside must say which hit, why, and until when", line, allowColumns[i])
			}
		}
		last, err := time.Parse(time.DateOnly, row[6])
		if err != nil {
			return nil, fmt.Errorf("line %d: expires: %q is no day such as 2027-01-31", line, row[6])
		}
		key := allowKey{row[0], row[1], row[2]}
		a.rows[key] = append(a.rows[key], allowance{row[3], row[4], row[5], last.AddDate(0, 0, 1), line})
	}
}

// over are the entries of which something is put aside no longer, that nothing else puts aside.
func (a *Allowed) over(now time.Time) map[entryKey]bool {
	over := map[entryKey]bool{}
	for key, rows := range a.rows {
		if !slices.ContainsFunc(rows, func(row allowance) bool { return now.Before(row.until) }) {
			over[entryKey{key.list, key.entry}] = true
		}
	}
	return over
}

// hash is what an allowance is held against.
func (s *Subject) hash(e *lists.Entry) string {
	h := sha256.New()
	births := make([]string, len(s.Births))
	for i := range s.Births {
		births[i] = s.Births[i].String()
	}
	for _, texts := range [][]string{{e.Hash, s.Name, string(s.Kind)}, s.Others, births, slices.Sorted(slices.Values(s.Countries))} {
		fmt.Fprintf(h, "%d;", len(texts))
		for _, t := range texts {
			fmt.Fprintf(h, "%d:%s", len(t), t)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Aside is a hit that was put aside.
type Aside struct {
	Hit
	Why string
}

// Split parts hits into those that count and those that are put aside at a time. A hit whose entry or customer has changed since,
// or whose allowance is over, counts, and says so.
func (a *Allowed) Split(hits []Hit, now time.Time) (count []Hit, aside []Aside) {
	for _, h := range hits {
		note := ""
		var by *allowance
		for _, row := range a.rows[allowKey{h.Customer, h.Entry.List, h.Entry.ID}] {
			switch {
			case row.hash != h.Hash:
				note = fmt.Sprintf("was put aside by %s (%s), but the entry or the customer has changed since", row.author, row.reason)
			case !now.Before(row.until):
				note = fmt.Sprintf("was put aside by %s (%s), which is over", row.author, row.reason)
			default:
				by = &row
			}
		}
		if by != nil {
			aside = append(aside, Aside{h, fmt.Sprintf("%s, by %s, until %s", by.reason, by.author, by.until.AddDate(0, 0, -1).Format(time.DateOnly))})
			continue
		}
		h.Note = note
		count = append(count, h)
	}
	return count, aside
}
