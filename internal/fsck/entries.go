package fsck

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// postings compares the entries that a record published with the rows of the table (L2) and checks L1.
func (p *partitionCheck) postings(ctx context.Context, position int64, outputs []stream.Output, entries *entryCursor) error {
	ordinal := int16(0)
	for i := range outputs {
		o := &outputs[i]
		if o.Topic != topics.Entries {
			continue
		}
		row, err := entries.until(ctx, position, ordinal)
		if err != nil {
			return err
		}
		p.Counts.Entries.Add(1)
		subject := "entry " + o.Envelope.ID
		var value topics.LedgerEntry
		if err := topics.Unmarshal(o.Value, &value); err != nil {
			p.problem("log", subject, "%v", err)
		} else if entry, ok := p.entry(o, &value, subject); ok {
			if row == nil {
				p.problem("entry", subject, "published by the log, but not in the table")
			} else if difference := row.differs(&entry); difference != "" {
				p.problem("entry", subject, "%s", difference)
			}
		}
		ordinal++
	}
	return nil
}

// entry reads a published entry and checks it for itself: L1, its id and those of its accounts.
func (p *partitionCheck) entry(o *stream.Output, value *topics.LedgerEntry, subject string) (ledger.Entry, bool) {
	if value.EntryID != o.Envelope.ID {
		p.problem("log", subject, "its value says entry_id %s", value.EntryID)
	}
	id, err := topics.ParseEventID(o.Envelope.ID)
	if err != nil {
		p.problem("log", subject, "%v", err)
		return ledger.Entry{}, false
	}
	e := ledger.Entry{ID: ledger.EntryID(id), Template: value.Template, PaymentID: value.PaymentID, At: value.BookedAt,
		Effective: value.EffectiveAt, Reference: value.Reference}
	for i, line := range value.Postings {
		a := ledger.Account{
			Tenant: value.Tenant, Code: ledger.AccountCode(line.Code), Owner: line.Owner, Currency: ledger.Currency(line.Currency),
		}
		if line.AccountID != a.ID().String() {
			p.problem("log", subject, "posting %d: account_id %s, but tenant, code, owner and currency give %s", i, line.AccountID, a.ID())
		}
		e.Postings = append(e.Postings, ledger.Posting{Account: a, Minor: line.Amount})
	}
	if err := e.Validate(); err != nil {
		p.problem("L1", subject, "%v", err)
	}
	return e, true
}

// entryRow is a row of entries.
type entryRow struct {
	Position  int64
	Ordinal   int16
	BookedAt  time.Time
	Effective *time.Time
	Payment   *[16]byte
	Template  string
	Reference *string
	Accounts  [][16]byte
	Amounts   []int64
}

func (r *entryRow) before(position int64, ordinal int16) bool {
	return r.Position < position || r.Position == position && r.Ordinal < ordinal
}

// differs says in what the row is not the entry, "" where it is.
func (r *entryRow) differs(e *ledger.Entry) string {
	if len(r.Accounts) != len(r.Amounts) || len(r.Accounts) != len(e.Postings) {
		return fmt.Sprintf("the row has %d accounts and %d amounts, the log %d postings", len(r.Accounts), len(r.Amounts), len(e.Postings))
	}
	for i := range e.Postings {
		if id := e.Postings[i].Account.ID(); id != r.Accounts[i] {
			return fmt.Sprintf("posting %d: the row has account %s, the log %s", i, ledger.AccountID(r.Accounts[i]), id)
		}
		if e.Postings[i].Minor != r.Amounts[i] {
			return fmt.Sprintf("posting %d: the row has amount %d, the log %d", i, r.Amounts[i], e.Postings[i].Minor)
		}
	}
	if r.Template != e.Template {
		return fmt.Sprintf("the row has template %q, the log %q", r.Template, e.Template)
	}
	if r.BookedAt.UnixMicro() != e.At.UnixMicro() {
		return fmt.Sprintf("the row is booked at %s, the log at %s", stamp(r.BookedAt), stamp(e.At))
	}
	if booked, logged := r.effective(), effective(e); booked.UnixMicro() != logged.UnixMicro() {
		return fmt.Sprintf("the row is effective at %s, the log at %s", stamp(booked), stamp(logged))
	}
	reference := ""
	if r.Reference != nil {
		reference = *r.Reference
	}
	if reference != e.Reference {
		return fmt.Sprintf("the row has reference %q, the log %q", reference, e.Reference)
	}
	var payment []byte
	if id, err := topics.ParsePaymentID(e.PaymentID); err == nil {
		payment = id.UUID.Bytes()
	}
	var stored []byte
	if r.Payment != nil {
		stored = r.Payment[:]
	}
	if !bytes.Equal(payment, stored) {
		return fmt.Sprintf("the row has payment %x, the log %x", stored, payment)
	}
	return ""
}

// effective is the booking time where the row has none of its own.
func (r *entryRow) effective() time.Time {
	if r.Effective == nil {
		return r.BookedAt
	}
	return *r.Effective
}

func effective(e *ledger.Entry) time.Time {
	if e.Effective.IsZero() {
		return e.At
	}
	return e.Effective
}

// entryCursor walks the rows of entries in order, up to M. A row that the log passes over is a problem.
type entryCursor struct {
	check    *partitionCheck
	page     []entryRow
	ended    bool
	position int64 // of the last row taken
	ordinal  int16
}

// peek is the next row, nil at the end.
func (c *entryCursor) peek(ctx context.Context) (*entryRow, error) {
	if len(c.page) == 0 && !c.ended {
		rows, err := collect[entryRow](ctx, c.check.checker, `
SELECT position, ordinal, booked_at, effective, payment, template, reference, accounts, amounts FROM entries
WHERE partition = $1 AND (position, ordinal) > ($2, $3) AND position < $4
ORDER BY position, ordinal LIMIT $5`,
			c.check.snapshot.partition, c.position, c.ordinal, c.check.next, pageRows)
		if err != nil {
			return nil, fmt.Errorf("read entries: %w", err)
		}
		c.page, c.ended = rows, len(rows) < pageRows
	}
	if len(c.page) == 0 {
		return nil, nil
	}
	return &c.page[0], nil
}

func (c *entryCursor) take() {
	c.position, c.ordinal = c.page[0].Position, c.page[0].Ordinal
	c.page = c.page[1:]
}

// until takes the row of an entry, nil where there is none, and reports those before it.
func (c *entryCursor) until(ctx context.Context, position int64, ordinal int16) (*entryRow, error) {
	for {
		row, err := c.peek(ctx)
		if err != nil || row == nil {
			return nil, err
		}
		switch {
		case row.before(position, ordinal):
			c.unlogged(row)
			c.take()
		case row.Position == position && row.Ordinal == ordinal:
			c.take()
			return row, nil
		default:
			return nil, nil
		}
	}
}

// rest reports the rows after the end of the log.
func (c *entryCursor) rest(ctx context.Context) error {
	for {
		row, err := c.peek(ctx)
		if err != nil || row == nil {
			return err
		}
		c.unlogged(row)
		c.take()
	}
}

func (c *entryCursor) unlogged(row *entryRow) {
	c.check.problem("entry", "entry "+c.check.at(row.Position, row.Ordinal).String(), "in the table, but the log does not publish it")
}
