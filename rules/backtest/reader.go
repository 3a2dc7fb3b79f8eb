package backtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

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
	columns []*column // in the order of the last line
	known   map[string]*column
	draft   draft
	to      *room // of the event that is read
	rooms   [Ahead + 1]room
	next    int // of rooms
	seen    seen
}

// Ahead is how many events may be read ahead of one that is still used.
const Ahead = 16

// room is an event with what it consists of.
type room struct {
	event   Event
	found   topics.Enrichment
	bin     topics.BIN
	card    topics.Card
	around  topics.Context
	command topics.Command
}

// draft is what takes several columns.
type draft struct {
	amount, currency string
	event, outcome   string
	declined         int // place in Later plus one
	declinedAs       string
	unknown          []string // what is said of columns that mean nothing
}

const (
	chunkBytes = 128 << 10 // stays in a processor's cache
	maxLine    = 1 << 20   // bytes
)

// LineError is what is wrong with one line. The ones after it can be read all the same.
type LineError struct {
	Line int
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Err) }
func (e *LineError) Unwrap() error { return e.Err }

// ColumnError is what is wrong with the value of one column.
type ColumnError struct {
	Column string
	Err    error
}

func (e *ColumnError) Error() string { return e.Column + ": " + e.Err.Error() }
func (e *ColumnError) Unwrap() error { return e.Err }

// NewReader reads history from r.
func NewReader(r io.Reader) *Reader {
	return &Reader{from: r, known: map[string]*column{}, seen: newSeen(maxSeen)}
}

// Next reads the next event, which is valid until Ahead others were read after it. io.EOF is the end; a *LineError is one line's.
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
			return nil, &LineError{r.line, err}
		}
		return &r.to.event, nil
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
		return fmt.Errorf("it is longer than %d bytes; a history has one JSON object to a line, not one list of them all", maxLine)
	}
	if r.room == nil {
		r.room = make([]byte, 0, maxLine+2*chunkBytes)
	}
	n, err := io.ReadFull(r.from, r.room[kept:kept+chunkBytes])
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

// read reads one line into the next room.
func (r *Reader) read(line string) error {
	r.reset()
	cells := row{line: line}
	more, err := cells.begin()
	for place := 0; err == nil && more; place++ {
		var c *column
		var value cell
		if c, err = r.column(place, &cells); err != nil {
			return err
		}
		if value, more, err = cells.rest(c.name); err != nil || value.null {
			continue
		}
		if err = r.take(c, value.text); err != nil {
			err = &ColumnError{c.name, err}
		}
	}
	if err != nil {
		return err
	}
	if len(r.draft.unknown) > 0 {
		return fmt.Errorf("%s; a column that is for nobody here begins with _", strings.Join(r.draft.unknown, "; "))
	}
	return r.finish()
}

func (r *Reader) reset() {
	r.to = &r.rooms[r.next]
	r.next = (r.next + 1) % len(r.rooms)
	metadata := r.to.command.Metadata
	clear(metadata)
	r.to.found, r.to.bin, r.to.card, r.to.around = topics.Enrichment{BIN: &r.to.bin}, topics.BIN{}, topics.Card{}, topics.Context{}
	r.to.command = topics.Command{Type: topics.CommandCreate, Tenant: DefaultTenant, Card: &r.to.card, Context: &r.to.around, Metadata: metadata}
	r.to.event = Event{Line: r.line, Kind: velocity.KindAttempt, Later: r.to.event.Later[:0], Input: rules.Input{
		Command: &r.to.command, Enrichment: &r.to.found,
	}}
	r.draft = draft{}
}

// finish puts together what several columns say.
func (r *Reader) finish() error {
	now := r.to.event.Time
	switch {
	case now.IsZero():
		return errors.New(`there is no "time"`)
	case r.to.command.CommandID == "":
		return errors.New(`there is no "id"`)
	case now.Before(r.last):
		return fmt.Errorf("time %s lies before that of a line above, %s; sort the lines by time", now.Format(time.RFC3339Nano), r.last.Format(time.RFC3339Nano))
	}
	r.to.event.ID = r.to.command.CommandID
	if err := r.kind(); err != nil {
		return err
	}
	if err := r.amount(); err != nil {
		return err
	}
	r.last = now
	if !r.to.event.Attempt() {
		return nil
	}
	if earlier := r.seen.take(r.to.command.Tenant, r.to.command.CommandID, r.line); earlier > 0 {
		return &ColumnError{"id", fmt.Errorf("%.80q stands in line %d, too; a payment has one line, and what became of it later an outcome", r.to.command.CommandID, earlier)}
	}
	return nil
}

// kind says what the line is about.
func (r *Reader) kind() error {
	switch d := &r.draft; {
	case d.event != "" && d.outcome != "":
		return errors.New("a line is an event or an outcome, not both")
	case d.event != "":
		r.to.event.Kind = velocity.CustomKind(d.event)
	case d.outcome != "":
		kind, err := outcomeKind(d.outcome, d.declinedAs)
		if err != nil {
			return err
		}
		r.to.event.Became(kind)
	case d.declined > 0 && d.declinedAs != "":
		r.to.event.Later[d.declined-1].Kind += "." + d.declinedAs
	}
	if len(r.to.event.Later) > 0 && !r.to.event.Attempt() {
		return errors.New("only an attempt has columns such as approved_at")
	}
	for i := range r.to.event.Later {
		if o := &r.to.event.Later[i]; o.Time.Before(r.to.event.Time) {
			return fmt.Errorf("its outcome of %s lies before its time", o.Time.Format(time.RFC3339Nano))
		}
	}
	return nil
}

func (r *Reader) amount() error {
	text, currency := r.draft.amount, ledger.Currency(r.draft.currency)
	if currency != "" {
		r.to.command.Currency = r.draft.currency
	}
	var m ledger.Money
	var err error
	switch {
	case text == "":
		return nil
	case currency != "" && strings.IndexByte(text, ' ') < 0:
		m, err = ledger.ParseAmount(text, currency)
	default:
		m, err = ledger.ParseMoney(text)
	}
	if err != nil {
		return &ColumnError{"payment.amount", err}
	}
	if m.Minor < 0 || currency != "" && m.Currency != currency {
		return &ColumnError{"payment.amount", fmt.Errorf("%s is below zero, or not in payment.currency", m)}
	}
	r.to.command.Amount, r.to.command.Currency = m.Minor, string(m.Currency)
	return nil
}
