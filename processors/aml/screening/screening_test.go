package screening_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/processors/aml/screening"
	"github.com/weirhq/weir/processors/aml/screening/fiction"
	"github.com/weirhq/weir/processors/aml/screening/lists"
	"github.com/weirhq/weir/processors/aml/screening/names"
)

const data = "../../../testdata/screening/"

// made is a list of fictional entries.
func made(t testing.TB, name, text string) *lists.List {
	t.Helper()
	all, err := lists.Load(fstest.MapFS{name + ".csv": &fstest.MapFile{Data: []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

// told are hits in one line each.
func told(hits []screening.Hit) []string {
	var all []string
	for _, h := range hits {
		all = append(all, fmt.Sprintf("%s %d %s %s %s", h.Customer, h.Score, h.Entry.ID, h.Entry.Hash, h.Name.Text))
	}
	slices.Sort(all)
	return all
}

// TestIndexFindsAll is S1.
func TestIndexFindsAll(t *testing.T) {
	f := fiction.New(1)
	l := made(t, "some", f.List("some", 150))
	weights := screening.Count([]*lists.List{l})
	entries := screening.Entries([]*lists.List{l})
	search, brute := screening.NewIndex(entries, weights, screening.DefaultThreshold).NewSearch(), screening.NewBrute(entries, weights)
	found := 0
	check := func(s screening.Subject) error {
		want, got := told(brute.Hits(s)), told(search.Hits(s))
		found += len(got)
		if !slices.Equal(got, want) {
			return fmt.Errorf("%+v\ngot  %s\nwant %s", s, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
		return nil
	}
	for _, s := range f.Customers(200, entries, 2) {
		if err := check(s); err != nil {
			t.Fatal(err)
		}
	}
	if found < 50 {
		t.Errorf("%d hits; the test looks at nothing", found)
	}
	rapid.Check(t, func(t *rapid.T) {
		e := rapid.SampledFrom(entries).Draw(t, "entry")
		name := rapid.SampledFrom(e.Names).Draw(t, "name").Text
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			name = change(t, name)
		}
		s := screening.Subject{Name: name}
		if rapid.Bool().Draw(t, "born") {
			s.Births = e.Births
		}
		if err := check(s); err != nil {
			t.Fatal(err)
		}
	})
}

// TestIndexFindsTheOdd: what is found by less than whole words, held against a look at every name.
func TestIndexFindsTheOdd(t *testing.T) {
	for listed, name := range map[string]string{
		"S. V. Zhurinsky":          "Sergei Vikentiev Zhurinsky",
		"Sergei Vikentiev Zhurin":  "S. V. Zhurin",
		"Gholamreza Purmand":       "Gholam Reza Purmand",
		"Gholam Reza Purmand":      "Purmand Gholamreza",
		"Yousef Haddadin Mohammed": "Mohamad Yusuf Haddadeen",
		"عبد الرحمن درويش":         "Darwish Abdulrahman",
		"Mohammed Ali Hassan":      "Hasan Ali Muhammad",
		"Wolfgang Jungnickelmann":  "Wolfgang Yungnikelmann",
		"First Eastern Bank":       "Eastern First Bank",
		"Halcyon Dawn Marine":      "HalcyonDawn Marine Services Ltd",
		"Akhmatov Ramzan":          "Ramsan Achmatow",
	} {
		l := made(t, "some", "id,schema,name,aliases,birth_date,countries\nQ1,Person,"+listed+",,,no\n")
		entries := screening.Entries([]*lists.List{l})
		s := screening.Subject{Name: name}
		want := told(screening.NewBrute(entries, names.Weights{}).Hits(s))
		got := told(screening.NewIndex(entries, names.Weights{}, screening.DefaultThreshold).NewSearch().Hits(s))
		if len(want) != 1 || !slices.Equal(got, want) {
			t.Errorf("%s, %s: got %v, want %v", listed, name, got, want)
		}
	}
}

// change does to a name what people do.
func change(t *rapid.T, name string) string {
	words := strings.Fields(name)
	if len(words) == 0 {
		return name
	}
	i := rapid.IntRange(0, len(words)-1).Draw(t, "word")
	switch rapid.IntRange(0, 5).Draw(t, "change") {
	case 0:
		words = append(words[:i:i], words[i+1:]...)
	case 1:
		words[i] = string([]rune(words[i])[:1])
	case 2:
		if i > 0 {
			words[i-1], words[i] = words[i], words[i-1]
		}
	case 3:
		letters := []rune(words[i])
		letters[rapid.IntRange(0, len(letters)-1).Draw(t, "letter")] = rapid.RuneFrom([]rune("aehiklosuyzжنΣ ")).Draw(t, "rune")
		words[i] = string(letters)
	case 4:
		if i > 0 {
			words[i-1] += words[i]
			words = append(words[:i:i], words[i+1:]...)
		}
	default:
		words = append(words, rapid.SampledFrom(strings.Fields("al Trading Ltd Mohammed Smith X")).Draw(t, "more"))
	}
	return strings.Join(words, " ")
}

// TestDifference is S2: screening what has changed is the difference of screening everything twice.
func TestDifference(t *testing.T) {
	f := fiction.New(2)
	header, text, _ := strings.Cut(f.List("l", 60), "\n")
	rows := strings.Split(strings.TrimSpace(text), "\n")
	news := strings.Split(strings.TrimSpace(strings.SplitN(f.List("n", 20), "\n", 2)[1]), "\n")
	list := func(rows []string) []*lists.List {
		return []*lists.List{made(t, "peps", header+"\n"+strings.Join(rows, "\n")+"\n")}
	}
	old := list(rows)
	customers := f.Customers(60, screening.Entries(old), 2)
	weights := screening.Count(old)
	full := func(entries []*lists.Entry) []screening.Hit {
		return slices.Concat(screening.NewIndex(entries, weights, screening.DefaultThreshold).Each(customers, 2)...)
	}
	before := told(full(screening.Entries(old)))
	differences := 0
	rapid.Check(t, func(t *rapid.T) {
		next := slices.Clone(rows)
		for range rapid.IntRange(0, 8).Draw(t, "changes") {
			i := rapid.IntRange(0, len(next)-1).Draw(t, "row")
			switch rapid.IntRange(0, 2).Draw(t, "change") {
			case 0:
				next = slices.Delete(next, i, i+1)
			case 1:
				fields := strings.Split(next[i], ",")
				fields[5] = "de"
				next[i] = strings.Join(fields, ",")
			default:
				if row := rapid.SampledFrom(news).Draw(t, "new"); !slices.Contains(next, row) {
					next = append(next, row)
				}
			}
		}
		lists := list(next)
		change := screening.Compare(old, lists, &screening.Allowed{}, time.Time{})
		gone, come := change.Indexes(weights, screening.DefaultThreshold)
		after := told(full(screening.Entries(lists)))
		wantCome := slices.DeleteFunc(slices.Clone(after), func(h string) bool { return slices.Contains(before, h) })
		wantGone := slices.DeleteFunc(slices.Clone(before), func(h string) bool { return slices.Contains(after, h) })
		gotCome, gotGone := told(slices.Concat(come.Each(customers, 2)...)), told(slices.Concat(gone.Each(customers, 2)...))
		differences += len(wantCome) + len(wantGone)
		if !slices.Equal(gotCome, wantCome) || !slices.Equal(gotGone, wantGone) {
			t.Fatalf("come %v\nwant %v\ngone %v\nwant %v", gotCome, wantCome, gotGone, wantGone)
		}
	})
	if differences == 0 {
		t.Error("nothing ever differed")
	}
}

func TestAllowed(t *testing.T) {
	l := made(t, "peps", "id,schema,name,aliases,birth_date,countries\nQ1,Person,Ingrid Tangvald,,1959-03-16,no\n")
	hits := func(l *lists.List) []screening.Hit {
		entries := screening.Entries([]*lists.List{l})
		return screening.NewIndex(entries, names.Weights{}, screening.DefaultThreshold).NewSearch().Hits(screening.Subject{ID: "c-1", Name: "Ingrid Tangvald"})
	}
	found := hits(l)
	if len(found) != 1 {
		t.Fatal(found)
	}
	row := "customer,list,entry,hash,reason,author,expires\nc-1,peps,Q1," + found[0].Hash + ",another person,ann,2027-01-31\n"
	allowed, err := screening.ReadAllowed(strings.NewReader(row))
	if err != nil {
		t.Fatal(err)
	}
	at := func(text string) time.Time {
		day, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return day
	}
	count, aside := allowed.Split(found, at("2027-01-31T23:59:59Z"))
	if len(count) != 0 || len(aside) != 1 || aside[0].Why != "another person, by ann, until 2027-01-31" {
		t.Errorf("%v %v", count, aside)
	}
	note := func(hits []screening.Hit) string {
		if len(hits) != 1 {
			t.Fatal(hits)
		}
		return hits[0].Note
	}
	if count, _ = allowed.Split(found, at("2027-02-01T00:00:00Z")); note(count) != "was put aside by ann (another person), which is over" {
		t.Error(count)
	}
	changed := hits(made(t, "peps", "id,schema,name,aliases,birth_date,countries\nQ1,Person,Ingrid Tangvald,,1959-03-16,no;se\n"))
	if count, _ = allowed.Split(changed, at("2026-12-01T00:00:00Z")); note(count) != "was put aside by ann (another person), but the entry or the customer has changed since" {
		t.Error(count)
	}
	// So it does where the customer is another by now, and where the entry says something that is not read.
	for _, s := range []screening.Subject{{ID: "c-1", Name: "Ingrid Solveig Tangvald"}, {ID: "c-1", Name: "Ingrid Tangvald", Countries: []string{"NO"}},
		{ID: "c-1", Name: "Ingrid Tangvald", Others: []string{"Inga"}}, {ID: "c-1", Name: "Ingrid Tangvald", Kind: lists.Person}} {
		count, aside = allowed.Split(screening.NewIndex(screening.Entries([]*lists.List{l}), names.Weights{}, 80).NewSearch().Hits(s), at("2026-12-01T00:00:00Z"))
		if len(aside) != 0 || !strings.Contains(note(count), "the customer has changed") {
			t.Errorf("%+v: %v", s, aside)
		}
	}
	// What is over is looked at again, be the entry as it was.
	for day, want := range map[string]int{"2027-01-31T23:59:59Z": 0, "2027-02-01T00:00:00Z": 1} {
		change := screening.Compare([]*lists.List{l}, []*lists.List{l}, allowed, at(day))
		_, next := change.Indexes(names.Weights{}, 85)
		if change.Again != want || next.Len() != want || change.Added+change.Changed+change.Removed != 0 {
			t.Errorf("%s: %+v", day, change)
		}
	}
	other := slices.Clone(found)
	other[0].Customer = "c-2"
	if count, _ = allowed.Split(other, at("2026-12-01T00:00:00Z")); note(count) != "" {
		t.Error(count)
	}
	for text, want := range map[string]string{
		"":  "line 1: want the columns customer,list",
		"a": "line 1: want the columns customer,list",
		strings.Replace(row, "2027-01-31", "31.01.2027", 1): `line 2: expires: "31.01.2027" is no day`,
		strings.Replace(row, "ann", " ", 1):                 "line 2: author is empty",
		row + "c-1,x\n":                                     "wrong number of fields",
	} {
		if _, err := screening.ReadAllowed(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestOtherNames: a customer of several names is what customers of one name each are, once for each entry, by the likeliest.
func TestOtherNames(t *testing.T) {
	f := fiction.New(4)
	l := made(t, "some", f.List("some", 100))
	entries := screening.Entries([]*lists.List{l})
	search := screening.NewIndex(entries, screening.Count([]*lists.List{l}), 60).NewSearch()
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		s := screening.Subject{ID: "c"}
		best := map[string]screening.Hit{}
		for i := range rapid.IntRange(1, 4).Draw(t, "names") {
			name := rapid.SampledFrom(rapid.SampledFrom(entries).Draw(t, "entry").Names).Draw(t, "name").Text
			name = change(t, name)
			if i == 0 {
				s.Name = name
			} else {
				s.Others = append(s.Others, name)
			}
			for _, hit := range search.Hits(screening.Subject{ID: "c", Name: name}) {
				if before, there := best[hit.Entry.ID]; !there || hit.Score > before.Score {
					best[hit.Entry.ID] = hit
				}
			}
		}
		want, got := told(slices.Collect(maps.Values(best))), search.Hits(s)
		if !slices.Equal(told(got), want) {
			t.Fatalf("%+v\ngot  %s\nwant %s", s, told(got), want)
		}
		for i, hit := range got {
			if hit.Subject != best[hit.Entry.ID].Subject || i > 0 && hit.Score > got[i-1].Score {
				t.Fatal(got)
			}
		}
		found += len(got)
	})
	if found < 100 {
		t.Errorf("%d hits; the test looks at nothing", found)
	}
}

// TestCommonWordsAloneAreNobody: what many are called is no hit, be it all that an entry is called.
func TestCommonWordsAloneAreNobody(t *testing.T) {
	l := made(t, "peps", `id,schema,name,aliases,birth_date,countries
1,Company,CORP,Corporation;The Company Ltd,,us
2,Person,Mohammed,MUHAMMAD;Ali,1970-01-01,eg
3,Company,Paeksan Trading Corporation,Bank;General Trading,,us
`)
	search := screening.NewIndex(screening.Entries([]*lists.List{l}), names.Weights{}, 70).NewSearch()
	for _, name := range []string{"CORP", "Corporation", "the company ltd", "MOHAMMED", "Mohamad", "Ali", "Bank", "General Trading LLC", "Trading Corporation", "A. B. C.", "Mr Dr"} {
		if hits := search.Hits(screening.Subject{Name: name, Countries: []string{"US"}}); len(hits) > 0 {
			t.Errorf("%s: %d, %v", name, hits[0].Score, hits[0].Reasons)
		}
	}
	if hits := search.Hits(screening.Subject{Name: "Paeksan Corp"}); len(hits) != 1 {
		t.Errorf("a rare word is somebody: %v", hits)
	}
}

// TestPairs holds the figures of the manual.
func TestPairs(t *testing.T) {
	file, err := os.Open(data + "pairs.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	all, groups, wrong, err := screening.Evaluate(file, screening.DefaultThreshold)
	if err != nil {
		t.Fatal(err)
	}
	if all.Pairs() < 300 || all.Precision() < 980 || all.Recall() < 960 || len(wrong) != all.Missed+all.Wrong {
		t.Errorf("%+v", all)
	}
	pairs := 0
	for _, g := range groups {
		pairs += g.Pairs()
	}
	if pairs != all.Pairs() || len(groups) != 7 {
		t.Errorf("%+v", groups)
	}
}

func TestEvaluateRefuses(t *testing.T) {
	header := "group,match,name,birth_date,countries,kind,listed,listed_birth,listed_countries\n"
	for text, want := range map[string]string{
		"":                                "line 1: want the columns",
		header + "a,maybe,X Y,,,,X Y,,\n": `line 2: match: "maybe" is neither yes nor no`,
		header + "a,yes,--,,,,X Y,,\n":    `line 2: name: "--" has no letter`,
		header + "a,yes,X Y,,,,..,,\n":    `line 2: listed: name: ".." has no letter`,
	} {
		if _, _, _, err := screening.Evaluate(strings.NewReader(text), 85); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestSubjects: any bytes may stand for a name, and none of them stops a search.
func TestSubjects(t *testing.T) {
	l := made(t, "some", fiction.New(3).List("some", 50))
	search := screening.NewIndex(screening.Entries([]*lists.List{l}), names.Weights{}, 1).NewSearch()
	rapid.Check(t, func(t *rapid.T) {
		name := string(rapid.SliceOfN(rapid.Byte(), 0, 3000).Draw(t, "name"))
		for _, h := range search.Hits(screening.Subject{Name: name}) {
			if h.Score < 0 || h.Score > 100 || len(h.Reasons) == 0 {
				t.Fatal(h)
			}
		}
	})
}

// TestUnseen: a name that is not what a reader sees is refused, instead of being screened as another.
func TestUnseen(t *testing.T) {
	for what, name := range map[string]string{
		"ISO-8859-1":       "Serg\xe9y V\xf6lkonsky",
		"Hangul filler":    "Sergey Volk\u3164onsky",
		"nothing else":     "\u3164",
		"half-width":       "Sergey Volk\uffa0onsky",
		"blank Braille":    "Sergey Vol\u2800kon\u2800sky",
		"enclosing circle": "Sergey Vol\u20ddkon\u20ddsky",
		"right to left":    "Sergey \u202eyksnokloV",
		"flags":            "Sergey \U0001f1fbolkonsky",
		"black squares":    "Sergey \U0001f185olkonsky",
		"control":          "Sergey Volk\x01onsky",
		"private":          "Sergey Volk\ue000onsky",
		"replaced":         "Serg\ufffdy Volkonsky",
	} {
		if s, err := screening.NewSubject("c", name, "", "", ""); err == nil {
			t.Errorf("%s: %+q is taken", what, s.Name)
		}
		if _, err := screening.NewSubject("c", "Sergey Volkonsky", "", "", "", name); err == nil {
			t.Errorf("%s: taken as another name", what)
		}
	}
	for _, name := range []string{"José\u00a0Ñandú", "Jose\u0301 \u200fعلي\u200e", "Ⅷ № ﬁne ™", "O’Brien\u200b"} {
		if _, err := screening.NewSubject("c", name, "", "", ""); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestCustomerFiles: a mark before the header is passed over, and a quotation mark that is not closed is told.
func TestCustomerFiles(t *testing.T) {
	if _, err := screening.ReadAllowed(strings.NewReader("\ufeff\"customer\",list,entry,hash,reason,author,expires\n")); err != nil {
		t.Error(err)
	}
	c, err := screening.NewCustomers(strings.NewReader("\ufeff\"id\",name\nc1,Ann\nc2,\"Bob\nc3,Sergey Volkonsky\"\nc4,Eve\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"", "line 3: a line break within quotation marks", ""} {
		if _, err := c.Next(); (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestEvasions: each is Sergey Volkonsky to a reader.
func TestEvasions(t *testing.T) {
	all, err := lists.Load(os.DirFS(data + "lists"))
	if err != nil {
		t.Fatal(err)
	}
	search := screening.NewIndex(screening.Entries(all), screening.Count(all), screening.DefaultThreshold).NewSearch()
	for what, c := range map[string][3]string{
		"as listed":           {"Sergey Volkonsky"},
		"Cyrillic dze for s":  {"\u0405ergey Volkonsky"},
		"Cyrillic dze and u":  {"Sergey Volkon\u0455k\u0443"},
		"Latin c in Cyrillic": {"Cергей Волконский"},
		"Greek nu for v":      {"Sergey \u03bdolkonsky"},
		"small capitals":      {"Sᴇʀɢᴇʏ Vᴏʟᴋᴏɴꜱᴋʏ"},
		"a zero for o":        {"Sergey V0lkonsky"},
		"a zero and a one":    {"Sergey V01konsky"},
		"Armenian":            {"Սերգեյ Վոլկոնսկի"},
		"Georgian":            {"სერგეი ვოლკონსკი"},
	} {
		s, err := screening.NewSubject("c", c[0], c[1], "", c[2])
		if err != nil {
			t.Errorf("%s: %v", what, err)
		} else if hits := search.Hits(s); len(hits) == 0 {
			t.Errorf("%s: %+q is not hit", what, c[0])
		}
	}
}

// TestEvidence: what else than the name counts, on both sides of the threshold.
func TestEvidence(t *testing.T) {
	for _, test := range []struct {
		listed, born string
		points       int
		text         string
	}{
		{"1961-04-02", "1961-04-02", 10, "the same date of birth, 1961-04-02"},
		{"1961", "1961-04-02", 5, "born 1961-04-02, listed 1961"},
		{"1961-04-02", "1961", 5, "born 1961, listed 1961-04-02"},
		{"1961-04-02", "1961-02-04", 0, "born 1961-02-04, listed 1961-04-02: day and month may be swapped"},
		{"1961-04-02", "1961-05-30", -5, "born 1961-05-30, but listed 1961-04-02"},
		{"1961-04-02", "1962-03-30", -10, "born 1962-03-30, but listed 1961-04-02"},
		{"1961", "1963", -10, "born 1963, but listed 1961"},
		{"1961-04-02", "1990-01-01", -30, "born 1990-01-01, but listed 1961-04-02"},
		{"1990-01-01;1961-04-02", "1961-04-02", 10, "the same date of birth, 1961-04-02"},
	} {
		l := made(t, "peps", "id,schema,name,aliases,birth_date,countries\nQ1,Person,Ingrid Tangvald,,"+test.listed+",no\n")
		s, err := screening.NewSubject("", "Ingrid Tangvald", "person", test.born, "")
		if err != nil {
			t.Fatal(err)
		}
		hits := screening.NewIndex(screening.Entries([]*lists.List{l}), names.Weights{}, 1).NewSearch().Hits(s)
		if len(hits) != 1 || hits[0].Score != min(100+test.points, 100) || hits[0].Reasons[1] != (screening.Reason{Points: test.points, Text: test.text}) {
			t.Errorf("%+v: %+v", test, hits)
		}
	}
	circa := lists.Entry{List: "x", ID: "1", Kind: lists.Person, Names: []lists.Name{{Text: "Ingrid Tangvald", Strength: lists.Weak}}, Countries: []string{"NO"}}
	about, err := lists.ParseBirth("1959")
	if err != nil {
		t.Fatal(err)
	}
	about.Circa = true
	circa.Births = []lists.Birth{about}
	s, err := screening.NewSubject("", "Ingrid Tangvald", "entity", "1961-06-30", "SE;Denmark")
	if err != nil {
		t.Fatal(err)
	}
	hits := screening.NewIndex([]*lists.Entry{&circa}, names.Weights{}, 1).NewSearch().Hits(s)
	want := []screening.Reason{{Points: 3, Text: "born 1961-06-30, listed circa 1959"}, {Points: -4, Text: "of SE, DK, but listed with NO"},
		{Points: -15, Text: "the list calls this a weak alias"}, {Points: -15, Text: "entity, but listed as person"}}
	if len(hits) != 1 || hits[0].Score != 69 || !slices.Equal(hits[0].Reasons[1:], want) {
		t.Errorf("%+v", hits)
	}
}
