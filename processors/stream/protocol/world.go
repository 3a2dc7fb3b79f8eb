package protocol

const (
	records     = 2 // in the inbox
	owners      = 2
	outputsMost = 2*records + 2 // committed outputs that are kept; more is a violation long before
)

// content is what one owner decided on one record: who decided, and how many records its state held. The zero content
// is "nothing". Two owners decide differently, as they would with other rules or another build.
type content struct {
	by   int8 // 1 + owner
	seen int8
}

type output struct {
	position int8
	content  content
}

// outputs is a short list that can be compared.
type outputs struct {
	list [outputsMost]output
	len  int8
}

func (o *outputs) add(position int8, c content) {
	if int(o.len) < len(o.list) {
		o.list[o.len] = output{position, c}
		o.len++
	}
}

// phase is where an owner stands. The three reads of O1 happen one by one, in the order that the rules give.
type phase int8

const (
	idle    phase = iota // not started, crashed, or sent back to O1
	opening              // fenced; reads are under way
	running
	stopped // waits for an operator
)

type owner struct {
	phase phase
	epoch int8
	reads int8 // of O1, done so far
	n, m  int8 // as read, then as advanced by itself
	state int8 // how many records its memory holds
	next  int8 // next position to produce
	// decided is what it would publish for each position: read from the log or acknowledged by the database.
	decided [records]content
	// unwritten is the position it still has to write (PositionInside off), -1 for none.
	unwritten int8
}

// pendingCommit is a database commit without an answer: it lands later or never.
type pendingCommit struct {
	sent    bool
	at      int8
	content content
}

// World is one state of everything: the database, the broker, a reader and two owners.
type World struct {
	applied int8 // M
	log     [records]content
	late    [owners]pendingCommit

	epoch     int8 // the newest producer epoch; older ones are refused
	txn       outputs
	txnNext   int8 // the position record inside the open transaction, -1 for none
	committed outputs
	published int8 // N as the newest committed position record says

	recreated bool // the inbox topic was deleted and created again
	truncated bool // the inbox lost the record at M

	mark  int8 // high-water mark of a reader of uncommitted records: the next position it takes
	acted [records]int8

	owners [owners]owner
	faults int8 // left
	starts int8 // sessions left to start
	broken string
}

// Start is the world before anything happened.
func Start(faults, starts int8) World {
	w := World{txnNext: -1, faults: faults, starts: starts}
	for i := range w.owners {
		w.owners[i].unwritten = -1
	}
	return w
}

func (w *World) breakInvariant(why string) {
	if w.broken == "" {
		w.broken = why
	}
}

// check holds P1 to P4 on the stored state; P5 to P7 are checked where the step happens.
func (w *World) check() {
	for i := range w.committed.len {
		out := w.committed.list[i]
		if out.position != i {
			w.breakInvariant("P1: the committed outputs are not positions 0, 1, 2 … each once")
			return
		}
		if out.content != w.log[out.position] {
			w.breakInvariant("P2: a committed output is not what the database holds")
		}
	}
	if w.published > w.applied {
		w.breakInvariant("P3: N > M")
	}
	for i := range w.applied {
		if w.log[i].seen != i {
			w.breakInvariant("P4: a record was decided on a state that does not hold exactly its predecessors")
		}
	}
}
