package proof

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/chain"
	"github.com/weirhq/weir/ledger/store"
)

// partition is one partition on the way from its first entry to its last. Below M, the applied position, nothing changes any
// more, so that is how far it goes.
type partition struct {
	*verifier
	number int32
	next   int64       // M
	stored *chain.Head // of ledger_chain, of the moment of M; nil where there is none
	told   map[string]bool
	more   int64 // problems that were not told

	hasher      chain.Hasher
	at          lineage
	sure        lineage // as at, where it was last sure: signed, or compared with the log
	last        ledger.EntryID
	odd         oddity
	linked      bool  // a row with a link was seen
	unlinked    int64 // rows before it
	misfits     int   // rows one after the other whose links do not fit, although they are what the log says
	checkpoints ordered
	due         *chain.Checkpoint // the next one to meet
	vouched     chain.Head        // that of the one before
}

// lineage is where the chain is. It is two chains once a checkpoint was not met: whoever changed what was signed may have
// computed all links anew.
type lineage struct {
	head   chain.Head // what links follow
	forked bool
	signed chain.Head // what checkpoints follow, where forked
}

// extend goes on with one more entry.
func (l *lineage) extend(hasher *chain.Hasher, r *chain.Record) {
	l.head = hasher.Extend(&l.head, r)
	if l.forked && !r.Before(l.signed.Position, l.signed.Index) && (r.Position != l.signed.Position || r.Index != l.signed.Index) {
		l.signed = hasher.Extend(&l.signed, r)
	}
}

// heal ends a fork at a row whose link follows what was signed.
func (l *lineage) heal(row *store.Row) {
	if l.forked && row.Linked && l.head.Link() != row.Link && l.signed.Link() == row.Link && l.signed.Last() == l.head.Last() {
		l.head, l.forked = l.signed, false
	}
}

// shown is the chain that checkpoints are compared with.
func (l *lineage) shown() *chain.Head {
	if l.forked {
		return &l.signed
	}
	return &l.head
}

// oddity is what interrupted the walk.
type oddity struct {
	checkpoint bool // the one that is due; else a row
	id         ledger.EntryID
	linked     bool
	link       int64
}

func (v *verifier) partition(ctx context.Context, number int32) error {
	genesis := chain.Genesis(number)
	p := &partition{verifier: v, number: number, told: map[string]bool{}, last: genesis.Last()}
	p.at.head, p.sure.head, p.vouched = genesis, genesis, genesis
	if v.Checkpoints != nil { // opened before the snapshot: what is signed by now is in it
		reader, err := v.Checkpoints.Open(ctx, number)
		if err != nil {
			return err
		}
		defer reader.Close()
		p.checkpoints.reader = reader
		if err := p.nextCheckpoint(ctx); err != nil {
			return err
		}
	}
	for _, step := range []func(context.Context) error{p.snapshot, p.entries, p.tail, p.end, p.accounts} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if p.more > 0 {
		p.note("partition %d: %d more problems are not listed", number, p.more)
	}
	return nil
}

// problem tells of a problem, once of each subject and check.
func (p *partition) problem(check, subject, format string, args ...any) {
	key := check + " " + subject
	if p.told[key] {
		return
	}
	p.Counts.Problems.Add(1)
	if len(p.told) >= maxListed {
		p.more++
		return
	}
	p.told[key] = true
	p.report.Lock()
	defer p.report.Unlock()
	if p.Problem != nil {
		p.Problem(Problem{check, p.number, subject, fmt.Sprintf(format, args...)})
	}
}

func (p *partition) subject(id ledger.EntryID) string { return "entry " + id.String() }

// snapshot reads M and the stored head of one moment, and looks for rows that no applied record can have made.
func (p *partition) snapshot(ctx context.Context) error {
	return database.ReadInOrder(ctx, p.Database.Pool, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `SELECT next FROM stream_positions WHERE role = $1 AND partition = $2`, role, p.number).Scan(&p.next)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("read the applied position: %w", err)
		}
		stored, err := store.Head(ctx, tx, p.number)
		switch {
		case err == nil:
			p.stored = &stored
		case !errors.Is(err, store.ErrNoHead):
			return err
		}
		rows, _ := tx.Query(ctx, `SELECT position, ordinal FROM entries WHERE partition = $1 AND place >= $2::int8 * 65536
ORDER BY place LIMIT $3`, p.number, p.next, maxListed)
		var position int64
		var index int16
		_, err = pgx.ForEachRow(rows, []any{&position, &index}, func() error {
			p.problem("inserted", p.subject(ledger.EntryID{Partition: p.number, Position: position, Index: index}), "in the table, but records are applied only up to position %d", p.next)
			return nil
		})
		return err
	})
}

// errOdd interrupts a walk, so that what is odd is looked into without a page held open.
var errOdd = errors.New("something does not fit")

// entries walks the rows. What does not fit is compared with the log, which also says how the chain goes on.
func (p *partition) entries(ctx context.Context) error {
	for {
		err := store.Walk(ctx, p.Database.Pool, p.last, p.next, func(row *store.Row) error { return p.row(ctx, row) })
		if !errors.Is(err, errOdd) {
			return err
		}
		if err := p.explain(ctx); err != nil {
			return err
		}
	}
}

// maxMisfits is after how many rows whose links do not fit, though the log confirms them, the links tell nothing any more.
const maxMisfits = 3

// row takes a row that fits, or leaves it to explain.
func (p *partition) row(ctx context.Context, row *store.Row) error {
	id := ledger.EntryID{Partition: p.number, Position: row.Position, Index: row.Index}
	for p.isDue(row.Position, row.Index) {
		if !p.meets() {
			p.odd = oddity{checkpoint: true}
			return errOdd
		}
		if err := p.met(ctx); err != nil {
			return err
		}
	}
	next := p.at
	fits := row.Malformed == ""
	if fits {
		next.extend(&p.hasher, &row.Record)
		next.heal(row)
		fits = row.Linked && next.head.Link() == row.Link || !row.Linked && !p.linked
	}
	p.linked = p.linked || row.Linked
	if !fits {
		p.odd = oddity{id: id, linked: row.Linked, link: row.Link}
		return errOdd
	}
	if !row.Linked {
		p.unlinked++
	}
	p.Counts.Entries.Add(1)
	p.at, p.last, p.misfits = next, id, 0
	return nil
}

// explain looks into what interrupted the walk.
func (p *partition) explain(ctx context.Context) error {
	if p.odd.checkpoint {
		return p.unmet(ctx)
	}
	// The links before this one may have been changed together with their rows, so all is compared that nothing vouches for.
	from, to := p.sure.head.Last(), p.odd.id
	p.at = p.sure
	differences, err := p.compare(ctx, from, to, func(r *chain.Record) error { return p.logged(ctx, r) })
	if err != nil {
		return err
	}
	p.Counts.Entries.Add(1)
	p.sure, p.last = p.at, to
	if differences > 0 {
		p.misfits = 0
		return nil
	}
	p.misfits++
	link := p.at.head.Link()
	switch {
	case p.misfits > maxMisfits: // the rest is compared with the log
		p.note("partition %d: no link fits any more from entry %s on", p.number, to)
		p.last = ledger.EntryID{Partition: p.number, Position: p.next - 1, Index: math.MaxInt16}
		_, err = p.compare(ctx, to, p.last, func(r *chain.Record) error {
			p.Counts.Entries.Add(1)
			return p.logged(ctx, r)
		})
	case !p.odd.linked:
		p.problem("link", p.subject(to), "it has no link, although entries before it have one; the chain gives %016x", uint64(link))
	default:
		p.problem("link", p.subject(to), "its link is %016x, the chain gives %016x: the link was changed, or an entry up to here and the log, too",
			uint64(p.odd.link), uint64(link))
	}
	return err
}

// logged goes on with an entry of the log, which stands for the row that is changed or missing.
func (p *partition) logged(ctx context.Context, r *chain.Record) error {
	for p.isDue(r.Position, r.Index) {
		if !p.meets() {
			p.contradicts("")
			p.fork()
		}
		if err := p.met(ctx); err != nil {
			return err
		}
	}
	p.at.extend(&p.hasher, r)
	return nil
}

// tail looks for entries that the log has after the last row.
func (p *partition) tail(ctx context.Context) error {
	to := ledger.EntryID{Partition: p.number, Position: p.next - 1, Index: math.MaxInt16}
	_, err := p.compare(ctx, p.last, to, func(r *chain.Record) error { return p.logged(ctx, r) })
	return err
}

// end compares what the walk came to with the stored head, and with the checkpoints that are left.
func (p *partition) end(ctx context.Context) error {
	head := &p.at.head
	if p.unlinked > 0 {
		p.note("partition %d: the first %d entries are older than the links of the chain: they are part of it, and the first link after them vouches for all of them",
			p.number, p.unlinked)
	}
	switch {
	case p.stored != nil && !p.linked:
		p.problem("link", p.subject(p.stored.Last()), "ledger_chain ends with it, but no entry has a link")
	case p.stored == nil && p.linked:
		p.problem("head", "ledger_chain", "it has no row, though entries have links; the chain has %s", headText(head))
	case p.stored != nil && *p.stored != *head:
		p.problem("head", "ledger_chain", "it says %s, the entries give %s", headText(p.stored), headText(head))
	}
	return p.rest(ctx)
}

func headText(h *chain.Head) string {
	return fmt.Sprintf("%d entries up to %s with hash %x", h.Entries, h.Last(), h.Hash[:8])
}
