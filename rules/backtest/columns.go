package backtest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

// column is what a name of a member means.
type column struct {
	name    string
	quoted  string                      // the name in quotes and its colon, as most lines have it
	set     func(*Reader, string) error // nil: left alone
	time    bool                        // may be many digits
	unknown string                      // what is said of a name that means nothing
}

// maxColumns is how many are remembered; a table has fewer.
const maxColumns = 200

// minCardDigits is how long a text is at least that holds a card number.
const minCardDigits = 13

func (r *Reader) take(c *column, value string) error {
	switch {
	case len(value) >= minCardDigits && !c.time && topics.FindCardNumber([]byte(value)):
		return errors.New("holds a card number; put a fingerprint, or the first 6 to 8 digits as card.bin, in its place")
	case c.unknown != "":
		r.draft.unknown = append(r.draft.unknown, c.unknown)
		return nil
	case c.set == nil:
		return nil
	}
	return c.set(r, value)
}

// column reads the name at a place of a line. Lines mostly have the same columns in the same order.
func (r *Reader) column(place int, cells *row) (*column, error) {
	if place < len(r.columns) && cells.expect(r.columns[place].quoted) {
		return r.columns[place], nil
	}
	name, err := cells.name()
	if err != nil {
		return nil, err
	}
	c := r.known[name]
	if c == nil {
		c = meaning(strings.Clone(name))
		if !strings.ContainsAny(c.name, `"\`) {
			c.quoted = `"` + c.name + `":`
		}
		if len(r.known) < maxColumns {
			r.known[c.name] = c
		}
	}
	if place < maxColumns {
		for len(r.columns) <= place {
			r.columns = append(r.columns, &column{})
		}
		r.columns[place] = c
	}
	return c, nil
}

// meaning is what a column of a name does.
func meaning(name string) *column {
	if strings.HasPrefix(name, "_") {
		return &column{name: name}
	}
	own := ownColumns()
	if set, ok := own[name]; ok {
		return &column{name: name, set: set, time: name == "time" || strings.HasSuffix(name, "_at")}
	}
	set, err := rules.Setter(topics.StageBeforeAuthorization, name)
	if err != nil {
		return &column{name: name, unknown: err.Error()}
	}
	return &column{name: name, set: func(r *Reader, value string) error { return set(&r.to.event.Input, value) }}
}

// becomes are what may become of an attempt, by the name of its column without _at.
func becomes() map[string]string {
	return map[string]string{
		"approved": velocity.KindApproved, "declined": velocity.KindDeclined, "refunded": velocity.KindRefunded,
		"disputed": velocity.KindDisputed, "paid_out": velocity.KindPayout, "ended": "",
	}
}

func ownColumns() map[string]func(*Reader, string) error {
	keep := func(to func(*Reader) *string) func(*Reader, string) error {
		return func(r *Reader, value string) error {
			*to(r) = value
			return nil
		}
	}
	columns := map[string]func(*Reader, string) error{
		"time": func(r *Reader, value string) (err error) {
			r.to.event.Time, err = parseTime(value)
			r.to.event.Input.Now = r.to.event.Time
			return err
		},
		"id": keep(func(r *Reader) *string { return &r.to.command.CommandID }),
		"event": func(r *Reader, value string) error {
			if value != "" && !topics.IsEventType(value) {
				return fmt.Errorf("%.40q is no name of an event; want small letters, digits and underscores, such as login", value)
			}
			r.draft.event = value
			return nil
		},
		"outcome":          keep(func(r *Reader) *string { return &r.draft.outcome }),
		"payment.amount":   keep(func(r *Reader) *string { return &r.draft.amount }),
		"payment.currency": keep(func(r *Reader) *string { return &r.draft.currency }),
		"declined_as":      keep(func(r *Reader) *string { return &r.draft.declinedAs }),
		"fraud": func(r *Reader, value string) (err error) {
			r.to.event.Fraud, err = ParseLabel(value)
			return err
		},
	}
	for name, kind := range becomes() {
		columns[name+"_at"] = func(r *Reader, value string) error {
			at, err := parseTime(value)
			r.to.event.Later = append(r.to.event.Later, Outcome{kind, at})
			if kind == velocity.KindDeclined {
				r.draft.declined = len(r.to.event.Later)
			}
			return err
		}
	}
	return columns
}

// ParseLabel reads what a column of labels says.
func ParseLabel(value string) (Label, error) {
	switch strings.ToLower(value) {
	case "true", "1", "yes":
		return Fraud, nil
	case "false", "0", "no":
		return Good, nil
	}
	return Unlabelled, fmt.Errorf("%.40q is neither true nor false", value)
}

// Milliseconds since 1970 lie between these, which are in the years 1973 and 9999; seconds lie below, microseconds above.
const (
	minMilliseconds = 100_000_000_000
	maxMilliseconds = 253_402_300_799_999
)

// parseTime reads RFC 3339 or milliseconds since 1970.
func parseTime(value string) (time.Time, error) {
	if ms, err := strconv.ParseInt(value, 10, 64); err == nil {
		switch {
		case ms < minMilliseconds:
			return time.Time{}, fmt.Errorf("%s would be in %d; are these seconds? want milliseconds since 1970, or a time such as 2026-03-01T12:00:00Z",
				value, time.UnixMilli(ms).UTC().Year())
		case ms > maxMilliseconds:
			return time.Time{}, fmt.Errorf("%s is more than milliseconds since 1970; are these microseconds?", value)
		}
		return time.UnixMilli(ms).UTC(), nil
	}
	at, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return time.Time{}, fmt.Errorf("%.40q is neither a time such as 2026-03-01T12:00:00Z nor milliseconds since 1970", value)
	}
	return at.UTC(), nil
}

// outcomeKind is the kind of an outcome that a line of its own tells.
func outcomeKind(name, category string) (string, error) {
	kind, ok := becomes()[name]
	if !ok {
		var names []string
		for known := range becomes() {
			names = append(names, known)
		}
		slices.Sort(names)
		return "", fmt.Errorf("outcome: %.40q is none of %s", name, strings.Join(names, ", "))
	}
	if kind == velocity.KindDeclined && category != "" {
		kind += "." + category
	}
	return kind, nil
}
