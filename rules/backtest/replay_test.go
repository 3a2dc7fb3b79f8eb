package backtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/rules/velocity"
)

func noRates(ledger.Money, ledger.Currency, time.Time) (int64, bool) { return 0, false }

var definitions = []velocity.Definition{
	{Name: "attempts", By: "card.fingerprint", Kinds: []string{velocity.KindAttempt}, Aggregate: velocity.Count, Window: time.Hour},
	{Name: "approved", By: "customer.id", Kinds: []string{velocity.KindApproved}, Aggregate: velocity.Sum, Currency: "EUR", Window: time.Hour},
	{Name: "held", By: "customer.id", Kinds: []string{velocity.KindApproved}, Aggregate: velocity.Count, Window: time.Hour, Reserve: true},
	{Name: "hard", By: "customer.id", Kinds: []string{"declined.hard"}, Aggregate: velocity.Count, Window: time.Hour},
	{Name: "logins", By: "customer.id", Kinds: []string{"event.login"}, Aggregate: velocity.SinceLast, Window: time.Hour},
	{Name: "cards", By: "customer.id", Kinds: []string{velocity.KindAttempt}, Aggregate: velocity.Distinct, Of: "card.fingerprint", Window: time.Hour},
}

// replayed hands every event of a history on, with its answers.
func replayed(text string, visit func(*Event)) error {
	replay, err := New(Config{Definitions: definitions, Convert: noRates})
	if err != nil {
		return err
	}
	for r := NewReader(strings.NewReader(text)); ; {
		e, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = replay.Take(e)
		}
		if err != nil {
			return err
		}
		visit(e)
	}
}

// TestReplay: each line is answered from what came before it, outcomes at their own times.
func TestReplay(t *testing.T) {
	history := []struct{ line, want string }{
		{`{"time":"2026-03-01T12:00:00Z","id":"p1","customer.id":"c1","card.fingerprint":"a","payment.amount":25.5,"payment.currency":"EUR","approved_at":"2026-03-01T12:00:05Z"}`,
			"attempts=0 approved=0 held=0 hard=0 logins=3600 cards=0"},
		{`{"time":"2026-03-01T12:00:01Z","id":"p2","customer.id":"c1","card.fingerprint":"b","payment.amount":"10.00 EUR","declined_at":"2026-03-01T12:00:03Z","declined_as":"hard"}`,
			"attempts=0 approved=0 held=1 hard=0 logins=3600 cards=1"},
		{`{"time":"2026-03-01T12:00:02Z","id":"l1","event":"login","customer.id":"c1"}`,
			"attempts=missing approved=0 held=2 hard=0 logins=3600 cards=2"},
		{`{ "time" : 1772366404000, "id":"p3","customer.id":"c\u0031","card.fingerprint":"a","_label":7,"card.bin":null,"payment.amount":1,"payment.currency":"EUR"}`,
			"attempts=1 approved=0 held=1 hard=1 logins=2 cards=2"},
		{`{"time":"2026-03-01T12:00:06Z","id":"p4","customer.id":"c1","tenant":"default","payment.amount":"1","payment.currency":"EUR"}`,
			"attempts=missing approved=2550 held=2 hard=1 logins=4 cards=2"},
		{`{"time":"2026-03-01T12:00:06Z","id":"p5","customer.id":"c1","tenant":"other","payment.amount":"1","payment.currency":"EUR"}`,
			"attempts=missing approved=0 held=0 hard=0 logins=3600 cards=0"},
	}
	var text strings.Builder
	for _, h := range history {
		fmt.Fprintf(&text, "%s\n\n", h.line)
	}
	seen := 0
	err := replayed(text.String(), func(e *Event) {
		var got []string
		for i, d := range definitions {
			f := e.Input.Answers[i]
			if f.Missing {
				got = append(got, d.Name+"=missing")
				continue
			}
			got = append(got, fmt.Sprintf("%s=%d", d.Name, f.Value))
		}
		if got := strings.Join(got, " "); got != history[seen].want {
			t.Errorf("%s\n gives %s\n want  %s", history[seen].line, got, history[seen].want)
		}
		if e.Line != 2*seen+1 {
			t.Errorf("line %d, want %d", e.Line, 2*seen+1)
		}
		seen++
	})
	if err != nil || seen != len(history) {
		t.Fatalf("%d events, %v", seen, err)
	}
}

// TestOutcomeLines: an outcome on a line of its own counts as one in a column of its attempt.
func TestOutcomeLines(t *testing.T) {
	const inColumns = `{"time":1772366401000,"id":"p1","customer.id":"c1","payment.amount":"25.50 EUR","approved_at":1772366402000}
{"time":1772366401000,"id":"p2","customer.id":"c1","payment.amount":"10.00 EUR","declined_at":1772366403000,"declined_as":"hard"}
{"time":1772366401000,"id":"p3","customer.id":"c1","payment.amount":"10.00 EUR","ended_at":1772366403000}
{"time":1772366401000,"id":"p4","customer.id":"c1","payment.amount":"10.00 EUR","approved_at":1772366404000}
{"time":1772366405000,"id":"p5","customer.id":"c1","payment.amount":"1.00 EUR","ended_at":1772366406000}
`
	const inLines = `{"time":1772366401000,"id":"p1","customer.id":"c1","payment.amount":"25.50 EUR"}
{"time":1772366401000,"id":"p2","customer.id":"c1","payment.amount":"10.00 EUR"}
{"time":1772366401000,"id":"p3","customer.id":"c1","payment.amount":"10.00 EUR"}
{"time":1772366401000,"id":"p4","customer.id":"c1","payment.amount":"10.00 EUR"}
{"time":1772366402000,"id":"p1","outcome":"approved"}
{"time":1772366403000,"id":"p2","outcome":"declined","declined_as":"hard"}
{"time":1772366403000,"id":"p3","outcome":"ended"}
{"time":1772366404000,"id":"p4","outcome":"approved"}
{"time":1772366404000,"id":"p0","outcome":"approved"}
{"time":1772366405000,"id":"p5","customer.id":"c1","payment.amount":"1.00 EUR"}
`
	answers := func(text string) (last string) {
		err := replayed(text, func(e *Event) {
			if e.Attempt() {
				last = fmt.Sprint(e.Input.Answers)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		return last
	}
	columns, lines := answers(inColumns), answers(inLines)
	if columns != lines || !strings.Contains(columns, "} {3550 false ") || !strings.Contains(columns, "} {2 false ") || !strings.Contains(columns, "} {1 false ") {
		t.Errorf("columns give %s\nlines give   %s", columns, lines)
	}
}

func TestBrokenHistory(t *testing.T) {
	const good = `{"time":"2026-03-01T12:00:00Z","id":"p1"}`
	for line, want := range map[string]string{
		`{"time":1772366404000,"id":"p1","card.fingerprint":"4111 1111 1111 1111"}`:         `line 2: card.fingerprint: holds a card number; put a fingerprint, or the first 6 to 8 digits as card.bin, in its place`,
		`{"time":1772366404,"id":"p2"}`:                                                     `line 2: time: 1772366404 would be in 1970; are these seconds? want milliseconds since 1970, or a time such as 2026-03-01T12:00:00Z`,
		`{"time":1772366404000000,"id":"p2"}`:                                               `line 2: time: 1772366404000000 is more than milliseconds since 1970; are these microseconds?`,
		`{"time":1772366404000,"id":"p2","approved_at":1772366405}`:                         `line 2: approved_at: 1772366405 would be in 1970; are these seconds? want milliseconds since 1970, or a time such as 2026-03-01T12:00:00Z`,
		`{"time":1772366400000,"id":"p1"}`:                                                  `line 2: id: "p1" stands in line 1, too; a payment has one line, and what became of it later an outcome`,
		`{"time":1772366404000,"id":"p2","card.country":"de"}`:                              `line 2: card.country: "de" cannot be; did you mean "DE"?`,
		`{"time":1772366404000,"id":"p2","context.country":"Germany"}`:                      `line 2: context.country: "Germany" cannot be; it is a country of two capital letters, such as "DE"`,
		`{"time":1772366404000,"id":"p2","card.bin":"41111111111"}`:                         `line 2: card.bin: "41111111111" cannot be; a BIN has 6 to 8 digits`,
		`{"time":1772366404000,"id":"p2","context.ip":"10.0.0"}`:                            `line 2: context.ip: "10.0.0" cannot be; it is an address such as "203.0.113.7"`,
		`{"time":1772366404000,"id":"p2","event":"Login "}`:                                 `line 2: event: "Login " is no name of an event; want small letters, digits and underscores, such as login`,
		`{"time":1772366404000,"id":"p2","payment.amount":"1.00","payment.currency":"eur"}`: `line 2: payment.amount: amount "1.00 eur": "eur" is not an ISO 4217 currency; did you mean EUR?`,
		`{"time":1772366404000,"id":"p2","payment.amount":"1.000,00 EUR"}`:                  `line 2: payment.amount: amount "1.000,00 EUR": want digits and at most one point, such as 1000.00`,
		`[]`:                               `line 2: character 1: a line is a JSON object and begins with {`,
		`{"id":"p1"}`:                      `line 2: there is no "time"`,
		`{"time":1772366404000}`:           `line 2: there is no "id"`,
		`{"time":1600000000000,"id":"p2"}`: `line 2: time 2020-09-13T12:26:40Z lies before that of a line above, 2026-03-01T12:00:00Z; sort the lines by time`,
		`{"time":"yesterday","id":"p"}`:    `line 2: time: "yesterday" is neither a time such as 2026-03-01T12:00:00Z nor milliseconds since 1970`,
		`{"time":1772366404000,"id":"p1","card.bim":"411111"}`:                              `line 2: there is no field "card.bim"; did you mean "card.bin"?; a column that is for nobody here begins with _`,
		`{"time":1772366404000,"id":"p1","payment.metadata":{"a":"b"}}`:                     `line 2: character 52: the value of "payment.metadata" is an object or a list; a column has a text, a number, true, false or null`,
		`{"time":1772366404000,"id":"p1","payment.amount":1e3}`:                             `line 2: character 50: the value of "payment.amount" is "1e3"; write a text in quotes, a number, true, false or null`,
		`{"time":1772366404000,"id":"p1","payment.amount":10.999,"payment.currency":"EUR"}`: `line 2: payment.amount: amount "10.999 EUR": EUR has 2 decimals, not 3`,
		`{"time":1772366404000,"id":"p2","approved_at":1600000000000}`:                      `line 2: its outcome of 2020-09-13T12:26:40Z lies before its time`,
		`{"time":1772366404000,"id":"p1","foo":1,"card.bim":"x","bar":2}`:                   `line 2: there is no field "foo"; there is no field "card.bim"; did you mean "card.bin"?; there is no field "bar"; a column that is for nobody here begins with _`,
		`{"time":1772366404000,"id":"p1","outcome":"aproved"}`:                              `line 2: outcome: "aproved" is none of approved, declined, disputed, ended, paid_out, refunded`,
		`{"time":1772366404000,"id":"p1","outcome":"approved","event":"login"}`:             `line 2: a line is an event or an outcome, not both`,
		`{"time":1772366404000,"id":"p1","event":"login","approved_at":1772366404000}`:      `line 2: only an attempt has columns such as approved_at`,
		`{"time":1772366404000,"id":"p1","wallet.reason":"game"}`:                           `line 2: rules of stage before_authorization do not have the field wallet.reason; a column that is for nobody here begins with _`,
		`{"time":1772366404000,"id":"p1","fraud":"maybe"}`:                                  `line 2: fraud: "maybe" is neither true nor false`,
		`{"time":1772366404000,"id":"p1"`:                                                   `line 2: character 32: a comma or } is missing after the value of "id"`,
		`{"time":1772366404000,"id":"p1"} x`:                                                `line 2: character 34: something stands after the object's end`,
		`{"time":1772366404000,"id":"p1`:                                                    `line 2: character 28: a text has no end`,
	} {
		r := NewReader(strings.NewReader(good + "\n" + line + "\n" + strings.Replace(good, "p1", "p9", 1)))
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Next(); err == nil || err.Error() != want {
			t.Errorf("%s\n gives %v\n want  %s", line, err, want)
		}
		if e, err := r.Next(); err != nil || e.Line != 3 {
			t.Errorf("after %s comes %v, want line 3", line, err)
		}
	}
}

// TestSameIDs: a payment stands once in a brand's history; events, outcomes and other brands have ids of their own.
func TestSameIDs(t *testing.T) {
	r := NewReader(strings.NewReader(`{"time":1772366404000,"id":"p1"}
{"time":1772366404000,"id":"p1","tenant":"other"}
{"time":1772366404000,"id":"p1","event":"login"}
{"time":1772366404000,"id":"p1","event":"login"}
{"time":1772366404000,"id":"p1","outcome":"approved"}
{"time":1772366404000,"id":"p1","outcome":"refunded"}
`))
	for range 6 {
		if _, err := r.Next(); err != nil {
			t.Error(err)
		}
	}
}

// TestALineTooLong: a list of all payments on one line is told as that.
func TestALineTooLong(t *testing.T) {
	_, err := NewReader(strings.NewReader("[" + strings.Repeat(" ", 2<<20))).Next()
	if want := "line 1: it is longer than 1048576 bytes; a history has one JSON object to a line, not one list of them all"; err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}

// TestLinesAcrossChunks: it does not matter how the text comes in pieces.
func TestLinesAcrossChunks(t *testing.T) {
	var text bytes.Buffer
	for i := range 40_000 {
		fmt.Fprintf(&text, `{"time":%d,"id":"p%d","customer.id":"c%d"}`+"\n", 1772366404000+i, i, i%7)
	}
	r := NewReader(io.MultiReader(bytes.NewReader(text.Bytes()[:777_777]), bytes.NewReader(text.Bytes()[777_777:text.Len()-1])))
	n := 0
	for ; ; n++ {
		e, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if c := e.Input.Command; c.CommandID != fmt.Sprintf("p%d", n) || c.CustomerID != fmt.Sprintf("c%d", n%7) {
			t.Fatalf("event %d is %+v", n, c)
		}
	}
	if n != 40_000 {
		t.Fatalf("%d events", n)
	}
}

func FuzzReader(f *testing.F) {
	f.Add(`{"time":1772366404000,"id":"p1","payment.amount":"1.00 EUR","approved_at":1772366404001,"payment.metadata.a":"b\u0041"}`)
	f.Add(`{"time":"2026-03-01T12:00:00Z","id":"p1","event":"login"`)
	f.Fuzz(func(t *testing.T, text string) {
		r := NewReader(strings.NewReader(text))
		for {
			_, err := r.Next()
			if err == io.EOF {
				return
			}
			var wrong *LineError
			if err != nil && !errors.As(err, &wrong) {
				t.Fatalf("%v names no line", err)
			}
		}
	})
}
