package backtest

import (
	"fmt"

	"github.com/weirhq/weir/rules/velocity"
)

// maxOpen is how many attempts wait for outcomes on lines of their own; the oldest go first. They take some 300 MB.
const maxOpen = 1 << 20

// opened are attempts that came without an outcome, by the hash of tenant and command, as the frames of their cases.
type opened struct {
	cases     map[uint64][]byte
	queue     []uint64 // a ring, the oldest at next
	next      int
	unmatched int64
}

func newOpened() opened { return opened{cases: map[uint64][]byte{}} }

func (o *opened) put(command uint64, c velocity.Case) {
	if _, ok := o.cases[command]; ok {
		return // a command that was sent twice
	}
	if len(o.queue) < maxOpen {
		o.queue = append(o.queue, command)
	} else {
		delete(o.cases, o.queue[o.next])
		o.queue[o.next] = command
		o.next = (o.next + 1) % maxOpen
	}
	o.cases[command] = c.Append(nil)
}

// find is an attempt that has an outcome; nil where there is none.
func (o *opened) find(command uint64) (*velocity.Case, error) {
	frame, ok := o.cases[command]
	if !ok {
		o.unmatched++
		return nil, nil
	}
	var c velocity.Case
	if err := c.Decode(frame); err != nil {
		return nil, fmt.Errorf("what was kept of an attempt: %w", err)
	}
	return &c, nil
}
