package backtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

// Event is one line of history.
type Event struct {
	Line  int
	Kind  string // as velocity counts it
	Input rules.Input
	Later []Outcome // in the order of the columns
}

// Outcome is what became of an attempt.
type Outcome struct {
	Kind string
	Time time.Time
}

// Attempt tells whether the event is one that rules decide on.
func (e *Event) Attempt() bool { return e.Kind == velocity.KindAttempt }

// DefaultTenant is the tenant of a line that names none.
const DefaultTenant = "default"

// Reader reads history.
type Reader struct {
	from    io.Reader
	room    []byte // what was read and holds no whole line yet
	chunk   string // whole lines
	done    bool
	line    int
	last    time.Time
	columns []column // in the order of the last line
	known   map[string]column
	event   Event
	draft   draft
	found   topics.Enrichment
	bin     topics.BIN
	card    topics.Card
	around  topics.Context
	command topics.Command
}

// column is what a name of a member means.
type column struct {
	name string
	set  func(*Reader, string) error // nil: left alone
	time bool                        // may be many digits
}

// draft is what takes several columns.
type draft struct {
	amount, currency string
	event            string
	declined         int // place in Later plus one
	declinedAs       string
}

const (
	chunkBytes = 1 << 20
	maxLine    = 1 << 20 // bytes
	maxColumns = 200     // that are remembered; a table has fewer
)

// NewReader reads history from r.
func NewReader(r io.Reader) *Reader { return &Reader{from: r, known: map[string]column{}} }

// Next reads the next event, which is valid until the one after it. The error names the line; io.EOF is the end.
func (r *Reader) Next() (*Event, error) {
	for {
		line, err := r.nextLine()
		if err != nil {
			return nil, err
		}
		if strings.TrimSpace(line) == "" {
			continue
		}
		if err := r.read(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", r.line, err)
		}
		return &r.event, nil
	}
}

// nextLine is the next line without its end.
func (r *Reader) nextLine() (string, error) {
	for r.chunk == "" {
		if r.done {
			return "", io.EOF
		}
		if err := r.fill(); err != nil {
			return "", fmt.Errorf("line %d: %w", r.line+1, err)
		}
	}
	line, rest, _ := strings.Cut(r.chunk, "\n")
	r.chunk = rest
	r.line++
	return line, nil
}

// fill reads more, up to the end of a line: texts are then parts of one string, and are copied once.
func (r *Reader) fill() error {
	kept := len(r.room)
	if kept > maxLine {
		return fmt.Errorf("is longer than %d bytes", maxLine)
	}
	r.room = append(r.room, make([]byte, chunkBytes)...)
	n, err := io.ReadFull(r.from, r.room[kept:])
	r.room = r.room[:kept+n]
	end := bytes.LastIndexByte(r.room, '\n') + 1
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		r.done, end = true, len(r.room)
	case err != nil:
		return err
	}
	r.chunk = string(r.room[:end])
	r.room = r.room[:copy(r.room, r.room[end:])]
	return nil
}

// read reads one line into r.event.
func (r *Reader) read(line string) error {
	r.reset()
	cells := row{line: line}
	more, err := cells.begin()
	for place := 0; err == nil && more; place++ {
		var name string
		var value cell
		if name, value, more, err = cells.member(); err != nil || value.null {
			continue
		}
		if err = r.take(place, name, value.text); err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
	}
	if err != nil {
		return err
	}
	return r.finish()
}

// minCardDigits is how long a text is at least that holds a card number.
const minCardDigits = 13

func (r *Reader) take(place int, name, value string) error {
	c, err := r.column(place, name)
	switch {
	case err != nil:
		return err
	case len(value) >= minCardDigits && !c.time && topics.FindCardNumber([]byte(value)):
		return errors.New("holds a card number; put a fingerprint, or the first 6 to 8 digits as card.bin, in its place")
	case c.set == nil:
		return nil
	}
	return c.set(r, value)
}

func (r *Reader) reset() {
	metadata := r.command.Metadata
	clear(metadata)
	r.found, r.bin, r.card, r.around = topics.Enrichment{BIN: &r.bin}, topics.BIN{}, topics.Card{}, topics.Context{}
	r.command = topics.Command{Type: topics.CommandCreate, Tenant: DefaultTenant, Card: &r.card, Context: &r.around, Metadata: metadata}
	r.event = Event{Line: r.line, Kind: velocity.KindAttempt, Later: r.event.Later[:0], Input: rules.Input{
		Command: &r.command, Enrichment: &r.found,
	}}
	r.draft = draft{}
}

// finish puts together what several columns say.
func (r *Reader) finish() error {
	now := r.event.Input.Now
	switch {
	case now.IsZero():
		return errors.New(`there is no "time"`)
	case r.command.CommandID == "":
		return errors.New(`there is no "id"`)
	case now.Before(r.last):
		return fmt.Errorf("time %s lies before that of the line above, %s; sort the lines by time", now.Format(time.RFC3339Nano), r.last.Format(time.RFC3339Nano))
	}
	r.last = now
	if r.draft.event != "" {
		r.event.Kind = velocity.KindCustom + r.draft.event
	}
	if at := r.draft.declined; at > 0 && r.draft.declinedAs != "" {
		r.event.Later[at-1].Kind += "." + r.draft.declinedAs
	}
	for i := range r.event.Later {
		if o := &r.event.Later[i]; o.Time.Before(now) {
			return fmt.Errorf("it was %s before its time", o.Kind)
		}
	}
	return r.amount()
}

func (r *Reader) amount() error {
	text := r.draft.amount
	if r.draft.currency != "" {
		r.command.Currency = r.draft.currency
		if text != "" && strings.IndexByte(text, ' ') < 0 {
			text += " " + r.draft.currency
		}
	}
	if text == "" {
		return nil
	}
	m, err := ledger.ParseMoney(text)
	if err != nil {
		return fmt.Errorf("payment.amount: %w", err)
	}
	if m.Minor < 0 || r.draft.currency != "" && string(m.Currency) != r.draft.currency {
		return fmt.Errorf("payment.amount: %s is below zero, or not in payment.currency", m)
	}
	r.command.Amount, r.command.Currency = m.Minor, string(m.Currency)
	return nil
}

// column is what a name means. Lines mostly have the same columns in the same order.
func (r *Reader) column(place int, name string) (column, error) {
	if place < len(r.columns) && r.columns[place].name == name {
		return r.columns[place], nil
	}
	c, ok := r.known[name]
	if !ok {
		var err error
		if c, err = meaning(strings.Clone(name)); err != nil {
			return column{}, err
		}
		if len(r.known) < maxColumns {
			r.known[c.name] = c
		}
	}
	if place < maxColumns {
		for len(r.columns) <= place {
			r.columns = append(r.columns, column{})
		}
		r.columns[place] = c
	}
	return c, nil
}

// meaning is what a column of a name does.
func meaning(name string) (column, error) {
	if strings.HasPrefix(name, "_") {
		return column{name: name}, nil
	}
	if set, ok := ownColumns()[name]; ok {
		return column{name, set, name == "time" || strings.HasSuffix(name, "_at")}, nil
	}
	set, err := rules.Setter(name)
	if err != nil {
		return column{}, fmt.Errorf("%w; a column that is for nobody here begins with _", err)
	}
	return column{name: name, set: func(r *Reader, value string) error { return set(&r.event.Input, value) }}, nil
}

func ownColumns() map[string]func(*Reader, string) error {
	keep := func(to func(*Reader) *string) func(*Reader, string) error {
		return func(r *Reader, value string) error {
			*to(r) = value
			return nil
		}
	}
	later := func(kind string) func(*Reader, string) error {
		return func(r *Reader, value string) error {
			at, err := parseTime(value)
			r.event.Later = append(r.event.Later, Outcome{kind, at})
			if kind == velocity.KindDeclined {
				r.draft.declined = len(r.event.Later)
			}
			return err
		}
	}
	return map[string]func(*Reader, string) error{
		"time": func(r *Reader, value string) (err error) {
			r.event.Input.Now, err = parseTime(value)
			return err
		},
		"id":               keep(func(r *Reader) *string { return &r.command.CommandID }),
		"event":            keep(func(r *Reader) *string { return &r.draft.event }),
		"payment.amount":   keep(func(r *Reader) *string { return &r.draft.amount }),
		"payment.currency": keep(func(r *Reader) *string { return &r.draft.currency }),
		"declined_as":      keep(func(r *Reader) *string { return &r.draft.declinedAs }),
		"approved_at":      later(velocity.KindApproved),
		"declined_at":      later(velocity.KindDeclined),
		"refunded_at":      later(velocity.KindRefunded),
		"disputed_at":      later(velocity.KindDisputed),
		"paid_out_at":      later(velocity.KindPayout),
	}
}

// parseTime reads RFC 3339 or milliseconds since 1970.
func parseTime(value string) (time.Time, error) {
	if ms, err := strconv.ParseInt(value, 10, 64); err == nil {
		return time.UnixMilli(ms).UTC(), nil
	}
	at, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return time.Time{}, fmt.Errorf("%.40q is neither a time such as 2026-03-01T12:00:00Z nor milliseconds since 1970", value)
	}
	return at.UTC(), nil
}
