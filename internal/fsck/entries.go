package fsck

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/chain"
	"github.com/weirhq/weir/ledger/store"
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
		if entry, ok := entries.published.read(p, o); ok {
			if both := p.told.entry(&entries.published.value); both != nil {
				p.problem("wallet", "entry "+o.Envelope.ID, "after it a customer has and owes at once: %s", balanceName(both))
			}
			if row == nil {
				p.problem("entry", "entry "+o.Envelope.ID, "published by the log, but not in the table")
			} else if difference := differs(row, entry); difference != "" {
				p.problem("entry", "entry "+o.Envelope.ID, "%s", difference)
			}
		}
		ordinal++
	}
	return nil
}

// publishedEntry is a published entry in the forms in which it is checked. It is read again and again into the same memory.
type publishedEntry struct {
	value  topics.LedgerEntry
	entry  ledger.Entry
	record chain.Record
}

// read reads a published entry and checks it for itself: L1, its id and those of its accounts.
func (e *publishedEntry) read(p *partitionCheck, o *stream.Output) (*chain.Record, bool) {
	e.value = topics.LedgerEntry{Postings: e.value.Postings[:0]}
	clear(e.value.Postings[:cap(e.value.Postings)])
	if err := topics.UnmarshalInPlace(o.Value, &e.value); err != nil {
		p.problem("log", "entry "+o.Envelope.ID, "%v", err)
		return nil, false
	}
	v := &e.value
	if v.EntryID != o.Envelope.ID {
		p.problem("log", "entry "+o.Envelope.ID, "its value says entry_id %s", v.EntryID)
	}
	id, err := topics.ParseEventID(o.Envelope.ID)
	if err != nil {
		p.problem("log", "entry "+o.Envelope.ID, "%v", err)
		return nil, false
	}
	e.entry = ledger.Entry{ID: ledger.EntryID(id), Template: v.Template, PaymentID: v.PaymentID, At: v.BookedAt,
		Effective: v.EffectiveAt, Reference: v.Reference, Postings: e.entry.Postings[:0]}
	for _, line := range v.Postings {
		a := ledger.Account{Tenant: v.Tenant, Code: ledger.AccountCode(line.Code), Owner: line.Owner, Currency: ledger.Currency(line.Currency)}
		e.entry.Postings = append(e.entry.Postings, ledger.Posting{Account: a, Minor: line.Amount})
	}
	if err := e.record.Set(&e.entry); err != nil {
		p.problem("log", "entry "+o.Envelope.ID, "%v", err)
		return nil, false
	}
	for i, line := range v.Postings {
		if named, err := ledger.ParseAccountID(line.AccountID); err != nil || named != e.record.Accounts[i] {
			p.problem("log", "entry "+o.Envelope.ID, "posting %d: account_id %s, but tenant, code, owner and currency give %s",
				i, line.AccountID, e.record.Accounts[i])
		}
	}
	if err := e.entry.Validate(); err != nil {
		p.problem("L1", "entry "+o.Envelope.ID, "%v", err)
	}
	return &e.record, true
}

// differs says in what a row is not the entry that was logged, "" where it is.
func differs(row *store.Row, logged *chain.Record) string {
	switch {
	case row.Malformed != "":
		return "the row has malformed " + row.Malformed
	case len(row.Accounts) != len(logged.Accounts):
		return fmt.Sprintf("the row has %d postings, the log %d", len(row.Accounts), len(logged.Accounts))
	}
	for i := range logged.Accounts {
		if row.Accounts[i] != logged.Accounts[i] {
			return fmt.Sprintf("posting %d: the row has account %s, the log %s", i, row.Accounts[i], logged.Accounts[i])
		}
		if row.Amounts[i] != logged.Amounts[i] {
			return fmt.Sprintf("posting %d: the row has amount %d, the log %d", i, row.Amounts[i], logged.Amounts[i])
		}
	}
	switch {
	case row.Template != logged.Template:
		return fmt.Sprintf("the row has template %q, the log %q", row.Template, logged.Template)
	case row.Booked != logged.Booked:
		return fmt.Sprintf("the row is booked at %s, the log at %s", stampMicro(row.Booked), stampMicro(logged.Booked))
	case row.Effective != logged.Effective:
		return fmt.Sprintf("the row is effective at %s, the log at %s", stampMicro(row.Effective), stampMicro(logged.Effective))
	case row.Reference != logged.Reference:
		return fmt.Sprintf("the row has reference %q, the log %q", row.Reference, logged.Reference)
	case row.Payment != logged.Payment:
		return fmt.Sprintf("the row has payment %s, the log %s", paymentName(row.Payment), paymentName(logged.Payment))
	}
	return ""
}

func paymentName(id [16]byte) string {
	if id == ([16]byte{}) {
		return "none"
	}
	return fmt.Sprintf("%x", id)
}

func stampMicro(microseconds int64) string { return stamp(time.UnixMicro(microseconds)) }

// entryCursor walks the rows of entries in order, up to M, and takes their postings off the balances. A row that the log
// passes over is a problem.
type entryCursor struct {
	check     *partitionCheck
	pages     *store.Pages
	page      []store.Row
	ended     bool
	published publishedEntry
}

func (p *partitionCheck) openEntries() *entryCursor {
	before := ledger.EntryID{Partition: p.snapshot.partition, Position: math.MinInt64}
	return &entryCursor{check: p, pages: store.NewPages(p.Database.Pool, before, p.next)}
}

// peek is the next row, nil at the end.
func (c *entryCursor) peek(ctx context.Context) (row *store.Row, err error) {
	if len(c.page) == 0 && !c.ended {
		if c.page, err = c.pages.Next(ctx); err != nil {
			return nil, err
		}
		c.ended = len(c.page) == 0
	}
	if len(c.page) == 0 {
		return nil, nil
	}
	return &c.page[0], nil
}

func (c *entryCursor) take() {
	row := &c.page[0]
	for i := range min(len(row.Accounts), len(row.Amounts)) {
		c.check.unposted.posting(row.Accounts[i], row.Amounts[i])
	}
	c.page = c.page[1:]
}

// until takes the row of an entry, nil where there is none, and reports those before it.
func (c *entryCursor) until(ctx context.Context, position int64, ordinal int16) (*store.Row, error) {
	for {
		row, err := c.peek(ctx)
		if err != nil || row == nil {
			return nil, err
		}
		switch {
		case row.Before(position, ordinal):
			c.unlogged(row)
			c.take()
		case row.Position == position && row.Index == ordinal:
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

func (c *entryCursor) unlogged(row *store.Row) {
	c.check.problem("entry", "entry "+c.check.at(row.Position, row.Index).String(), "in the table, but the log does not publish it")
}
