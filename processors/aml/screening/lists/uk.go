package lists

import (
	"errors"
	"io"
	"strings"
)

// ukColumns are what the two lists of the United Kingdom call the same things. Both have one row for each name, address and
// date of birth of an entry.
type ukColumns struct {
	id, kind, nameType, quality, program, birth, script string
	countries                                           []string
}

var (
	ukSanctions = ukColumns{"unique id", "designation type", "name type", "alias strength", "regime name", "d.o.b", "name non-latin script",
		[]string{"nationality(/ies)", "address country", "current believed flag of ship"}}
	ukConsolidated = ukColumns{"group id", "group type", "alias type", "alias quality", "regime", "dob", "name non-latin script",
		[]string{"nationality", "country"}}
)

var ukNames = []string{"name 1", "name 2", "name 3", "name 4", "name 5", "name 6"}

// readUKSanctions reads the UK Sanctions List, whose first line is "Report Date: 08-Oct-2026".
func readUKSanctions(s *source, l *List) error {
	return readUK(s, l, ukSanctions, "Report Date:", "02-Jan-2006", "2-Jan-2006", "02/01/2006")
}

// readConList reads the older Consolidated List of OFSI, whose first line is "Last Updated,05/06/2026".
func readConList(s *source, l *List) error {
	return readUK(s, l, ukConsolidated, "Last Updated,", "02/01/2006")
}

func readUK(s *source, l *List, columns ukColumns, date string, layouts ...string) error {
	t := newTable(s, 0)
	above, err := t.header(columns.id, "name 6", columns.nameType)
	if err != nil {
		return err
	}
	for _, line := range above {
		if text, ok := strings.CutPrefix(line, date); ok {
			if l.Published, err = s.published(1, strings.Trim(text, ", :"), layouts...); err != nil {
				return err
			}
		}
	}
	if l.Published.IsZero() {
		return s.fail(1, "want a line above the header that begins with %q", date)
	}
	var order []*build
	byID := map[string]*build{}
	for {
		if err := t.read(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		id := t.get(columns.id)
		b := byID[id]
		if b == nil {
			b = begin(l, s.name, t.line, id, ukKind(t.get(columns.kind)))
			byID[id] = b
			order = append(order, b)
		}
		ukRow(t, b, columns)
		if b.fault != "" {
			return t.fail(t.line, "%s", b.fault)
		}
	}
	for _, b := range order {
		entry, err := b.end()
		if err != nil {
			return err
		}
		l.Entries = append(l.Entries, entry)
	}
	return nil
}

func ukRow(t *table, b *build, columns ukColumns) {
	b.record(t.row...)
	var parts []string
	for _, c := range ukNames {
		if part := t.get(c); part != "" {
			parts = append(parts, part)
		}
	}
	strength := Alias
	switch nameType, quality := strings.ToLower(t.get(columns.nameType)), strings.ToLower(t.get(columns.quality)); {
	case nameType == "primary name":
		strength = Primary
	case strings.HasPrefix(quality, "low"):
		strength = Weak
	}
	b.name(strings.Join(parts, " "), strength)
	if script := t.get(columns.script); script != "" {
		b.name(script, Alias)
	}
	for _, text := range numbered(t.get(columns.birth)) {
		birth, ok := slashedBirth(text)
		b.born(birth, ok, text)
	}
	for _, column := range columns.countries {
		for _, c := range numbered(t.get(column)) {
			b.country(c)
		}
	}
	b.program(t.get(columns.program))
}

func ukKind(text string) Kind {
	switch strings.ToLower(text) {
	case "individual":
		return Person
	case "ship":
		return Vessel
	}
	return Entity
}

// numbered parts "(1) Syria (2) Lebanon", "Syria|Lebanon" and "Syria".
func numbered(text string) []string {
	var parts []string
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '|' || r == ';' || r == '(' }) {
		if number, rest, ok := strings.Cut(part, ")"); ok && strings.Trim(number, "0123456789") == "" && number != "" {
			part = rest
		} else if ok {
			continue // a remark
		}
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}
