package lists

import (
	"errors"
	"io"
	"strings"
)

// readSimple reads a table of targets as OpenSanctions simplifies them (targets.simple.csv): politically exposed persons,
// where it is that data set.
func readSimple(s *source, l *List) error {
	t := newTable(s, 0)
	if _, err := t.header("id", "schema", "name", "aliases", "birth_date", "countries"); err != nil {
		return err
	}
	ids := unique{}
	for {
		if err := t.read(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		b := begin(l, s.name, t.line, t.get("id"), simpleKind(t.get("schema")))
		for i, text := range t.row {
			if i != t.columns["last_seen"] { // when the data set was made, which is every day
				b.record(text)
			}
		}
		b.name(t.get("name"), Primary)
		for _, a := range t.several("aliases", ";") {
			b.name(a, Alias)
		}
		for _, text := range t.several("birth_date", ";") {
			birth, err := ParseBirth(strings.TrimSpace(text))
			b.born(birth, err == nil, text)
		}
		for _, c := range t.several("countries", ";") {
			b.country(c)
		}
		programs := t.several("program_ids", ";")
		if len(programs) == 0 {
			programs = t.several("dataset", ";")
		}
		for _, p := range programs {
			b.program(p)
		}
		if err := l.add(ids, b); err != nil {
			return err
		}
	}
}

func simpleKind(schema string) Kind {
	switch schema {
	case "Person":
		return Person
	case "Vessel":
		return Vessel
	case "Airplane":
		return Aircraft
	}
	return Entity
}
