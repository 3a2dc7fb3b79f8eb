package velocity

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"
)

// Cases are the attempts of one partition whose outcomes may still come: a fold of risk.outcomes.v1, which turns each
// outcome into signals once. It is not safe for concurrent use.
type Cases struct {
	keep  int64 // milliseconds
	held  map[[16]byte]held
	queue []queued // in the order of their times: who goes next
	clock clock
	// The watermark: the place of the last outcome, as the position after its record's, and its index.
	next  int64
	index int16

	changed map[[16]byte]bool // since the last changelog
}

// held is a case as its frame, and the record time at which it came.
type held struct {
	at    int64
	frame []byte
}

type queued struct {
	at int64
	id [16]byte
}

// NewCases returns the cases of a partition of which nothing is known. Each is kept for so long after its attempt; outcomes
// that come later count nowhere.
func NewCases(keep time.Duration) *Cases {
	return &Cases{keep: keep.Milliseconds(), held: map[[16]byte]held{}, changed: map[[16]byte]bool{}}
}

// Apply folds the next record of the partition. offset is its own: the signals' origin. The error is a *FrameError, or wraps
// ErrFutureFormat.
func (c *Cases) Apply(recordTime int64, partition int32, offset int64, frame []byte) ([]Target, error) {
	now := c.clock.tick(recordTime)
	c.expire()
	if len(frame) > 1 && frame[1] == frameCase {
		var made Case
		if err := made.Decode(frame); err != nil {
			return nil, err
		}
		c.open(made.ID, held{now, slices.Clone(frame)}) // a fetched record keeps all that came with it
		return nil, nil
	}
	if len(frame) > 1 && frame[1] == frameCaseEvent {
		return c.event(now, Origin{Role: RoleCases, Partition: partition, Offset: offset}, frame)
	}
	var o Outcome
	if err := o.Decode(frame); err != nil {
		return nil, err
	}
	if o.Position+1 < c.next || o.Position+1 == c.next && o.Index <= c.index {
		return nil, nil // a repeat
	}
	c.next, c.index = o.Position+1, o.Index
	made, err := c.find(now, o.ID)
	if err != nil || made == nil {
		return nil, err
	}
	return made.Signals(&o, Origin{Role: RoleOutcomes, Partition: partition, Offset: offset}), nil
}

// event counts a customer event for the payment that it names. A repeat has the same command, by which State knows it.
func (c *Cases) event(now int64, origin Origin, frame []byte) ([]Target, error) {
	var e CaseEvent
	if err := e.Decode(frame); err != nil {
		return nil, err
	}
	made, err := c.find(now, e.Payment)
	if err != nil || made == nil {
		return nil, err
	}
	return made.SignalsOf(&e, origin), nil
}

// find is the case of a payment; nil where it is older than what is kept, or no definition counted what becomes of it.
func (c *Cases) find(now int64, payment [16]byte) (*Case, error) {
	found, ok := c.held[payment]
	if !ok || found.at < now-c.keep {
		return nil, nil
	}
	var made Case
	if err := made.Decode(found.frame); err != nil {
		return nil, fmt.Errorf("case %x: %w", payment, err)
	}
	return &made, nil
}

// open keeps a case. One that comes again, from another owner of the commands, is the same.
func (c *Cases) open(id [16]byte, h held) {
	if known, ok := c.held[id]; ok && known.at >= h.at-c.keep {
		return
	}
	c.held[id], c.changed[id] = h, true
	at, _ := slices.BinarySearchFunc(c.queue, h.at+1, func(q queued, at int64) int { return cmp.Compare(q.at, at) })
	c.queue = slices.Insert(c.queue, at, queued{h.at, id}) // at the end, but where times are out of order
}

func (c *Cases) expire() {
	for len(c.queue) > 0 && c.queue[0].at < c.clock.now-c.keep {
		if first := c.queue[0]; c.held[first.id].at == first.at { // it was not opened again
			delete(c.held, first.id)
			c.changed[first.id] = true
		}
		c.queue = c.queue[1:]
	}
}

// Changelog keys begin with what the record is.
const (
	changeCase = 'c' // and the id: time, frame
	changeLast = 'w' // clock, watermark
)

// Changes tells what changed since the last call, as State.Changes does.
func (c *Cases) Changes(change func(key, value []byte)) {
	for id := range c.changed {
		var value []byte
		if h, ok := c.held[id]; ok {
			value = append(binary.AppendUvarint([]byte{format}, uint64(h.at)), h.frame...)
		}
		change(append([]byte{changeCase}, id[:]...), value)
	}
	clear(c.changed)
	value := binary.AppendUvarint(c.clock.append([]byte{format}), uint64(c.next))
	change([]byte{changeLast}, binary.AppendUvarint(value, uint64(c.index)))
}

// Restore takes one record of the changelog, as State.Restore does.
func (c *Cases) Restore(key, value []byte) error {
	last, aCase := len(key) == 1 && key[0] == changeLast, len(key) == 1+16 && key[0] == changeCase
	switch {
	case !last && !aCase:
		return fmt.Errorf("changelog key %x: %w", key, ErrFutureFormat)
	case value == nil && aCase:
		delete(c.held, [16]byte(key[1:]))
		return nil
	}
	r := reader{frame: value}
	if err := r.openChange(); err != nil {
		return fmt.Errorf("changelog record %x: %w", key, err)
	}
	if last {
		c.clock.read(&r)
		c.next, c.index = r.natural("position", math.MaxInt64), int16(r.natural("index", math.MaxInt16))
	} else if at := r.natural("time", math.MaxInt64); r.err == nil {
		c.held[[16]byte(key[1:])] = held{at, slices.Clone(value[r.at:])}
		r.at = len(value)
	}
	if err := r.close(); err != nil {
		return fmt.Errorf("changelog record %x: %w", key, err)
	}
	return nil
}

// Restored ends the restoring.
func (c *Cases) Restored() error {
	for id, h := range c.held {
		c.queue = append(c.queue, queued{h.at, id})
	}
	slices.SortFunc(c.queue, func(a, b queued) int { return cmp.Or(cmp.Compare(a.at, b.at), slices.Compare(a.id[:], b.id[:])) })
	return nil
}
