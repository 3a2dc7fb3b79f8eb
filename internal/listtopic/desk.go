package listtopic

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

const (
	writeWithin = 10 * time.Second      // an edit; an import may take as long as it needs to be written
	seenEvery   = 20 * time.Millisecond // between two looks whether an edit is in force
	maxReason   = 500                   // bytes of a reason
	maxName     = 200                   // bytes of an author
	maxValue    = 512                   // bytes of a value: fields are not longer
)

// Refused says that an edit is not possible. Nothing was changed.
type Refused struct{ Why string }

func (r *Refused) Error() string { return r.Why }

func refuse(format string, args ...any) error { return &Refused{fmt.Sprintf(format, args...)} }

// ErrNoList says that the rule set in force has no such list.
var ErrNoList = errors.New("no such list")

// ErrNoRules says that the rule set in force is not known here.
var ErrNoRules = errors.New("no rule set is in force in this process")

// ErrNoEntry says that a value is not in the list, or that no such edit waits for approval.
var ErrNoEntry = errors.New("no such entry")

// ErrUncertain says that an edit was written, and it was not seen in time whether it is in force.
var ErrUncertain = errors.New("the edit was written and is not seen yet; look at the list")

// Edit asks for one change of a list.
type Edit struct {
	List, Tenant, Value string // Tenant "": everyone's
	Remove              bool
	Expires             time.Time // zero: never
	Reason, Author      string
}

// Result is what became of an edit.
type Result struct {
	EditID    string
	Unchanged bool // it was so before; nothing was written
	Proposed  bool // it waits for another person's approval
}

// Desk edits lists. Several goroutines may use it at once.
type Desk struct {
	options []kgo.Opt
	set     func() *rules.Set

	mu       sync.Mutex
	producer *kgo.Client
	reader   *Reader
	verdicts map[int64]error // of the records that a caller waits for
}

// Open connects to the broker with options. set is the rule set in force, which says which lists there are; nil where it is
// not known.
func Open(options []kgo.Opt, set func() *rules.Set) (*Desk, error) {
	producer, err := kgo.NewClient(append(append([]kgo.Opt(nil), options...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerLinger(0), kgo.RecordDeliveryTimeout(writeWithin))...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	reader, err := NewReader(options, rules.KeepRecords)
	if err != nil {
		producer.Close()
		return nil, err
	}
	d := &Desk{options: options, set: set, producer: producer, reader: reader, verdicts: map[int64]error{}}
	reader.Refused = func(offset int64, _ *topics.ListEdit, why error) {
		if _, waited := d.verdicts[offset]; waited {
			d.verdicts[offset] = why
		}
	}
	return d, nil
}

// Close ends the desk.
func (d *Desk) Close() {
	d.producer.Close()
	d.reader.Close()
}

// any is a list of the rule set in force.
func (d *Desk) any(name string) (*rules.List, error) {
	set := d.set()
	if set == nil {
		return nil, ErrNoRules
	}
	l, err := set.List(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoList, err)
	}
	return l, nil
}

// list is one that can be edited.
func (d *Desk) list(name string) (*rules.List, error) {
	l, err := d.any(name)
	if err != nil {
		return nil, err
	}
	if !l.Editable {
		return nil, refuse("the list %q is edited in its rule file alone; editable: true there would let it be edited here", name)
	}
	return l, nil
}

// Entries are those of a list that count for a tenant now, and the edits that wait for approval, by id. Lists that are not
// editable have entries, too.
func (d *Desk) Entries(ctx context.Context, name, tenant string, now time.Time) ([]rules.Listed, map[string]rules.Waiting, error) {
	l, err := d.any(name)
	if err != nil {
		return nil, nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	edits, _, err := d.reader.Read(ctx)
	if err != nil {
		return nil, nil, err
	}
	waiting := d.reader.Waiting(func(list, whose string) bool { return list == name && (tenant == "" || whose == tenant) }, now)
	return edits.Entries(l, tenant, now), waiting, nil
}

// Brands are the tenants that have edits of a list of their own.
func (d *Desk) Brands(ctx context.Context, name string) ([]string, error) {
	l, err := d.any(name)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	edits, _, err := d.reader.Read(ctx)
	if err != nil {
		return nil, err
	}
	return edits.Brands(l), nil
}

// Edit changes a list, or proposes to where the list wants a second person. It returns once the edit is in force here; every
// other process has it in force within a second.
func (d *Desk) Edit(ctx context.Context, e Edit, now time.Time) (Result, error) {
	l, err := d.list(e.List)
	if err != nil {
		return Result{}, err
	}
	record, err := d.record(l, e, now)
	if err != nil {
		return Result{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	edits, _, err := d.reader.Read(ctx)
	if err != nil {
		return Result{}, err
	}
	found := edits.Find(l, e.Tenant, record.Value, now)
	switch {
	case e.Remove && found == nil:
		return Result{}, fmt.Errorf("%w: %q is not in the list %q", ErrNoEntry, e.Value, e.List)
	case !e.Remove && found != nil && found.Expires.Equal(e.Expires) && (found.Reason == e.Reason || found.Record == nil):
		return Result{Unchanged: true}, nil
	}
	if record.Propose {
		waiting := d.waiting(e.List, e.Tenant, now)
		if id := among(waiting, record); id != "" {
			return Result{EditID: id, Unchanged: true, Proposed: true}, nil
		}
		if err := mayWait(waiting, 1, e.List); err != nil {
			return Result{}, err
		}
	}
	return Result{EditID: record.EditID, Proposed: record.Propose}, d.write(ctx, record)
}

// waiting are the edits of a tenant's list that wait for approval, by id.
func (d *Desk) waiting(name, tenant string, now time.Time) map[string]rules.Waiting {
	return d.reader.Waiting(func(list, whose string) bool { return list == name && whose == tenant }, now)
}

// among is the id of the same edit, where it waits already.
func among(waiting map[string]rules.Waiting, e *topics.ListEdit) string {
	for id, w := range waiting {
		if w.Records == 1 && w.Action == e.Action && w.Value == e.Value && w.Expires.Equal(e.Expires) && w.Author == e.Author {
			return id
		}
	}
	return ""
}

// mayWait refuses changes where, with those of the list that wait, they would be too many.
func mayWait(waiting map[string]rules.Waiting, changes int, name string) error {
	have := 0
	for _, w := range waiting {
		have += w.Records
	}
	if have+changes > rules.MaxWaiting {
		return refuse("list %q: changes that wait for approval: %d, and %d more; at most %d may. Have some approved or rejected first, and import a large file in parts", name, have, changes, rules.MaxWaiting)
	}
	return nil
}

// record is the record of an edit.
func (d *Desk) record(l *rules.List, e Edit, now time.Time) (*topics.ListEdit, error) {
	if err := said(e.Author, e.Reason); err != nil {
		return nil, err
	}
	value, err := l.Canonical(e.Value)
	switch {
	case err != nil && (!e.Remove || topics.FindCardNumber([]byte(e.Value))): // what is in the list may be removed, whatever was looked up in it when it was added
		return nil, refuse("list %q: %s", e.List, err)
	case err != nil:
		value = e.Value
	}
	if len(value) > maxValue || len(value) == 0 {
		return nil, refuse("a value has 1 to %d bytes", maxValue)
	}
	if !e.Expires.IsZero() && !e.Expires.After(now) {
		return nil, refuse("%s is past: the entry would never count", e.Expires.UTC().Format(time.RFC3339))
	}
	id, err := uuid.NewV4()
	if err != nil {
		return nil, fmt.Errorf("a new edit id: %w", err)
	}
	r := &topics.ListEdit{EditID: id.String(), Action: topics.ListAdd, List: e.List, Match: string(l.Match), Tenant: e.Tenant, Value: value,
		Expires: e.Expires.UTC(), Propose: l.FourEyes, Reason: e.Reason, Author: e.Author, At: now.UTC()}
	if e.Remove {
		r.Action, r.Expires = topics.ListRemove, time.Time{}
	}
	return r, nil
}

// said checks who edits, and why.
func said(author, reason string) error {
	switch {
	case strings.TrimSpace(author) == "":
		return refuse("who edits the list? Name an author")
	case strings.TrimSpace(reason) == "":
		return refuse("why is the list edited? Give a reason")
	case len(author) > maxName || len(reason) > maxReason:
		return refuse("an author has at most %d bytes, a reason %d", maxName, maxReason)
	case topics.FindCardNumber([]byte(author + "\n" + reason)):
		return refuse("a card number must not stand in a name or a reason")
	}
	return nil
}

// Settle approves or rejects an edit that waits; id may be shortened to its first digits.
func (d *Desk) Settle(ctx context.Context, name, tenant, id string, approve bool, author, reason string, now time.Time) (rules.Waiting, error) {
	l, err := d.list(name)
	if err != nil {
		return rules.Waiting{}, err
	}
	if approve && reason == "" {
		reason = "approved"
	}
	if err := said(author, reason); err != nil {
		return rules.Waiting{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, _, err := d.reader.Read(ctx); err != nil {
		return rules.Waiting{}, err
	}
	var of rules.Waiting
	for waiting, w := range d.waiting(name, tenant, now) {
		if id == "" || !strings.HasPrefix(waiting, id) {
			continue
		}
		if of.EditID != "" {
			return of, refuse("several edits that wait begin with %s; give more of the id", id)
		}
		of = w
	}
	if of.EditID == "" {
		return of, fmt.Errorf("%w: no edit %s of the list %q waits for approval; one that nobody approves is dropped after %d days", ErrNoEntry, id, name, rules.WaitingDays)
	}
	r := &topics.ListEdit{EditID: of.EditID, Action: topics.ListReject, List: name, Match: string(l.Match), Tenant: tenant, Reason: reason, Author: author, At: now.UTC()}
	if approve {
		if r.Action = topics.ListApprove; topics.SamePerson(of.Author, author) {
			return of, refuse("%s is the author of the edit; another person must approve it", of.Author)
		}
	}
	return of, d.write(ctx, r)
}

// message is an edit as it stands in the topic.
func message(e *topics.ListEdit) (*kgo.Record, error) {
	value, err := topics.Marshal(e)
	if err != nil {
		return nil, err
	}
	r := &kgo.Record{Topic: topics.Lists, Partition: 0, Key: []byte(e.List), Value: value}
	envelope := topics.Envelope{ID: e.EditID + "-" + string(e.Action), Source: "weir/lists", Type: topics.TypeListEdit, Subject: e.List, Tenant: e.Tenant, Time: e.At}
	for _, h := range envelope.Headers() {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	return r, nil
}

// write makes an edit durable and waits until it is in force here. A crash before the record is acknowledged leaves the list
// edited or not; who repeats the edit finds which.
func (d *Desk) write(ctx context.Context, e *topics.ListEdit) error {
	r, err := message(e)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	if err := d.producer.ProduceSync(ctx, r).FirstErr(); err != nil {
		return fmt.Errorf("write %s: %w", topics.Lists, err)
	}
	return d.seen(ctx, r.Offset)
}

// seen waits until a record is read, and returns why it changes nothing, nil where it does.
func (d *Desk) seen(ctx context.Context, offset int64) error {
	d.verdicts[offset] = nil
	defer delete(d.verdicts, offset)
	ticker := time.NewTicker(seenEvery)
	defer ticker.Stop()
	for {
		edits, _, err := d.reader.Read(ctx)
		switch {
		case err != nil:
			return fmt.Errorf("%w: %w", ErrUncertain, err)
		case edits.Version() > offset && d.verdicts[offset] != nil:
			return refuse("%s", d.verdicts[offset])
		case edits.Version() > offset:
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ErrUncertain
		}
	}
}
