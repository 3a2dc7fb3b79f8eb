package proof

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/chain"
	"github.com/weirhq/weir/ledger/store"
)

var errEnough = errors.New("enough")

// compare compares the rows after one entry up to another with the log, and tells of each difference. visit is called with
// each entry of the log.
func (p *partition) compare(ctx context.Context, after, to ledger.EntryID, visit func(*chain.Record) error) (differences int, err error) {
	log := p.openLog(after, to)
	err = store.Walk(ctx, p.Database.Pool, after, min(to.Position+1, p.next), func(row *store.Row) error {
		if row.Position == to.Position && row.Index > to.Index {
			return errEnough
		}
		id := ledger.EntryID{Partition: p.number, Position: row.Position, Index: row.Index}
		missing, err := p.missing(ctx, log, &id, visit)
		if err != nil {
			return err
		}
		differences += missing
		r, err := log.peek(ctx)
		switch {
		case err != nil:
			return err
		case r != nil && r.Position == row.Position && r.Index == row.Index:
			log.take()
			if changed := changes(row, r); changed != "" {
				differences++
				p.problem("changed", p.subject(id), "%s", changed)
			}
			return visit(r)
		case log.unreadable[row.Position]: // what cannot be read contradicts nothing
			return visit(&row.Record)
		}
		differences++
		p.problem("inserted", p.subject(id), "in the table, but the log does not publish it")
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return 0, err
	}
	missing, err := p.missing(ctx, log, nil, visit)
	return differences + missing, err
}

// missing tells of the entries of the log before a row, or before its end.
func (p *partition) missing(ctx context.Context, log *logCursor, before *ledger.EntryID, visit func(*chain.Record) error) (n int, err error) {
	for {
		r, err := log.peek(ctx)
		if err != nil || r == nil || before != nil && !r.Before(before.Position, before.Index) {
			return n, err
		}
		log.take()
		n++
		p.problem("missing", p.subject(ledger.EntryID{Partition: p.number, Position: r.Position, Index: r.Index}),
			"not in the table; the log publishes %s", summary(r))
		if err := visit(r); err != nil {
			return n, err
		}
	}
}

func summary(r *chain.Record) string {
	text := fmt.Sprintf("%s of %s, amounts %d", r.Template, stamp(r.Booked), r.Amounts)
	if r.Reference != "" {
		text += ", reference " + r.Reference
	}
	return text
}

// changes says in what a row is not what the log says, "" where it is.
func changes(row *store.Row, r *chain.Record) string {
	var all []string
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if row.Template != r.Template {
		add("the row has template %q, the log %q", row.Template, r.Template)
	}
	if row.Booked != r.Booked {
		add("the row is booked at %s, the log at %s", stamp(row.Booked), stamp(r.Booked))
	}
	if own, logged := row.Effective != row.Booked, r.Effective != r.Booked; (own || logged) && row.Effective != r.Effective {
		add("the row is effective at %s, the log at %s", stamp(row.Effective), stamp(r.Effective))
	}
	if row.Payment != r.Payment {
		add("the row has payment %s, the log %s", uuid.UUID(row.Payment), uuid.UUID(r.Payment))
	}
	if row.Reference != r.Reference {
		add("the row has reference %q, the log %q", row.Reference, r.Reference)
	}
	switch {
	case row.Malformed != "":
		add("the row's %s", row.Malformed)
	case len(row.Accounts) != len(r.Accounts):
		add("the row has %d postings, the log %d", len(row.Accounts), len(r.Accounts))
	default:
		for i := range r.Accounts {
			if row.Accounts[i] != r.Accounts[i] {
				add("posting %d: the row has account %s, the log %s", i, row.Accounts[i], r.Accounts[i])
			}
			if row.Amounts[i] != r.Amounts[i] {
				add("posting %d: the row has amount %d, the log %d", i, row.Amounts[i], r.Amounts[i])
			}
		}
	}
	return strings.Join(all, "; ")
}

func stamp(micros int64) string { return time.UnixMicro(micros).UTC().Format(time.RFC3339Nano) }
