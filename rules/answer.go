package rules

import (
	"fmt"
	"strings"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

// answerField is what a velocity answer is to rules; ok is false where the set does not define it.
func (s *Set) answerField(name string) (Field, bool) {
	for _, d := range s.velocity {
		if d.Name == name {
			return velocityField(d), true
		}
	}
	return Field{}, false
}

// Answer reads a velocity answer as tests write it: a number, an amount or a time, as its definition wants.
func (s *Set) Answer(name, text string) (topics.Feature, error) {
	f, ok := s.answerField(name)
	if !ok {
		var known []string
		for _, d := range s.velocity {
			known = append(known, d.Name)
		}
		return topics.Feature{}, fmt.Errorf("no velocity definition is named %q; %s", name, suggest(name, known))
	}
	switch f.Type {
	case TypeMoney:
		m, err := ledger.ParseMoney(text)
		if err != nil {
			return topics.Feature{}, fmt.Errorf("velocity.%s: %w; write it as %s", name, err, f.Example)
		}
		if m.Currency != f.Currency {
			return topics.Feature{}, fmt.Errorf("velocity.%s is always in %s; write it as %s", name, f.Currency, f.Example)
		}
		return topics.Feature{Value: m.Minor}, nil
	case TypeDuration:
		d, err := parseDuration(text)
		if err != nil {
			return topics.Feature{}, fmt.Errorf("velocity.%s: %w; write it as 9m, 24h or 7d", name, err)
		}
		return topics.Feature{Value: int64(d / time.Second)}, nil
	}
	if text == "" || strings.Trim(text, "0123456789") != "" || len(text) > maxDigits {
		return topics.Feature{}, fmt.Errorf("velocity.%s is a whole number, not %q", name, text)
	}
	return topics.Feature{Value: answerOf(text)}, nil
}

// FirstAnswers are what velocity answers to an input where nothing was before: missing, where the input has no value of the
// field that is counted by.
func (s *Set) FirstAnswers(in *Input) map[string]topics.Feature {
	answers := make(map[string]topics.Feature, len(s.velocity))
	for _, d := range s.velocity {
		a := topics.Feature{Missing: in.Text(d.By) == ""}
		if !a.Missing && d.Aggregate == velocity.SinceLast { // the last one is longer ago
			a.Value = int64(d.Window / time.Second)
		}
		answers[d.Name] = a
	}
	return answers
}

// AnswerText writes a velocity answer with its unit: an amount with its currency, a time with the moment that it began at,
// where that is asked. An answer that the set does not define is a number.
func (s *Set) AnswerText(name string, a topics.Feature, asked time.Time) string {
	f, _ := s.answerField(name)
	switch {
	case f.Type == TypeMoney:
		return ledger.Money{Minor: a.Value, Currency: f.Currency}.String()
	case f.Type == TypeDuration:
		d := time.Duration(a.Value) * time.Second
		text := longDuration(d)
		switch {
		case d >= f.window:
			return text + " or more"
		case !asked.IsZero():
			return text + ", since " + asked.Add(-d).UTC().Format(time.RFC3339)
		}
		return text
	}
	return fmt.Sprint(a.Value)
}

// longDuration writes a time in all its units, such as 1d 2h 5m.
func longDuration(d time.Duration) string {
	var parts []string
	for _, unit := range []byte("dhms") {
		if n := d / durationUnits[unit]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d%c", n, unit))
			d -= n * durationUnits[unit]
		}
	}
	if len(parts) == 0 {
		return "0s"
	}
	return strings.Join(parts, " ")
}
