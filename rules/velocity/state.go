package velocity

import (
	"errors"
	"slices"
	"time"
)

// ErrFutureFormat says that a newer release wrote what was read: the partition must be given up, not folded.
var ErrFutureFormat = errors.New("written by a newer release")

// Limits are the bounds of a State. All partitions of a topic must use the same.
type Limits struct {
	// Skew is how far an event's time may lie before its record's; an earlier time is taken as record time − Skew.
	Skew time.Duration
	// ReplyBytes is how much the reply cache keeps, in encoded replies; the oldest go first.
	ReplyBytes int
	// Unlogged is for a caller that replays history: Changes tells nothing, and no memory is taken for what changed.
	Unlogged bool
}

// State is the velocity of one partition: a fold of risk.signals.v1. It is not safe for concurrent use.
type State struct {
	skew     int64
	clock    clock
	keyed    keyed
	registry registry
	table    table
	lists    slab
	replies  replies
	changes  changes
	cursor   uint32 // of the sweep
	latest   uint32 // time of the latest event that was kept, as entry.newest has it

	touched uint64 // keeps what fetch reads from being optimised away

	// Room that is used again.
	reader     reader
	signal     Signal
	answers    []Answer
	places     []located
	seen       valueSet
	summariser summariser
}

// Output is an encoded Reply.
type Output struct {
	Partition int32  // of risk.features.v1: that of the signal's origin
	Value     []byte // is never changed again: a producer may keep it
}

// NewState returns the state of a partition of which nothing was recorded.
func NewState(limits Limits) *State {
	s := &State{changes: changes{none: limits.Unlogged}, skew: limits.Skew.Milliseconds(), registry: newRegistry(), replies: newReplies(limits.ReplyBytes)}
	s.Seed([16]byte{})
	return s
}

// Seed gives a state that is new the secret by which it tells values apart, which its changelog keeps from then on. Where
// customers choose the values, it must be one that nobody can guess; where it is not given, it is zero.
func (s *State) Seed(secret [16]byte) { s.keyed.set(secret) }

// Apply folds the next record of the partition, in the order of offsets. recordTime is the record's timestamp in
// milliseconds since 1970. The reply is to be written to its partition of risk.features.v1; ok is false where the record
// asks nothing. A *FrameError says that the record is none of velocity and changed nothing: it belongs to the dead letters.
// An error that wraps ErrFutureFormat gives the partition up.
func (s *State) Apply(recordTime int64, frame []byte) (reply Output, ok bool, err error) {
	if len(frame) > 1 && frame[0] == format && frame[1] == frameRetain {
		var plan Retain
		if err := plan.Decode(frame); err != nil {
			return Output{}, false, err
		}
		s.Retain(recordTime, &plan)
		return Output{}, false, nil
	}
	s.reader = reader{frame: frame, names: s.reader.names}
	s.signal.read(&s.reader)
	if err := s.reader.close(); err != nil {
		return Output{}, false, err
	}
	reply, ok = s.applyOnce(recordTime, &s.signal)
	return reply, ok, nil
}

// applyOnce folds a signal unless it is a repeat, which gets the answer that it got before.
func (s *State) applyOnce(recordTime int64, signal *Signal) (Output, bool) {
	asks := false
	for i := range signal.Dimensions {
		asks = asks || len(signal.Dimensions[i].Queries) > 0
	}
	s.changes.any = true
	from := s.replies.source(signal.Origin)
	if signal.Origin.Offset <= from.high {
		return s.repeat(signal, from, asks)
	}
	from.high = signal.Origin.Offset
	answers := s.Fold(recordTime, signal)
	if !asks {
		return Output{}, false
	}
	reply := Reply{Origin: signal.Origin, Command: signal.Command, Answers: answers}
	return Output{signal.Origin.Partition, s.replies.add(from, &reply)}, true
}

func (s *State) repeat(signal *Signal, from *answered, asks bool) (Output, bool) {
	if !asks {
		return Output{}, false
	}
	value := s.replies.find(from, signal.Origin.Offset)
	if value == nil {
		lost := Reply{Origin: signal.Origin, Command: signal.Command, Lost: true}
		value = lost.Append(nil)
	}
	return Output{signal.Origin.Partition, value}, true
}

// Retain puts a plan into force, as a record of it does.
func (s *State) Retain(recordTime int64, plan *Retain) {
	at := s.clock.tick(recordTime)
	s.changes.any = true
	// A record whose time lay ahead has events that are later than now.
	s.registry.retain(plan, at, max(at, int64(s.latest)*1000), s.reach())
}

// reach is how far back the times of events may lie that are still to come.
func (s *State) reach() int64 { return s.clock.now - s.skew }

// Fold answers a signal and records it, without a look at repeats. It is what Apply does with a signal that is new, for a
// caller that replays history in one process. The answers, in the order of the dimensions and their queries, are valid
// until the next call.
func (s *State) Fold(recordTime int64, signal *Signal) []Answer {
	now := s.clock.tick(recordTime)
	at := min(max(signal.Time, now-s.skew), now)
	s.answers = s.answers[:0]
	code := s.registry.codeOf(signal.Kind)
	s.locate(signal)
	for i := range signal.Dimensions {
		s.dimension(at, code, signal, i)
	}
	s.sweep()
	return s.answers
}

// located is where the entry of a dimension's key probably is.
type located struct {
	slot   uint64 // as shard has it, 0 where the key has none
	events uint32
	count  uint16
}

// locate finds where the signal's keys probably are.
func (s *State) locate(signal *Signal) {
	s.places = resized(s.places, len(signal.Dimensions))
	for i := range s.places {
		s.places[i] = located{slot: s.table.slot(&signal.Dimensions[i].Key)}
	}
	if s.table.next > 0 {
		s.touched += uint64(s.table.at(min(s.cursor+1, s.table.next-1)).newest) // of the sweep
		s.touched += uint64(s.table.at(min(s.cursor+sweepPerSignal, s.table.next-1)).newest)
	}
	s.fetch()
}

// Fetch reads where keys probably are, and changes nothing: a caller that knows keys beforehand waits for memory once for
// all of them.
func (s *State) Fetch(keys []Key) {
	s.places = resized(s.places, len(keys))
	for i := range s.places {
		s.places[i] = located{slot: s.table.slot(&keys[i])}
	}
	s.fetch()
}

// fetch reads what lies at the places, step by step for all of them, so that the processor fetches it from memory side by
// side and not one after the other: most of the time of a signal is waiting for it.
func (s *State) fetch() {
	for i := range s.places {
		if place := &s.places[i]; place.slot != 0 {
			e := s.table.at(uint32(place.slot) - 1)
			place.events, place.count = e.events, e.count
		}
	}
	for i := range s.places {
		if place := &s.places[i]; place.count > 0 {
			events := s.lists.list(place.events, int(place.count))
			s.touched += events[0].head + events[len(events)-1].head
		}
	}
}

// find is the entry of a dimension's key.
func (s *State) find(key *Key, place int) (*entry, uint32) {
	if slot := s.places[place].slot; slot != 0 {
		number := uint32(slot) - 1
		if e := s.table.at(number); e.key == *key {
			return e, number
		}
	}
	return s.table.find(key)
}

// dimension answers and records one dimension of a signal.
func (s *State) dimension(at int64, code uint8, signal *Signal, place int) {
	about := &signal.Dimensions[place]
	first := len(s.answers)
	s.answers = slices.Grow(s.answers, len(about.Queries))[:first+len(about.Queries)]
	d := s.registry.find(signal.Tenant, about.Field)
	if d == nil || !d.active {
		for i := range about.Queries {
			s.answers[first+i] = Answer{ID: about.Queries[i].ID, Unknown: true}
		}
		return
	}
	repeated := false
	for g := range d.groups {
		if !d.groups[g].keeps(g) && !signal.Settles {
			continue
		}
		key := about.Key.inGroup(g)
		e, number := s.find(&key, place)
		if e != nil {
			s.prune(d, e, number)
		}
		s.answer(d, g, at, signal.Command, about.Queries, s.answers[first:], e)
		if g == 0 && e != nil && signal.Origin.Role != RoleOutcomes && (about.Record || about.Reserve) {
			// A producer may send a command twice. The first group has every event.
			repeated = holds(s.lists.list(e.events, int(e.count)), signal.Command, d.horizon(s.reach()))
		}
		if !repeated {
			s.record(d, g, at, code, signal, about, &key, e, number)
		}
	}
}

// answer answers the queries of one group.
func (s *State) answer(d *dimension, g int, at int64, command uint64, queries []Query, answers []Answer, e *entry) {
	var events, summary []record
	if e != nil {
		events = s.lists.list(e.events, int(e.count))
		summary = s.lists.list(e.summary, int(e.summed))
	}
	horizon := d.horizon(s.reach())
	for i := range queries {
		q := s.registry.questionAt(d, i, &queries[i])
		if q.group == g {
			answers[i] = q.answer(at, horizon, command, events, summary, &s.seen)
			answers[i].ID = queries[i].ID
		}
	}
}
