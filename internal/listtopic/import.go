package listtopic

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

const (
	// importTransaction is how long an import may take to be written: 250,000 entries take a few seconds. Until it ends, or,
	// where its process was killed, times out, no process sees any later edit.
	importTransaction = 30 * time.Second
	maxPending        = 20_000 // records of an import that are on their way
)

// Import is what an import changes.
type Import struct {
	Added, Removed, Unchanged int
	Proposed                  bool // it waits for another person's approval
	EditID                    string
}

// Others says what an import does with the entries of a list that it does not name.
type Others int

const (
	Keep        Others = iota // they stay
	Replace                   // they go; an import that would leave less than half of the list is refused
	ReplaceMost               // they go, however few entries are left
)

// Import puts entries into a list, all or none. Entries that stand there already are left as they are.
func (d *Desk) Import(ctx context.Context, e Edit, entries []rules.Entry, others Others, now time.Time) (Import, error) {
	var done Import
	l, err := d.list(e.List)
	if err != nil {
		return done, err
	}
	if err := said(e.Author, e.Reason); err != nil {
		return done, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	edits, _, err := d.reader.Read(ctx)
	if err != nil {
		return done, err
	}
	id, err := uuid.NewV4()
	if err != nil {
		return done, fmt.Errorf("a new edit id: %w", err)
	}
	done.EditID, done.Proposed = id.String(), l.FourEyes
	before := map[string]rules.Listed{}
	for _, have := range edits.Entries(l, e.Tenant, now) {
		if value, err := l.Canonical(have.Value); err == nil {
			before[value] = have
		} else {
			before[have.Value] = have
		}
	}
	have := len(before)
	var records []*topics.ListEdit
	add := func(action topics.ListAction, value string, expires time.Time, reason string) {
		records = append(records, &topics.ListEdit{EditID: done.EditID, Action: action, List: e.List, Match: string(l.Match), Tenant: e.Tenant,
			Value: value, Expires: expires, Propose: l.FourEyes, Reason: reason, Author: e.Author, At: now.UTC()})
	}
	for _, entry := range entries {
		value, err := l.Canonical(entry.Value)
		if err != nil {
			return done, refuse("list %q: %s", e.List, err)
		}
		have, listed := before[value]
		delete(before, value)
		reason := entry.Reason
		if reason == "" {
			reason = e.Reason
		}
		switch {
		case !entry.Expires.IsZero() && !entry.Expires.After(now):
			done.Unchanged++ // it would never count
		case listed && have.Expires.Equal(entry.Expires):
			done.Unchanged++
		default:
			add(topics.ListAdd, value, entry.Expires, reason)
			done.Added++
		}
	}
	for value := range before {
		if others != Keep {
			add(topics.ListRemove, value, time.Time{}, e.Reason)
			done.Removed++
		}
	}
	if len(records) == 0 {
		return done, nil
	}
	switch all := have + done.Added - done.Removed; {
	case all > rules.MaxListEntries:
		return Import{}, refuse("list %q: it would have %d entries; at most %d are possible", e.List, all, rules.MaxListEntries)
	case others == Replace && 2*all < have:
		return Import{}, refuse("list %q: of %d entries %d would be left, so the file may not be whole; where it is, say --shrink", e.List, have, all)
	}
	if l.FourEyes {
		if err := mayWait(d.waiting(e.List, e.Tenant, now), len(records), e.List); err != nil {
			return Import{}, err
		}
	}
	last, err := d.writeAll(ctx, records)
	if err != nil {
		return done, err
	}
	return done, d.seen(ctx, last)
}

// writeAll writes records in one transaction and returns the offset of the last. The transaction's id is the import's own: a
// crash leaves it open until it times out, and nobody has it again.
func (d *Desk) writeAll(ctx context.Context, edits []*topics.ListEdit) (last int64, err error) {
	client, err := kgo.NewClient(append(append([]kgo.Opt(nil), d.options...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.TransactionalID("weir-lists-"+edits[0].EditID), kgo.TransactionTimeout(importTransaction), kgo.MaxBufferedRecords(maxPending))...)
	if err != nil {
		return 0, fmt.Errorf("kafka client: %w", err)
	}
	defer client.Close()
	if err := client.BeginTransaction(); err != nil {
		return 0, fmt.Errorf("write %s: %w", topics.Lists, err)
	}
	produce, cancel := context.WithTimeout(ctx, importTransaction)
	defer cancel()
	var failed kgo.FirstErrPromise
	var end *kgo.Record
	for _, e := range edits {
		r, err := message(e)
		if err != nil {
			failed.Promise()(nil, err)
			break
		}
		client.Produce(produce, r, failed.Promise())
		end = r
	}
	err = failed.Err()
	// Once begun it is ended, whoever has lost patience: an open transaction would hold up every reader.
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeWithin)
	defer cancel()
	if err = errors.Join(err, client.EndTransaction(finish, kgo.TransactionEndTry(err == nil))); err != nil {
		return 0, fmt.Errorf("write %s: %w", topics.Lists, err)
	}
	return end.Offset, nil
}
