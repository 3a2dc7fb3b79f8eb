package backtest

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/rules/backtest"
	"github.com/weirhq/weir/topics"
)

// Labels say which attempts were fraud.
type Labels struct {
	byID map[string]label
	// listsFrauds says that the file has no column fraud: what stands in it is fraud, and all else is good.
	listsFrauds bool
	latest      time.Time // that a label has; zero where none has one
}

type label struct {
	fraud  bool
	seen   bool // the attempt is in the history
	amount ledger.Money
	known  time.Time // zero where it is not said
}

// maxProblems is how many different mistakes are shown.
const maxProblems = 10

// ReadLabels reads a CSV file whose first line names its columns: id, and where there are any fraud (true or false), amount
// (what it cost, "25.00 EUR") and date (when that became known). The error names every bad line, up to maxProblems.
func ReadLabels(in io.Reader) (*Labels, error) {
	r := csv.NewReader(in)
	r.ReuseRecord = true
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("labels: the first line: %w", err)
	}
	at := map[string]int{}
	for i, name := range header {
		name = strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))
		if !slices.Contains([]string{"id", "fraud", "amount", "date"}, name) {
			hint := ""
			if strings.ContainsAny(name, ";\t") {
				hint = "; columns are parted by commas"
			}
			return nil, fmt.Errorf("labels: line 1: unknown column %q; the columns are id, fraud, amount and date%s", name, hint)
		}
		at[name] = i
	}
	if _, ok := at["id"]; !ok {
		return nil, errors.New("labels: line 1: there is no column id; the first line names the columns")
	}
	l := &Labels{byID: map[string]label{}}
	_, judged := at["fraud"]
	l.listsFrauds = !judged
	var problems problems
	for {
		record, err := r.Read()
		if err == io.EOF {
			return l, problems.err("labels")
		}
		var wrong *csv.ParseError
		switch {
		case errors.As(err, &wrong):
			problems.add(wrong.Line, wrong.Err)
			continue
		case err != nil:
			return nil, fmt.Errorf("labels: %w", err)
		}
		if err := l.read(record, at); err != nil {
			line, _ := r.FieldPos(0)
			problems.add(line, err)
		}
	}
}

func (l *Labels) read(record []string, at map[string]int) error {
	cell := func(name string) string {
		if i, ok := at[name]; ok {
			return strings.TrimSpace(record[i])
		}
		return ""
	}
	one, id := label{fraud: true}, strings.Clone(cell("id"))
	if id == "" {
		return errors.New("there is no id")
	}
	if topics.FindCardNumber([]byte(id)) {
		return errors.New("id: holds a card number; want the payment's id")
	}
	if !l.listsFrauds {
		said, err := backtest.ParseLabel(cell("fraud"))
		if err != nil {
			return &backtest.ColumnError{Column: "fraud", Err: err}
		}
		one.fraud = said == backtest.Fraud
	}
	if text := cell("amount"); text != "" {
		m, err := ledger.ParseMoney(strings.Clone(text))
		if err == nil && m.Minor < 0 {
			err = fmt.Errorf("%s is below zero", m)
		}
		if err != nil {
			return &backtest.ColumnError{Column: "amount", Err: err}
		}
		one.amount = m
	}
	if text := cell("date"); text != "" {
		known, err := parseDay(text)
		if err != nil {
			return &backtest.ColumnError{Column: "date", Err: err}
		}
		one.known = known
		if known.After(l.latest) {
			l.latest = known
		}
	}
	if before, ok := l.byID[id]; ok && before.fraud != one.fraud {
		return fmt.Errorf("id %.80q stands here as fraud and as good", id)
	}
	l.byID[id] = one
	return nil
}

// missed is the error of labels of which no id is in the history: they are of other payments, or have other ids.
func (l *Labels) missed(history string) error {
	if l == nil || len(l.byID) == 0 || l.unseen() < int64(len(l.byID)) {
		return nil
	}
	return fmt.Errorf("labels: none of %s is in the history: %.80q is not, and the history has ids such as %.80q; both must name payments alike",
		plural(int64(len(l.byID)), "id"), slices.Min(slices.Collect(maps.Keys(l.byID))), history)
}

// parseDay reads a date, or a moment.
func parseDay(text string) (time.Time, error) {
	if at, err := time.Parse(time.DateOnly, text); err == nil {
		return at, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%.40q is neither a date such as 2026-03-31 nor a moment such as 2026-03-31T12:00:00Z", text)
	}
	return at.UTC(), nil
}

// of is the label of an attempt: what the file says, else what its line says.
func (l *Labels) of(e *backtest.Event) (backtest.Label, label) {
	if l == nil {
		return e.Fraud, label{}
	}
	one, ok := l.byID[e.ID]
	switch {
	case ok && !one.seen:
		one.seen = true
		l.byID[strings.Clone(e.ID)] = one
	case !ok && l.listsFrauds:
		return backtest.Good, label{}
	case !ok:
		return backtest.Unlabelled, label{}
	}
	if one.fraud {
		return backtest.Fraud, one
	}
	return backtest.Good, one
}
