// Package fiction makes lists and customers that do not exist, of any size, for tests and measurements. The same seed makes the
// same ones.
package fiction

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/weirhq/weir/processors/aml/screening"
	"github.com/weirhq/weir/processors/aml/screening/lists"
)

// Source draws names.
type Source struct{ r *rand.Rand }

// New begins to draw.
func New(seed uint64) *Source { return &Source{rand.New(rand.NewPCG(seed, 0))} }

// What names are made of: given names that many have, parts of family names, and words that companies are called by.
var (
	given = strings.Fields(`Mohammed Ahmed Ali Hassan Hussein Omar Khalid Ibrahim Yusuf Abdullah Karim Sergei Ivan Alexander Dmitri Andrei Mikhail Nikolai Vladimir
Olga Elena Natalia John James Robert William Mary Maria Jose Juan Carlos Luis Ana Giovanni Marco Hans Peter Klaus Jean Pierre Mehmet Mustafa Kim Wei Ming Li Nguyen
Fatima Aisha Tariq Jamil Gul Amadou Ousmane Blessing Chidi Rajesh Sunita`)
	begins   = strings.Fields("vol ber dro kra sha qur had tan sta mog tsa zhu pav gor bel kov dra mil sto haz ben tur dar mas sul kap pur war bou wes kja wój pap mav ach bas zha ost")
	middles  = strings.Fields("kon ez dov sno rai dad gva nek ile ra vl los ni zi nko ji vo nko bi zar kma wi hu la ma sa me the nas ro ta mat ha")
	ends     = strings.Fields("sky skiy ov ev in enko ovic yan adze shvili li i adin ani awi zai oglu sen son mann berg ero ez os is akis idis wala kar")
	business = strings.Fields("Trading Shipping Holding International General Oil Petrochemical Marine Bank Investment Construction Logistics Import Export Industries Energy Transport Steel")
	forms    = strings.Fields("LLC Ltd Limited Corp Corporation Co JSC GmbH SA FZE PJSC OOO Inc")
	homes    = strings.Fields("RU IR SY IQ AF KP CU VE LY SD MM BY AE CN PK NG ML SO YE LB TR DE FR GB US")
)

func (s *Source) of(words []string) string { return words[s.r.IntN(len(words))] }

// Surname is a family name, of some two hundred thousand.
func (s *Source) Surname() string {
	name := s.of(begins) + s.of(middles)
	if s.r.IntN(3) == 0 {
		name += s.of(middles)
	}
	name += s.of(ends)
	return strings.ToUpper(name[:1]) + name[1:]
}

// Person is a person's name, of two or three words.
func (s *Source) Person() string {
	name := s.of(given)
	if s.r.IntN(2) == 0 {
		name += " " + s.of(given)
	}
	return name + " " + s.Surname()
}

// Company is a company's name.
func (s *Source) Company() string {
	name := s.Surname() + " " + s.of(business)
	if s.r.IntN(2) == 0 {
		name += " " + s.of(business)
	}
	return name + " " + s.of(forms)
}

// Birth is a date of birth.
func (s *Source) Birth() lists.Birth {
	day := time.Date(1940, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, s.r.IntN(60*365))
	return lists.Birth{From: day, To: day}
}

// Misspell changes a letter of a name, or its order.
func (s *Source) Misspell(name string) string {
	letters := []rune(name)
	switch i := s.r.IntN(len(letters)); s.r.IntN(4) {
	case 0:
		return string(append(letters[:i:i], letters[i+1:]...))
	case 1:
		letters[i] = rune('a' + s.r.IntN(26))
	case 2:
		if i > 0 {
			letters[i-1], letters[i] = letters[i], letters[i-1]
		}
	default:
		words := strings.Fields(name)
		s.r.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
		return strings.Join(words, " ")
	}
	return string(letters)
}

// List is a list of so many entries, as a simplified table of targets is.
func (s *Source) List(name string, entries int) string {
	var b strings.Builder
	b.WriteString("id,schema,name,aliases,birth_date,countries\n")
	for i := range entries {
		if i%4 == 3 {
			company := s.Company()
			fmt.Fprintf(&b, "%s-%d,Company,%s,%s,,%s\n", name, i, company, s.Misspell(company), strings.ToLower(s.of(homes)))
			continue
		}
		person := s.Person()
		fmt.Fprintf(&b, "%s-%d,Person,%s,%s;%s,%s,%s\n", name, i, person, s.Misspell(person), s.Person(), s.Birth(), strings.ToLower(s.of(homes)))
	}
	return b.String()
}

// Customers are so many people, of whom one in so many is an entry, misspelt.
func (s *Source) Customers(count int, entries []*lists.Entry, oneIn int) []screening.Subject {
	all := make([]screening.Subject, count)
	for i := range all {
		c := screening.Subject{ID: fmt.Sprintf("c-%d", i), Name: s.Person(), Kind: lists.Person, Births: []lists.Birth{s.Birth()}, Countries: []string{s.of(homes)}}
		if s.r.IntN(oneIn) == 0 {
			e := entries[s.r.IntN(len(entries))]
			c.Name, c.Kind, c.Births, c.Countries = s.Misspell(e.Names[0].Text), "", e.Births, e.Countries
			if len(strings.TrimSpace(c.Name)) == 0 {
				c.Name = e.Names[0].Text
			}
		}
		all[i] = c
	}
	return all
}
