package proof

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/chain"
	"github.com/weirhq/weir/topics"
)

// Source has checkpoints.
type Source interface {
	// Open returns those of one partition that there are now.
	Open(ctx context.Context, partition int32) (Reader, error)
}

// Reader reads the checkpoints of one partition.
type Reader interface {
	// Next is the next checkpoint whose signature holds, nil at the end. What is not one is a *BadCheckpoint, and Next may
	// be called again.
	Next(ctx context.Context) (*chain.Checkpoint, error)
	Close()
}

// BadCheckpoint is something in the place of a checkpoint.
type BadCheckpoint struct {
	Where string
	Err   error
}

func (e *BadCheckpoint) Error() string { return e.Where + ": " + e.Err.Error() }

// reordered is how many checkpoints are held to be put in order: two processes may sign the same partition for a while.
const reordered = 64

// ordered hands out checkpoints by their size.
type ordered struct {
	reader Reader
	held   []*chain.Checkpoint // the largest first
	ended  bool
	size   int64 // of the last one handed out
	late   int64 // how many came after larger ones that were handed out
}

// next is the checkpoint with the next size, nil at the end. bad is called with what is none.
func (o *ordered) next(ctx context.Context, bad func(*BadCheckpoint)) (*chain.Checkpoint, error) {
	for o.reader != nil && !o.ended && len(o.held) < reordered {
		c, err := o.reader.Next(ctx)
		var wrong *BadCheckpoint
		switch {
		case errors.As(err, &wrong):
			bad(wrong)
		case err != nil:
			return nil, err
		case c == nil:
			o.ended = true
		case c.Head.Entries < o.size:
			o.late++
		default:
			place, _ := slices.BinarySearchFunc(o.held, c, func(a, b *chain.Checkpoint) int {
				return cmp.Compare(b.Head.Entries, a.Head.Entries)
			})
			o.held = slices.Insert(o.held, place, c)
		}
	}
	if len(o.held) == 0 {
		return nil, nil
	}
	c := o.held[len(o.held)-1]
	o.held, o.size = o.held[:len(o.held)-1], c.Head.Entries
	return c, nil
}

// nextCheckpoint makes the next one due.
func (p *partition) nextCheckpoint(ctx context.Context) (err error) {
	p.due, err = p.checkpoints.next(ctx, func(bad *BadCheckpoint) {
		p.problem("checkpoint", bad.Where, "%v", bad.Err)
	})
	return err
}

// isDue tells whether the due checkpoint ends before an entry.
func (p *partition) isDue(position int64, index int16) bool {
	return p.due != nil && before(p.due.Head.Last(), position, index)
}

func before(id ledger.EntryID, position int64, index int16) bool {
	return id.Position < position || id.Position == position && id.Index < index
}

// meets tells whether the due checkpoint is what the walk came to, if need be by leaving the one that was not met aside.
func (p *partition) meets() bool {
	if p.at.forked && p.at.head == p.due.Head {
		p.at.forked = false
	}
	return *p.at.shown() == p.due.Head
}

// met goes on to the next checkpoint.
func (p *partition) met(ctx context.Context) error {
	p.Counts.Checkpoints.Add(1)
	p.sure, p.vouched = p.at, p.due.Head
	return p.nextCheckpoint(ctx)
}

// fork goes on from what was signed.
func (p *partition) fork() {
	p.at.forked, p.at.signed = true, p.due.Head
}

// contradicts tells that the due checkpoint is not what the walk came to.
func (p *partition) contradicts(verdict string) {
	c, head := p.due, p.at.shown()
	p.problem("checkpoint", fmt.Sprintf("signed at %s by %s", c.Signed.UTC().Format(time.RFC3339Nano), c.Signer),
		"%s, the table gives %s%s", headText(&c.Head), headText(head), verdict)
}

// unmet looks for what was changed since the last checkpoint that was met.
func (p *partition) unmet(ctx context.Context) error {
	logged := p.sure
	differences, err := p.compare(ctx, p.sure.head.Last(), p.due.Head.Last(), func(r *chain.Record) error {
		logged.extend(&p.hasher, r)
		return nil
	})
	if err != nil {
		return err
	}
	switch {
	case *logged.shown() == p.due.Head:
		p.contradicts("; the log agrees with what was signed")
	case p.due.Head.Entries == p.vouched.Entries:
		p.contradicts("; there is another one of as many entries: two histories were signed")
	case differences == 0:
		p.contradicts(fmt.Sprintf("; the log agrees with the table, so both were changed after entry %s, or this is another ledger: compare with copies of %s",
			p.vouched.Last(), topics.Entries))
	default:
		p.contradicts("; the log was changed, too")
	}
	p.fork()
	return p.met(ctx)
}

// rest compares the checkpoints that end at the last entry, or after it.
func (p *partition) rest(ctx context.Context) error {
	if p.checkpoints.late > 0 {
		p.note("partition %d: %d checkpoints came out of order and were not compared", p.number, p.checkpoints.late)
	}
	for beyond := 0; p.due != nil; {
		head := p.at.shown()
		switch {
		case !before(head.Last(), p.due.Head.Position, p.due.Head.Index):
			if !p.meets() {
				if err := p.unmet(ctx); err != nil {
					return err
				}
				continue
			}
		case beyond == 0:
			beyond++
			p.contradicts("; what comes after is neither in the table nor in the log")
		}
		if err := p.met(ctx); err != nil {
			return err
		}
	}
	return nil
}
