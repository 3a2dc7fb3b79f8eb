package lists

import (
	"encoding/xml"
	"strings"
	"time"
)

// euEntry is an entity of the consolidated list of financial sanctions of the European Union, whose data are attributes.
type euEntry struct {
	Raw        string     `xml:",innerxml"`
	Attributes []xml.Attr `xml:",any,attr"`
	Subject    struct {
		Code string `xml:"code,attr"`
	} `xml:"subjectType"`
	Regulations []struct {
		Program string `xml:"programme,attr"`
	} `xml:"regulation"`
	Names []struct {
		Whole  string `xml:"wholeName,attr"`
		First  string `xml:"firstName,attr"`
		Middle string `xml:"middleName,attr"`
		Last   string `xml:"lastName,attr"`
		Strong string `xml:"strong,attr"`
	} `xml:"nameAlias"`
	Births []struct {
		Calendar string `xml:"calendarType,attr"`
		Circa    string `xml:"circa,attr"`
		Date     string `xml:"birthdate,attr"`
		Day      string `xml:"dayOfMonth,attr"`
		Month    string `xml:"monthOfYear,attr"`
		Year     string `xml:"year,attr"`
		From     string `xml:"yearRangeFrom,attr"`
		To       string `xml:"yearRangeTo,attr"`
	} `xml:"birthdate"`
	Citizenships []euCountry `xml:"citizenship"`
	Addresses    []euCountry `xml:"address"`
}

type euCountry struct {
	Code string `xml:"countryIso2Code,attr"`
}

func readEU(s *source, l *List) error {
	m := newMarkup(s)
	ids := unique{}
	return m.walk(func(e xml.StartElement) (err error) {
		l.Published, err = s.published(m.line, attribute(e, "generationDate"), time.RFC3339, "2006-01-02T15:04:05", time.DateOnly)
		return err
	}, func(e xml.StartElement) (open bool, err error) {
		if e.Name.Local != "sanctionEntity" {
			return false, m.decoder.Skip()
		}
		line := m.line
		var entry euEntry
		if err := m.decoder.DecodeElement(&entry, &e); err != nil {
			return false, err
		}
		return false, l.add(ids, euBuild(l, s.name, line, attribute(e, "logicalId"), &entry))
	})
}

func euBuild(l *List, file string, line int, id string, e *euEntry) *build {
	kind := Entity
	if code := strings.ToLower(e.Subject.Code); code == "person" || code == "p" {
		kind = Person
	}
	b := begin(l, file, line, id, kind)
	for _, a := range e.Attributes {
		b.record(a.Name.Local, a.Value)
	}
	b.record(e.Raw)
	primary := false
	for _, n := range e.Names {
		whole := n.Whole
		if strings.TrimSpace(whole) == "" {
			whole = n.First + " " + n.Middle + " " + n.Last
		}
		strength := Alias
		switch {
		case strings.EqualFold(n.Strong, "false"):
			strength = Weak
		case !primary:
			strength, primary = Primary, true
		}
		b.name(whole, strength)
	}
	for _, d := range e.Births {
		circa := strings.EqualFold(d.Circa, "true")
		if d.Calendar != "" && !strings.EqualFold(d.Calendar, "GREGORIAN") {
			b.born(Birth{}, false, d.Calendar+" "+d.Date+d.Year)
			continue
		}
		switch {
		case d.Date != "":
			birth, err := ParseBirth(d.Date)
			birth.Circa = circa
			b.born(birth, err == nil, d.Date)
		case d.Year != "":
			birth, ok := partsBirth(d.Day, d.Month, d.Year, circa)
			b.born(birth, ok, d.Year+"-"+d.Month+"-"+d.Day)
		case d.From != "" || d.To != "":
			birth, ok := yearsBirth(d.From, d.To, circa)
			b.born(birth, ok, d.From+" to "+d.To)
		}
	}
	for _, countries := range [][]euCountry{e.Citizenships, e.Addresses} {
		for _, c := range countries {
			b.country(c.Code)
		}
	}
	for _, r := range e.Regulations {
		b.program(r.Program)
	}
	return b
}
