package velocity

// record adds the signal's event to a group's list, as far as it is recorded there, and settles its reservation. That
// is settled in a group that records nothing now, too: one that is used again must not take it for an open one.
func (s *State) record(d *dimension, g int, at int64, code uint8, signal *Signal, about *Dimension, key *Key, e *entry, number uint32) {
	event := d.groups[g].event(at, signal.Command, about, &s.keyed)
	adds := about.Record && code != 0 && d.records.has(code)
	reserves := about.Reserve && d.records.has(codeReserved)
	if e != nil && signal.Settles && s.settle(d, e, number, adds && code == codeApproved, event) {
		return
	}
	if !adds && !reserves || !d.groups[g].keeps(g) {
		return
	}
	if e == nil {
		e, number = s.table.add(key)
		e.dimension = d.number
	}
	if adds {
		event.setKind(code)
		s.append(d, e, number, event)
	}
	if reserves {
		event.setKind(codeReserved)
		s.append(d, e, number, event)
	}
}

// event is the signal's event as the group keeps it, without its kind.
func (g *group) event(at int64, command uint64, about *Dimension, keyed *keyed) record {
	r := record{command: command}
	flags := uint8(0)
	for i := range about.Amounts {
		if a := &about.Amounts[i]; g.currencies[0].recorded(string(a.Currency)) {
			r.amount = a.Minor
			flags = bit(a.Unknown, flagUnknown)
		}
	}
	for i := range about.Distinct {
		for j := range g.values {
			if g.values[j].recorded(about.Distinct[i].Field) {
				r.values[j] = keyed.of(&about.Distinct[i].Hash)
			}
		}
	}
	r.head = head(at, 0, flags)
	return r
}

// holds tells whether there is an event of the command, of which something may still be asked.
func holds(events []record, command uint64, horizon int64) bool {
	for i := range events {
		if events[i].command == command && events[i].time() >= horizon {
			return true
		}
	}
	return false
}

// dated keeps the latest time of an entry's events, and of all.
func (s *State) dated(e *entry, time int64) {
	e.newest = max(e.newest, seconds(time))
	s.latest = max(s.latest, e.newest)
}

// settle ends the reservation of a command: where it was approved, the approval takes its place. It tells whether it did.
func (s *State) settle(d *dimension, e *entry, number uint32, approved bool, event record) bool {
	events := s.lists.list(e.events, int(e.count))
	horizon := d.horizon(s.reach())
	for i := range events {
		r := &events[i]
		if r.command != event.command || r.kind() != codeReserved || r.time() < horizon {
			continue
		}
		s.changes.mark(e, number, entryChanged)
		if !approved {
			r.setKind(codeSettled)
			return false
		}
		*r = event
		r.setKind(codeApproved)
		s.dated(e, r.time())
		return true
	}
	return false
}

// append adds an event to a list and sums its older part up where it is too long.
func (s *State) append(d *dimension, e *entry, number uint32, event record) {
	n := int(e.count)
	e.events = s.lists.resize(e.events, n, n+1)
	list := s.lists.list(e.events, n+1)
	list[n] = event
	e.count++
	s.dated(e, event.time())
	s.changes.mark(e, number, entryChanged)
	if n+1 < maxEvents {
		return
	}
	if stay := s.summariser.evict(list); stay < n+1 {
		s.shorten(e, stay)
		s.summariser.merge(s.lists.list(e.summary, int(e.summed)), s.clock.now, d.horizon(s.reach()))
		s.setSummary(e, number)
	}
}

// shorten keeps the first events of a list.
func (s *State) shorten(e *entry, n int) {
	e.events = s.lists.resize(e.events, int(e.count), n)
	e.count = uint16(n)
}

// setSummary stores what the summariser has.
func (s *State) setSummary(e *entry, number uint32) {
	buckets, values := s.summariser.buckets, s.summariser.values
	n := len(buckets) + len(values)
	e.summary = s.lists.resize(e.summary, int(e.summed), n)
	e.summed = uint16(n)
	list := s.lists.list(e.summary, n)
	copy(list[copy(list, buckets):], values)
	s.changes.mark(e, number, entrySummaryDirty)
}

// prune drops what is older than the horizon as soon as the oldest event to arrive is.
func (s *State) prune(d *dimension, e *entry, number uint32) {
	horizon := d.horizon(s.reach())
	events := s.lists.list(e.events, int(e.count))
	if len(events) == 0 || events[0].time() >= horizon {
		return
	}
	kept := 0
	for i := range events {
		if events[i].time() >= horizon {
			events[kept] = events[i]
			kept++
		}
	}
	s.shorten(e, kept)
	s.changes.mark(e, number, entryChanged)
	if summary := s.lists.list(e.summary, int(e.summed)); len(summary) > 0 {
		s.summariser.reset()
		s.summariser.merge(summary, s.clock.now, horizon)
		s.setSummary(e, number)
	}
}

// sweepPerSignal is how many keys each signal looks at, to drop those of which nothing is asked for any more.
const sweepPerSignal = 4

// sweep drops keys that nobody comes back to. It changes no answer: an event comes upon a key that is gone as upon one
// with nothing within its windows.
func (s *State) sweep() {
	for range min(sweepPerSignal, s.table.next) {
		if s.cursor++; s.cursor >= s.table.next {
			s.cursor = 0
		}
		e := s.table.at(s.cursor)
		if e.state&entryUsed == 0 {
			continue
		}
		if int64(e.newest)*1000 < s.registry.dimensions[e.dimension].horizon(s.reach()) {
			s.drop(e, s.cursor)
		}
	}
}

// drop deletes a key.
func (s *State) drop(e *entry, number uint32) {
	s.changes.delete(e)
	s.lists.resize(e.events, int(e.count), 0)
	s.lists.resize(e.summary, int(e.summed), 0)
	s.table.remove(e, number)
}

func seconds(time int64) uint32 { return uint32(min((time+999)/1000, 1<<32-1)) }
