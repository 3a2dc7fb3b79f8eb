package lists

import (
	"encoding/xml"
	"strconv"
	"strings"
)

// sdnEntry is an entry of OFAC's sdn.xml.
type sdnEntry struct {
	Raw       string   `xml:",innerxml"`
	UID       string   `xml:"uid"`
	FirstName string   `xml:"firstName"`
	LastName  string   `xml:"lastName"`
	Type      string   `xml:"sdnType"`
	Programs  []string `xml:"programList>program"`
	Aliases   []struct {
		Category  string `xml:"category"`
		FirstName string `xml:"firstName"`
		LastName  string `xml:"lastName"`
	} `xml:"akaList>aka"`
	Births        []string `xml:"dateOfBirthList>dateOfBirthItem>dateOfBirth"`
	Nationalities []string `xml:"nationalityList>nationality>country"`
	Citizenships  []string `xml:"citizenshipList>citizenship>country"`
	Addresses     []string `xml:"addressList>address>country"`
	Flag          string   `xml:"vesselInfo>vesselFlag"`
}

func readSDN(s *source, l *List) error {
	m := newMarkup(s)
	ids := unique{}
	declared := -1
	err := m.walk(func(xml.StartElement) error { return nil }, func(e xml.StartElement) (open bool, err error) {
		line := m.line
		switch e.Name.Local {
		case "publshInformation", "publishInformation": // OFAC's own spelling is the first
			var info struct {
				Date  string `xml:"Publish_Date"`
				Count string `xml:"Record_Count"`
			}
			if err := m.decoder.DecodeElement(&info, &e); err != nil {
				return false, err
			}
			if declared, err = strconv.Atoi(strings.TrimSpace(info.Count)); err != nil {
				return false, m.fail(line, "Record_Count %q is no number", info.Count)
			}
			l.Published, err = s.published(line, info.Date, "01/02/2006")
			return false, err
		case "sdnEntry":
			var entry sdnEntry
			if err := m.decoder.DecodeElement(&entry, &e); err != nil {
				return false, err
			}
			return false, l.add(ids, sdnBuild(l, s.name, line, &entry))
		}
		return false, m.decoder.Skip()
	})
	if err == nil && declared != len(l.Entries) {
		return m.fail(0, "Record_Count says %d entries, and there are %d: the file is cut off, or not of one piece", declared, len(l.Entries))
	}
	return err
}

func sdnBuild(l *List, file string, line int, e *sdnEntry) *build {
	b := begin(l, file, line, e.UID, ofacKind(e.Type))
	b.record(e.Raw)
	b.name(e.FirstName+" "+e.LastName, Primary)
	for _, a := range e.Aliases {
		strength := Alias
		if a.Category == "weak" {
			strength = Weak
		}
		b.name(a.FirstName+" "+a.LastName, strength)
	}
	for _, text := range e.Births {
		birth, ok := englishBirth(text)
		b.born(birth, ok, text)
	}
	for _, countries := range [][]string{e.Nationalities, e.Citizenships, e.Addresses, {e.Flag}} {
		for _, c := range countries {
			b.country(c)
		}
	}
	for _, p := range e.Programs {
		b.program(p)
	}
	return b
}
