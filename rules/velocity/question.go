package velocity

// question is a Query as a dimension can answer it.
type question struct {
	group     int
	slot      int
	kinds     kindSet
	aggregate Aggregate
	window    int64
	since     int64 // from when on everything that it counts is held
}

// maxQuestions bounds what a dimension remembers; a rule set asks far fewer.
const maxQuestions = 1024

// asked is a question and the id of its query.
type asked struct {
	id       uint64
	question *question
}

// questionAt resolves the query at a place of a signal: signals of one rule set ask the same in the same order.
func (r *registry) questionAt(d *dimension, place int, query *Query) *question {
	if place < len(d.lately) && d.lately[place].id == query.ID {
		return d.lately[place].question
	}
	q := r.question(d, query)
	for len(d.lately) <= place {
		d.lately = append(d.lately, asked{})
	}
	d.lately[place] = asked{query.ID, q}
	return q
}

// question resolves a Query, once until the registry changes.
func (r *registry) question(d *dimension, asked *Query) *question {
	if q := d.questions[asked.ID]; q != nil {
		return q
	}
	q := &question{aggregate: asked.Aggregate, window: asked.Window, since: d.since}
	for _, name := range asked.Kinds {
		code := r.codes[name]
		if code == 0 {
			q.since = never
			continue
		}
		for _, counted := range r.counted(code) {
			q.kinds.add(counted)
		}
		q.since = max(q.since, d.startOf(code))
	}
	if asked.Reserve {
		q.kinds.add(codeReserved)
		q.since = max(q.since, d.startOf(codeReserved))
	}
	switch asked.Aggregate {
	case Distinct:
		q.begin(d, values, asked.Of)
	case Sum, Max:
		q.begin(d, currencies, string(asked.Currency))
	}
	if asked.Window > d.window {
		q.since = never
	}
	if len(d.questions) >= maxQuestions {
		clear(d.questions)
	}
	if d.questions == nil {
		d.questions = map[uint64]*question{}
	}
	d.questions[asked.ID] = q
	return q
}

// begin finds what is aggregated; nothing is where it is not recorded.
func (q *question) begin(d *dimension, of slots, name string) {
	g, slot, ok := d.find(of, name)
	if !ok {
		q.since, q.kinds = never, kindSet{}
		return
	}
	q.group, q.slot = g, slot
	q.since = max(q.since, of(&d.groups[g])[slot].since)
}

// startOf is since when the dimension records a kind.
func (d *dimension) startOf(kind uint8) int64 {
	for _, s := range d.kinds {
		if s.kind == kind {
			return s.since
		}
	}
	return never
}

// warming is until when the answer at a time is incomplete; 0 where it is complete.
func (q *question) warming(at int64) int64 {
	if at-q.window >= q.since {
		return 0
	}
	return q.since + q.window
}

// none is the value of an aggregate over no events: for SinceLast the whole window, as the last event is longer ago.
func (q *question) none() int64 {
	if q.aggregate == SinceLast {
		return q.window / 1000
	}
	return 0
}

// answer computes a question over what a key holds: everything in it arrived before. Events of the command itself and
// from before the horizon are left out.
func (q *question) answer(at, horizon int64, command uint64, events, summary []record, seen *valueSet) Answer {
	if q.since == never { // not recorded: what happens to be held would pass for an answer
		return Answer{Unknown: true}
	}
	a := Answer{WarmingUntil: q.warming(at)}
	low := max(at-q.window, horizon, 0)
	bound := head(low, 0, 0)
	switch q.aggregate {
	case Count:
		a.Value = q.count(bound, command, events)
	case Sum, Max:
		q.amounts(&a, bound, command, events)
	case Distinct:
		seen.reset()
		q.distinct(bound, command, events, seen)
	case SinceFirst, SinceLast:
		a.Value = q.extreme(bound, command, events)
	}
	if len(summary) > 0 {
		q.addSummary(&a, low, summary, seen)
	}
	switch q.aggregate {
	case Sum, Max:
		if a.Unknown {
			a.Value = 0
		}
	case Distinct:
		a.Value += int64(seen.size)
	case SinceFirst, SinceLast:
		if a.Value == noTime {
			a.Value = q.none()
		} else {
			a.Value = max(at-a.Value, 0) / 1000
		}
	}
	return a
}

func (q *question) count(bound, command uint64, events []record) (n int64) {
	kinds := q.kinds
	for i := range events {
		if r := &events[i]; r.head >= bound && r.command != command && kinds.has(r.kind()) {
			n++
		}
	}
	return n
}

func (q *question) amounts(a *Answer, bound, command uint64, events []record) {
	for i := range events {
		r := &events[i]
		if r.head < bound || r.command == command || !q.kinds.has(r.kind()) {
			continue
		}
		a.Unknown = a.Unknown || r.flags()&flagUnknown != 0
		if q.aggregate == Max {
			a.Value = max(a.Value, r.amount)
		} else {
			a.Value = addSaturated(a.Value, r.amount)
		}
	}
}

func (q *question) distinct(bound, command uint64, events []record, seen *valueSet) {
	for i := range events {
		r := &events[i]
		if r.head >= bound && r.command != command && q.kinds.has(r.kind()) && r.values[q.slot] != 0 {
			seen.add(r.values[q.slot])
		}
	}
}

// noTime stands for no event.
const noTime = -1

// extreme is the time of the first or of the last event, noTime where there is none.
func (q *question) extreme(bound, command uint64, events []record) int64 {
	found := int64(noTime)
	for i := range events {
		r := &events[i]
		if r.head < bound || r.command == command || !q.kinds.has(r.kind()) {
			continue
		}
		found = q.further(found, r.time())
	}
	return found
}

func (q *question) further(found, time int64) int64 {
	switch {
	case found == noTime:
		return time
	case q.aggregate == SinceFirst:
		return min(found, time)
	}
	return max(found, time)
}

// addSummary adds what is kept of evicted events. Buckets and values are each in the order of their newest time, so it
// goes from the end until one lies before the window.
func (q *question) addSummary(a *Answer, low int64, summary []record, seen *valueSet) {
	buckets := bucketsOf(summary)
	part := summary[:buckets]
	if q.aggregate == Distinct {
		part = summary[buckets:]
	}
	for i := len(part) - 1; i >= 0; i-- {
		r := &part[i]
		if r.time() < low {
			return
		}
		if !q.kinds.has(r.kind()) {
			continue
		}
		q.addRecord(a, low, r, seen)
	}
}

func (q *question) addRecord(a *Answer, low int64, r *record, seen *valueSet) {
	partly := r.start() < low
	switch q.aggregate {
	case Count:
		a.Value, a.Approximate = a.Value+int64(r.values[0]), a.Approximate || partly
	case Sum:
		a.Unknown = a.Unknown || r.flags()&flagUnknown != 0
		a.Value, a.Approximate = addSaturated(a.Value, r.amount), a.Approximate || partly
	case Max:
		a.Unknown = a.Unknown || r.flags()&flagUnknown != 0
		a.Value, a.Approximate = max(a.Value, int64(r.command)), a.Approximate || partly
	case SinceFirst:
		a.Value, a.Approximate = q.further(a.Value, max(r.start(), low)), a.Approximate || r.values[0] > 1
	case SinceLast:
		a.Value = q.further(a.Value, r.time())
	case Distinct:
		switch r.form() {
		case formOverflow:
			if int(r.values[1]) == q.slot {
				a.Value, a.Approximate = a.Value+int64(r.values[0]), true
			}
		case formValue0:
			if q.slot == 0 {
				seen.add(r.values[0])
			}
		case formValue1:
			if q.slot == 1 {
				seen.add(r.values[0])
			}
		}
	}
}
