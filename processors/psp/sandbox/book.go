package sandbox

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// errFull means that the limit is reached and nothing may be forgotten.
var errFull = errors.New("the sandbox holds as many unsettled payments as it may")

// book holds the payments: in memory, and in the journal where there is one.
type book struct {
	performer
	limit   int
	journal *journal // nil: memory only
	faults  atomic.Pointer[Faults]

	mu          sync.Mutex
	payments    map[string]*entry   // by authorization
	keys        map[string]string   // key of an operation → authorization
	latest      map[string]string   // idempotency key that was forgotten → key of the operation that was performed last for it
	references  map[string][]string // merchant reference → authorizations
	ages        []string            // authorizations, oldest first; unsettled ones move to the end when met
	liveBytes   int64               // of the journal: the last line of each payment
	compactAt   int64               // not below this size, after a failure
	settlements *agenda
	deliveries  *agenda
	unavailable map[string]bool // keys that were answered 503 once
}

type entry struct {
	payment *payment
	bytes   int // of its line in the journal
}

// evictScan bounds how many unsettled payments one eviction passes over.
const evictScan = 1000

func openBook(cfg Config) (*book, error) {
	b := &book{
		performer: performer{cfg: cfg, tokens: newTokenTable()}, limit: cfg.MaxPayments,
		payments: map[string]*entry{}, keys: map[string]string{}, latest: map[string]string{}, references: map[string][]string{},
		settlements: newAgenda(), deliveries: newAgenda(), unavailable: map[string]bool{},
	}
	b.faults.Store(new(Faults))
	if cfg.DataDir == "" {
		return b, nil
	}
	var err error
	b.journal, err = openJournal(cfg.DataDir, b.install)
	if err != nil {
		return nil, err
	}
	b.compact()
	return b, nil
}

// separator stands in the key of an operation between the caller's key and how often that had been forgotten. No header
// can hold it.
const separator = "\x00"

// requestID is the caller's key of an operation.
func (op *operation) requestID() string {
	key, _, _ := strings.Cut(op.Key, separator)
	return key
}

// again is the key of an operation that is performed although that of another key was, with the same key of the caller.
func (b *book) again(key string) string {
	id, times, _ := strings.Cut(key, separator)
	n, _ := strconv.Atoi(times) // none: it was not forgotten yet
	for {
		n++
		next := id + separator + strconv.Itoa(n)
		if _, taken := b.keys[next]; !taken { // it is where a later one was dropped before it
			return next
		}
	}
}

// newest is the key of the operation that was performed last for a caller's key.
func (b *book) newest(requestID string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.newestLocked(requestID)
}

func (b *book) newestLocked(requestID string) string {
	if key, forgotten := b.latest[requestID]; forgotten {
		return key
	}
	return requestID
}

// find returns the payment that an operation's key belongs to. The payment must not be changed.
func (b *book) find(key string) (*payment, *operation) {
	if e := b.payments[b.keys[key]]; e != nil {
		return e.payment, e.payment.operation(key)
	}
	return nil, nil
}

// put journals a payment and then makes it the present one. A crash in between leaves a payment that was performed and
// not answered: the caller asks again with the same key, or looks it up.
func (b *book) put(p *payment) error {
	if _, known := b.payments[p.ID]; !known && len(b.payments) >= b.limit && !b.evict() {
		return errFull
	}
	n := 0
	if b.journal != nil {
		var err error
		if n, err = b.journal.append(p); err != nil {
			return err
		}
	}
	b.install(p, n)
	b.compact()
	return nil
}

// install makes a payment the present one and puts what it owes on the agenda.
func (b *book) install(p *payment, lineBytes int) {
	old := b.payments[p.ID]
	if old == nil {
		for len(b.payments) >= b.limit && b.evict() {
		}
		b.references[p.Reference] = append(b.references[p.Reference], p.ID)
		b.ages = append(b.ages, p.ID)
	} else {
		b.liveBytes -= int64(old.bytes)
	}
	b.liveBytes += int64(lineBytes)
	b.payments[p.ID] = &entry{p, lineBytes}
	for i := range p.Operations {
		op := &p.Operations[i]
		b.keys[op.Key] = p.ID
		if id := op.requestID(); id != op.Key && newer(op.Key, b.latest[id]) {
			b.latest[id] = op.Key
		}
		b.schedule(op)
	}
}

// newer compares two keys of operations with one key of the caller: their numbers have no leading zeros.
func newer(a, b string) bool { return len(a) > len(b) || len(a) == len(b) && a > b }

// schedule puts what an operation owes on the agendas.
func (b *book) schedule(op *operation) {
	if op.SettlesTo != "" {
		b.settlements.put(slot{key: op.Key}, op.SettlesAt)
	}
	for n := range op.Events {
		if e := &op.Events[n]; e.Left > 0 {
			b.deliveries.put(slot{op.Key, n}, e.Due)
		}
	}
}

// evict forgets the oldest settled payment.
func (b *book) evict() bool {
	for range min(len(b.ages), evictScan) {
		id := b.ages[0]
		b.ages = b.ages[1:]
		e := b.payments[id]
		if !e.payment.settled() {
			b.ages = append(b.ages, id)
			continue
		}
		b.forget(e)
		return true
	}
	return false
}

func (b *book) forget(e *entry) {
	p := e.payment
	b.liveBytes -= int64(e.bytes)
	delete(b.payments, p.ID)
	for i := range p.Operations {
		op := &p.Operations[i]
		delete(b.keys, op.Key)
		if id := op.requestID(); b.latest[id] == op.Key {
			delete(b.latest, id)
		}
	}
	left := make([]string, 0, len(b.references[p.Reference]))
	for _, id := range b.references[p.Reference] {
		if id != p.ID {
			left = append(left, id)
		}
	}
	if len(left) == 0 {
		delete(b.references, p.Reference)
	} else {
		b.references[p.Reference] = left
	}
}

// compact rewrites the journal to what is in memory once most of it is outdated. A failure costs disk space, no payment.
func (b *book) compact() {
	if b.journal == nil || b.journal.size < max(compactAbove, 2*b.liveBytes, b.compactAt) {
		return
	}
	if err := b.journal.rewrite(b.each); err != nil {
		b.compactAt = b.journal.size + compactAbove
		b.cfg.Log.Warn("sandbox: the journal was not compacted", "error", err)
	}
}

// each hands over every payment, oldest first.
func (b *book) each(write func(*payment) error) error {
	for _, id := range b.ages {
		if err := write(b.payments[id].payment); err != nil {
			return err
		}
	}
	return nil
}
