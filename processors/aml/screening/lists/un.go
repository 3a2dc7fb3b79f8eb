package lists

import (
	"encoding/xml"
	"strings"
	"time"
)

// unEntry is an individual or an entity of the Consolidated List of the United Nations Security Council.
type unEntry struct {
	Raw           string    `xml:",innerxml"`
	ID            string    `xml:"DATAID"`
	First         string    `xml:"FIRST_NAME"`
	Second        string    `xml:"SECOND_NAME"`
	Third         string    `xml:"THIRD_NAME"`
	Fourth        string    `xml:"FOURTH_NAME"`
	Original      string    `xml:"NAME_ORIGINAL_SCRIPT"`
	Program       string    `xml:"UN_LIST_TYPE"`
	Nationalities []string  `xml:"NATIONALITY>VALUE"`
	Individual    []unAlias `xml:"INDIVIDUAL_ALIAS"`
	Entity        []unAlias `xml:"ENTITY_ALIAS"`
	Homes         []string  `xml:"INDIVIDUAL_ADDRESS>COUNTRY"`
	Seats         []string  `xml:"ENTITY_ADDRESS>COUNTRY"`
	Births        []struct {
		Type string `xml:"TYPE_OF_DATE"`
		Date string `xml:"DATE"`
		Year string `xml:"YEAR"`
		From string `xml:"FROM_YEAR"`
		To   string `xml:"TO_YEAR"`
		Note string `xml:"NOTE"`
	} `xml:"INDIVIDUAL_DATE_OF_BIRTH"`
}

type unAlias struct {
	Quality string `xml:"QUALITY"`
	Name    string `xml:"ALIAS_NAME"`
}

func readUN(s *source, l *List) error {
	m := newMarkup(s)
	ids := unique{}
	var sections []string
	err := m.walk(func(e xml.StartElement) (err error) {
		l.Published, err = s.published(m.line, attribute(e, "dateGenerated"), time.RFC3339, "2006-01-02T15:04:05", time.DateOnly)
		return err
	}, func(e xml.StartElement) (open bool, err error) {
		kind := Person
		switch e.Name.Local {
		case "INDIVIDUALS", "ENTITIES":
			sections = appendNew(sections, e.Name.Local)
			return true, nil
		case "INDIVIDUAL":
		case "ENTITY":
			kind = Entity
		default:
			return false, m.decoder.Skip()
		}
		line := m.line
		var entry unEntry
		if err := m.decoder.DecodeElement(&entry, &e); err != nil {
			return false, err
		}
		return false, l.add(ids, unBuild(l, s.name, line, kind, &entry))
	})
	if err == nil && len(sections) < 2 {
		return m.fail(0, "want the sections INDIVIDUALS and ENTITIES, be one empty, and there is %q: it is not the whole list", sections)
	}
	return err
}

func unBuild(l *List, file string, line int, kind Kind, e *unEntry) *build {
	b := begin(l, file, line, e.ID, kind)
	b.record(e.Raw)
	b.name(strings.Join([]string{e.First, e.Second, e.Third, e.Fourth}, " "), Primary)
	b.name(e.Original, Alias)
	for _, a := range append(e.Individual, e.Entity...) {
		strength := Alias
		if strings.EqualFold(strings.TrimSpace(a.Quality), "low") {
			strength = Weak
		}
		b.name(a.Name, strength)
	}
	for _, d := range e.Births {
		circa := strings.EqualFold(d.Type, "APPROXIMATELY")
		switch date := strings.TrimSpace(d.Date); {
		case len(date) >= len(time.DateOnly):
			birth, err := ParseBirth(date[:len(time.DateOnly)])
			birth.Circa = circa
			b.born(birth, err == nil, date)
		case d.From != "" || d.To != "":
			birth, ok := yearsBirth(strings.TrimSpace(d.From), strings.TrimSpace(d.To), circa)
			b.born(birth, ok, d.From+" to "+d.To)
		case d.Year != "":
			birth, ok := yearsBirth(strings.TrimSpace(d.Year), "", circa)
			b.born(birth, ok, d.Year)
		case strings.TrimSpace(d.Note) != "":
			birth, ok := englishBirth(strings.ReplaceAll(d.Note, ".", ""))
			b.born(birth, ok, d.Note)
		}
	}
	for _, countries := range [][]string{e.Nationalities, e.Homes, e.Seats} {
		for _, c := range countries {
			b.country(c)
		}
	}
	b.program(e.Program)
	return b
}
