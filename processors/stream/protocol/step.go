package protocol

import "fmt"

// Step is one thing that happens, and the world after it.
type Step struct {
	Name  string
	World World
}

// stepper enumerates what can happen next. Oversize marks the one record whose output the broker refuses.
type stepper struct {
	rules    Rule
	oversize int8 // position, -1 for none
	steps    []Step
}

func (s *stepper) on(r Rule) bool { return s.rules&r != 0 }

func (s *stepper) add(name string, w World) {
	w.check()
	s.steps = append(s.steps, Step{name, w})
}

// Next lists every step from w. A step that uses up a fault is left out when none is left.
func (s *stepper) Next(w World) []Step {
	s.steps = s.steps[:0]
	for i := range w.owners {
		switch w.owners[i].phase {
		case idle:
			s.open(w, i)
		case opening:
			s.read(w, i)
			s.crash(w, i)
		case running:
			s.produce(w, i)
			s.end(w, i)
			s.writePosition(w, i)
			s.apply(w, i)
			s.crash(w, i)
		}
		s.land(w, i)
	}
	s.environment(w)
	return s.steps
}

func (w *World) reopen(i int) { w.owners[i] = owner{unwritten: -1} }

func (s *stepper) open(w World, i int) {
	if w.starts == 0 {
		return
	}
	w.starts--
	if s.on(FenceFirst) {
		w.epoch++
		w.txn, w.txnNext = outputs{}, -1
	}
	w.owners[i] = owner{phase: opening, epoch: w.epoch, unwritten: -1}
	s.add(fmt.Sprintf("owner %d: InitProducerId", i), w)
}

// read does the next of the three reads of O1.
func (s *stepper) read(w World, i int) {
	order := "NMS"
	if !s.on(PublishedBeforeApplied) {
		order = "MNS"
	}
	if !s.on(StateAfterApplied) {
		order = "SNM"
	}
	o := &w.owners[i]
	what := order[o.reads]
	switch what {
	case 'N':
		o.n = w.published
	case 'M':
		o.m = w.applied
	case 'S':
		o.state = w.applied
	}
	o.reads++
	if int(o.reads) == len(order) {
		s.opened(&w, i)
	}
	s.add(fmt.Sprintf("owner %d: reads %c", i, what), w)
}

func (s *stepper) opened(w *World, i int) {
	o := &w.owners[i]
	if o.n > o.m {
		o.phase = stopped
		w.breakInvariant("P7: stopped with N > M although nothing was restored")
		return
	}
	if w.recreated && o.m > 0 && s.on(SameInbox) {
		o.phase = stopped
		return
	}
	o.phase, o.next = running, o.n
	for p := o.n; p < o.m; p++ {
		o.decided[p] = w.log[p]
		if !s.on(LogIsPublished) {
			o.decided[p] = content{int8(i) + 1, p}
		}
	}
}

func (s *stepper) crash(w World, i int) {
	if w.faults == 0 {
		return
	}
	w.faults--
	w.reopen(i)
	s.add(fmt.Sprintf("owner %d: crashes", i), w)
}

// produce sends the next output into the open transaction. Readers of uncommitted records see it at once.
func (s *stepper) produce(w World, i int) {
	o := &w.owners[i]
	to := o.m
	if !s.on(DatabaseFirst) && to < records {
		to++ // also what is only decided
		if o.decided[o.m] == (content{}) {
			o.decided[o.m] = content{int8(i) + 1, o.state}
		}
	}
	if o.next >= to {
		return
	}
	if o.epoch != w.epoch {
		w.reopen(i)
		s.add(fmt.Sprintf("owner %d: produce is fenced", i), w)
		return
	}
	refused := o.next == s.oversize && !s.on(EncodeFirst)
	if w.faults > 0 || refused {
		failed := w
		if !refused {
			failed.faults--
		}
		if s.on(ProduceFailureReopens) {
			failed.reopen(i)
		} else {
			f := &failed.owners[i]
			f.next++
			failed.txnNext = f.next
		}
		s.add(fmt.Sprintf("owner %d: produce of %d fails", i, o.next), failed)
	}
	if refused {
		return
	}
	p, c := o.next, o.decided[o.next]
	w.txn.add(p, c)
	o.next++
	w.txnNext = o.next
	w.see(p, c, s.on(HighWaterMark))
	s.add(fmt.Sprintf("owner %d: produces %d", i, p), w)
}

// see is the reader of uncommitted records.
func (w *World) see(p int8, c content, marked bool) {
	if c != w.log[p] || p >= w.applied {
		w.breakInvariant("P2: a reader sees what the database does not hold")
	}
	if marked && p < w.mark {
		return
	}
	if marked && p > w.mark {
		w.breakInvariant("P1: a reader of uncommitted records misses a position")
	}
	w.mark = p + 1
	w.acted[p]++
	if w.acted[p] > 1 {
		w.breakInvariant("P6: a reader acted twice on one position")
	}
}

// end commits the open transaction; the answer may be lost, before or after the broker did it.
func (s *stepper) end(w World, i int) {
	o := w.owners[i]
	if w.txnNext < 0 || o.n == o.next {
		return
	}
	if o.epoch != w.epoch {
		w.reopen(i)
		s.add(fmt.Sprintf("owner %d: EndTxn is fenced", i), w)
		return
	}
	done := w
	for k := range done.txn.len {
		done.committed.add(done.txn.list[k].position, done.txn.list[k].content)
	}
	if s.on(PositionInside) {
		done.published = done.txnNext
	} else {
		done.owners[i].unwritten = done.txnNext
	}
	done.txn, done.txnNext = outputs{}, -1

	answered := done
	answered.owners[i].n = o.next
	s.add(fmt.Sprintf("owner %d: EndTxn commits", i), answered)
	if w.faults == 0 {
		return
	}
	for _, lost := range []struct {
		name  string
		world World
	}{{"commits, the answer is lost", done}, {"is lost", w}} {
		lw := lost.world
		lw.faults--
		if s.on(CommitErrorReopens) {
			lw.reopen(i)
		} else {
			lw.owners[i].next = o.n // publish again what is not known to be published
		}
		s.add(fmt.Sprintf("owner %d: EndTxn %s", i, lost.name), lw)
	}
}

func (s *stepper) writePosition(w World, i int) {
	o := &w.owners[i]
	if o.unwritten < 0 || o.epoch != w.epoch {
		return
	}
	w.published, o.unwritten = o.unwritten, -1
	s.add(fmt.Sprintf("owner %d: writes its position", i), w)
}

// apply decides the next record and commits it to the database.
func (s *stepper) apply(w World, i int) {
	o := &w.owners[i]
	if o.m >= records {
		return
	}
	at := o.m
	if w.recreated && at > 0 {
		w.breakInvariant("P5: the first records of the recreated inbox are skipped")
	}
	if w.truncated && at == w.applied {
		if s.on(DenseInbox) {
			o.phase = stopped
			s.add(fmt.Sprintf("owner %d: stops, record %d is gone", i, at), w)
			return
		}
		w.breakInvariant("P5: a truncated record is skipped")
	}
	c := content{int8(i) + 1, o.state}

	failed := w
	if s.on(FailureForgets) {
		failed.reopen(i)
	} else {
		failed.owners[i].m = w.applied
		for p := at; p < w.applied; p++ {
			failed.owners[i].decided[p] = w.log[p]
		}
	}
	if w.faults > 0 {
		unknown := w
		unknown.faults--
		unknown.late[i] = pendingCommit{true, at, c}
		if s.on(UnknownReopens) {
			unknown.reopen(i)
		} else {
			unknown.owners[i].advance(c)
		}
		s.add(fmt.Sprintf("owner %d: commit of %d is not answered", i, at), unknown)
	}
	if !w.commit(at, c, s.on(DatabaseFence)) {
		s.add(fmt.Sprintf("owner %d: commit of %d fails at the fence", i, at), failed)
		return
	}
	w.owners[i].advance(c)
	s.add(fmt.Sprintf("owner %d: commit of %d", i, at), w)
}

func (o *owner) advance(c content) {
	o.decided[o.m] = c
	o.m++
	o.state++
}

// commit is the database's side of O3.
func (w *World) commit(at int8, c content, fenced bool) bool {
	if fenced && w.applied != at {
		return false
	}
	if w.log[at] != (content{}) {
		w.breakInvariant("P1: a record is applied twice")
	}
	w.log[at], w.applied = c, at+1
	return true
}

// land decides a commit that was not answered: it happens now or never.
func (s *stepper) land(w World, i int) {
	p := w.late[i]
	if !p.sent {
		return
	}
	w.late[i] = pendingCommit{}
	s.add(fmt.Sprintf("owner %d: unanswered commit of %d never happened", i, p.at), w)
	if w.commit(p.at, p.content, s.on(DatabaseFence)) {
		s.add(fmt.Sprintf("owner %d: unanswered commit of %d lands", i, p.at), w)
	}
}

// environment is what happens without an owner: the broker gives a transaction up, the inbox is damaged.
func (s *stepper) environment(w World) {
	if w.faults == 0 {
		return
	}
	w.faults--
	if w.txnNext >= 0 {
		t := w
		t.txn, t.txnNext = outputs{}, -1
		t.epoch++
		s.add("broker: the transaction times out", t)
	}
	if !w.recreated && !w.truncated && w.applied > 0 && w.idle() {
		r := w
		r.recreated = true
		s.add("inbox: deleted and created again", r)
	}
	if !w.truncated && !w.recreated && w.applied < records {
		t := w
		t.truncated = true
		s.add("inbox: the next record is deleted", t)
	}
}

func (w *World) idle() bool {
	for i := range w.owners {
		if w.owners[i].phase != idle {
			return false
		}
	}
	return true
}
