package screening

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/weirhq/weir/processors/aml/screening/lists"
	"github.com/weirhq/weir/processors/aml/screening/names"
)

// DefaultThreshold is the score from which a pair is a hit.
const DefaultThreshold = 85

// What besides the name adds to a score, or takes from it.
const (
	bornSameDay    = 10
	bornFits       = 5 // a year, a month or a range that the day is in
	bornAbout      = 3 // circa
	bornSwapped    = 0 // day and month may be swapped
	bornNear       = -5
	bornYearApart  = -10
	bornOtherwise  = -30
	countrySame    = 4
	countryOther   = -4
	weakName       = -15
	otherKind      = -15
	mostAdded      = bornSameDay + countrySame
	circaYears     = 2
	nearDays       = 366
	wantedEvidence = 60 // what matching words must weigh: one common name does not
	bornEvidence   = 40 // what the same day of birth weighs of that
	placeEvidence  = 10
	oneWordAtMost  = 70 // the score of a person's name of which one word of several matches
)

// Subject is whom to screen.
type Subject struct {
	ID        string // of the customer; "" for a look by name
	Name      string
	Others    []string      // other names; the likeliest of all counts
	Kind      lists.Kind    // "" where it is not known
	Births    []lists.Birth // when born; none where it is not known
	Countries []string      // ISO 3166-1: nationality, residence
	words     names.Name    // the name that is looked up, taken apart
}

// Reason is one part of a score, in words.
type Reason struct {
	Points int    `json:"points"`
	Text   string `json:"text"`
}

// Hit is an entry that a subject may be.
type Hit struct {
	Customer string
	Subject  string // the name that is like the entry's
	Score    int
	Hash     string // of the entry and of what is known of the subject: another is another hit
	Entry    *lists.Entry
	Name     lists.Name // of the entry, that the subject's is most like
	Reasons  []Reason
	Note     string // why it counts although it was put aside before
	words    names.Comparison
	at       int32 // of Name in the index; the first of several as good ones is told
}

// score is how much a subject is like an entry by one of its names, 0 to 100.
func score(s *Subject, e *lists.Entry, name *names.Name, strength lists.Strength) (int, names.Comparison) {
	c := names.Compare(&s.words, name)
	if c.Score == 0 {
		return 0, c
	}
	points := c.Score
	evidence := c.Evidence
	if bornAs(s.Births, e.Births).points == bornSameDay {
		evidence += bornEvidence
	}
	if livesIn(s.Countries, e.Countries) > 0 {
		evidence += placeEvidence
	}
	if evidence < wantedEvidence {
		points = points * evidence / wantedEvidence
	}
	if e.Kind == lists.Person && c.Heavy+c.Initials < 2 && max(s.words.Heavy, name.Heavy) > 1 {
		points = min(points, oneWordAtMost)
	}
	return points + besides(s, e, strength), c
}

// besides is what else than the name counts.
func besides(s *Subject, e *lists.Entry, strength lists.Strength) int {
	points := bornAs(s.Births, e.Births).points + livesIn(s.Countries, e.Countries)
	if strength == lists.Weak {
		points += weakName
	}
	if s.Kind != "" && (s.Kind == lists.Person) != (e.Kind == lists.Person) {
		points += otherKind
	}
	return points
}

// clamp is a score as it is told.
func clamp(points int) int { return min(max(points, 0), 100) }

// birth is how two dates of birth fit.
type birth struct {
	points          int
	subject, listed lists.Birth
	known           bool
}

// bornAs compares dates of birth; the best of all that are known counts.
func bornAs(subject, listed []lists.Birth) (best birth) {
	for _, s := range subject {
		for _, l := range listed {
			if points := bornOn(s, l); !best.known || points > best.points {
				best = birth{points, s, l, true}
			}
		}
	}
	return best
}

func bornOn(s, l lists.Birth) (points int) {
	from, to := l.From, l.To
	if l.Circa {
		from, to = from.AddDate(-circaYears, 0, 0), to.AddDate(circaYears, 0, 0)
	}
	exact := s.Exact() && l.Exact()
	switch {
	case exact && s.From.Equal(l.From):
		return bornSameDay
	case !s.From.After(to) && !from.After(s.To):
		if l.Circa || s.Circa {
			return bornAbout
		}
		return bornFits
	case exact && s.From.Year() == l.From.Year() && s.From.Day() == int(l.From.Month()) && l.From.Day() == int(s.From.Month()):
		return bornSwapped
	case s.From.Year() == l.From.Year():
		return bornNear
	}
	apart := from.Sub(s.To)
	if s.From.After(to) {
		apart = s.From.Sub(to)
	}
	if apart <= nearDays*24*time.Hour {
		return bornYearApart
	}
	return bornOtherwise
}

func (b *birth) String() string {
	switch {
	case b.points == bornSameDay:
		return "the same date of birth, " + b.listed.String()
	case b.points == bornSwapped:
		return fmt.Sprintf("born %s, listed %s: day and month may be swapped", b.subject, b.listed)
	case b.points > 0:
		return fmt.Sprintf("born %s, listed %s", b.subject, b.listed)
	}
	return fmt.Sprintf("born %s, but listed %s", b.subject, b.listed)
}

// livesIn compares countries.
func livesIn(subject, listed []string) (points int) {
	if len(subject) == 0 || len(listed) == 0 {
		return 0
	}
	if slices.ContainsFunc(subject, func(c string) bool { return slices.Contains(listed, c) }) {
		return countrySame
	}
	return countryOther
}

// explain is the score of a hit in words, part by part.
func explain(s *Subject, e *lists.Entry, name *names.Name, strength lists.Strength, c *names.Comparison, points int) []Reason {
	rest := besides(s, e, strength)
	reasons := []Reason{{points - rest, "name: " + explainWords(&s.words, name, c)}}
	if points-rest < c.Score {
		if e.Kind == lists.Person && c.Heavy+c.Initials < 2 && points-rest == oneWordAtMost {
			reasons[0].Text += fmt.Sprintf("; %d at most, as one word of several matches", oneWordAtMost)
		} else {
			reasons[0].Text += fmt.Sprintf("; %d by the words alone, less as they are common", c.Score)
		}
	}
	if born := bornAs(s.Births, e.Births); born.known {
		reasons = append(reasons, Reason{born.points, born.String()})
	}
	switch place := livesIn(s.Countries, e.Countries); {
	case place > 0:
		i := slices.IndexFunc(s.Countries, func(c string) bool { return slices.Contains(e.Countries, c) })
		reasons = append(reasons, Reason{place, "the same country, " + s.Countries[i]})
	case place < 0:
		reasons = append(reasons, Reason{place, fmt.Sprintf("of %s, but listed with %s", strings.Join(s.Countries, ", "), strings.Join(e.Countries, ", "))})
	}
	if strength == lists.Weak {
		reasons = append(reasons, Reason{weakName, "the list calls this a weak alias"})
	}
	if s.Kind != "" && (s.Kind == lists.Person) != (e.Kind == lists.Person) {
		reasons = append(reasons, Reason{otherKind, fmt.Sprintf("%s, but listed as %s", s.Kind, e.Kind)})
	}
	return reasons
}

func explainWords(a, b *names.Name, c *names.Comparison) string {
	var parts []string
	usedA, usedB := make([]bool, len(a.Words)), make([]bool, len(b.Words))
	text := func(n *names.Name, used []bool, i, also int) string {
		used[i] = true
		if also < 0 {
			return n.Words[i].Text
		}
		used[also] = true
		return n.Words[i].Text + " " + n.Words[also].Text
	}
	for _, p := range c.Pairs {
		one, two := text(a, usedA, p.A, p.A2), text(b, usedB, p.B, p.B2)
		if p.How == names.Same {
			parts = append(parts, fmt.Sprintf("%s (the same, weight %d)", one, p.WeightA))
			continue
		}
		weights := fmt.Sprint(p.WeightA)
		if p.WeightA != p.WeightB {
			weights += fmt.Sprintf(" and %d", p.WeightB)
		}
		parts = append(parts, fmt.Sprintf("%s ~ %s (%s %d %%, weight %s)", one, two, p.How, p.Likeness, weights))
	}
	for _, side := range []struct {
		what string
		name *names.Name
		used []bool
	}{{"only the customer's: ", a, usedA}, {"only listed: ", b, usedB}} {
		var left []string
		for i, used := range side.used {
			if !used {
				left = append(left, fmt.Sprintf("%s (%s, weight %d)", side.name.Words[i].Text, side.name.Words[i].Class, side.name.Weights[i]))
			}
		}
		if len(left) > 0 {
			parts = append(parts, side.what+strings.Join(left, ", "))
		}
	}
	return strings.Join(parts, "; ")
}
