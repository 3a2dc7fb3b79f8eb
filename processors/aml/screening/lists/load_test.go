package lists

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

const fixtures = "../../../../testdata/screening/"

func load(t *testing.T, dir string) map[string]*List {
	t.Helper()
	all, err := Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]*List{}
	for _, l := range all {
		byName[l.Name] = l
	}
	return byName
}

// show is an entry in one line, without its hash.
func show(e *Entry) string {
	text := e.ID + " " + string(e.Kind)
	for _, n := range e.Names {
		text += fmt.Sprintf(" | %s (%s)", n.Text, n.Strength)
	}
	for _, b := range e.Births {
		text += " * " + b.String()
	}
	return fmt.Sprintf("%s %v %v %s", text, e.Countries, e.Programs, e.Source)
}

func TestFormats(t *testing.T) {
	want := map[string][]string{
		"ofac-sdn": {
			"90001 person | VOLKONSKIY, Sergei Ivanovich (primary) | THE MILLER (weak) | VOLKONSKY, Sergey (alias) * 1961-04-02 * 1962-04 [RU] [SDGT UKRAINE-EO13661] sdn.csv:1",
			"90002 entity | BLACK HERON SHIPPING COMPANY LIMITED (primary) | BLACK HERON MARITIME SA (alias) [AE] [SDGT] sdn.csv:2",
			"90003 person | AL-TAMIMI, Abdul Rahman Yusuf (primary) | EL TAMIMY, Abdelrahman (alias) * circa 1974 [IQ] [SDGT] sdn.csv:3",
			"90004 vessel | GREY HERON (primary) [MT] [IRAN] sdn.csv:4",
			"90005 person | OKONJO, Blessing Adaeze (primary) * 1970 to 1972 [NG] [SDNTK] sdn.csv:5",
		},
		"un": {
			"6990001 person | TARIQ JAMIL AL-QURAISHI (primary) | طارق جميل القريشي (alias) | Tarik al-Koreishi (alias) | Abu Jamil (weak) * 1978-04-28 * circa 1975 [SY IQ] [Al-Qaida] un.xml:4",
			"6990002 person | MBULA KASONGO NDAYA (primary) * 1973 to 1974 * 1973-11 [] [DRC] un.xml:21",
			"110990 entity | PAEKSAN MINERAL TRADING CORPORATION (primary) | PAEKSAN MINERALS (alias) [KP] [DPRK] un.xml:32",
		},
		"eu": {
			"99001 person | Ludmila Arkadyevna Drozdovskaya (primary) | Людмила Аркадьевна Дроздовская (alias) | Lusya D (weak) * 1966-10-21 [RU BY] [UKR] eu.xml:3",
			"99002 entity | Zarrin Kuh Petrochemical Co. (PJS) (primary) | ZKPC (weak) [IR] [IRN] eu.xml:16",
			"99003 person | Gul Marjan Stanekzai (primary) * circa 1953 to 1958 [] [AFG] eu.xml:23",
		},
		"uk": {
			"RUS9901 person | Anatoliy Pavlovich BEREZOVIK (primary) | Анатолий Павлович Березовик (alias) | Anatoly BEREZOVIK (alias) | THE FORESTER (weak) * 1958 * 1958-03-14 [RU CY] [Russia] UK-Sanctions-List.csv:3",
			"IRN9902 vessel | HALCYON DAWN (primary) [PA] [Iran] UK-Sanctions-List.csv:6",
			"SYR9903 entity | NAJM AL-SHARQ TRADING CO., LLC (primary) [SY] [Syria] UK-Sanctions-List.csv:7",
		},
		"uk-ofsi": {
			"17001 person | Mazen Elias HADDADIN (primary) | مازن حدادين (alias) | Mazin HADDADEEN (alias) * 1969 [SY JO] [Syria] ConList.csv:3",
			"17002 entity | SILVER POPLAR HOLDING (primary) [BY] [Belarus] ConList.csv:5",
		},
		"pep": {
			"Q9900001 person | Ingrid Solveig Tangvald (primary) | Ingrid Tangvald (alias) | Tangvald, Ingrid S. (alias) * 1959-03-16 [NO] [Fictional State Officials] targets.simple.csv:2",
			"Q9900002 person | Amadou Diarrassouba (primary) * 1970 [ML CI] [Fictional National Assembly] targets.simple.csv:3",
		},
	}
	all := load(t, fixtures+"lists")
	for name, entries := range want {
		l := all[name]
		if l == nil || len(l.Entries) != len(entries) {
			t.Fatalf("%s: %v", name, l)
		}
		if len(l.Warnings) > 0 {
			t.Errorf("%s: %v", name, l.Warnings)
		}
		for i := range entries {
			if got := show(&l.Entries[i]); got != entries[i] {
				t.Errorf("%s\ngot  %s\nwant %s", name, got, entries[i])
			}
		}
	}
	if len(all) != len(want) {
		t.Errorf("%d lists, want %d", len(all), len(want))
	}
	for name, published := range map[string]string{"un": "2026-11-19", "eu": "2026-11-18", "uk": "2026-10-08", "uk-ofsi": "2026-06-05"} {
		if l := all[name]; l.Published.Format(time.DateOnly) != published || !strings.HasPrefix(l.Version, published+"-") {
			t.Errorf("%s: published %v, version %s", name, l.Published, l.Version)
		}
	}
	if l := all["ofac-sdn"]; !l.Published.IsZero() || l.AsOf().IsZero() {
		t.Errorf("the CSV of OFAC has no date of its own, so that its files' counts: %v, %v", l.Published, l.AsOf())
	}
	sdn := load(t, fixtures+"sdn-xml")["ofac-sdn"]
	if got := show(&sdn.Entries[0]); got != "90001 person | Sergei Ivanovich VOLKONSKIY (primary) | Sergey VOLKONSKY (alias) | THE MILLER (weak) * 1961-04-02 [RU] [SDGT UKRAINE-EO13661] sdn.xml:7" {
		t.Error(got)
	}
}

// TestRefused: what is not whole is not read, and the error says which file and where.
func TestRefused(t *testing.T) {
	good := map[string]string{}
	for _, name := range []string{"sdn.csv", "add.csv", "alt.csv", "un.xml", "eu.xml", "UK-Sanctions-List.csv", "ConList.csv", "targets.simple.csv"} {
		text, err := os.ReadFile(fixtures + "lists/" + name)
		if err != nil {
			t.Fatal(err)
		}
		good[name] = string(text)
	}
	xml, err := os.ReadFile(fixtures + "sdn-xml/sdn.xml")
	if err != nil {
		t.Fatal(err)
	}
	good["sdn.xml"] = string(xml)
	swap := func(name, old, next string) map[string]string {
		t.Helper()
		if !strings.Contains(good[name], old) {
			t.Fatalf("%s has no %q", name, old)
		}
		files := map[string]string{name: strings.Replace(good[name], old, next, 1)}
		for _, other := range []string{"sdn.csv", "add.csv", "alt.csv"} {
			if strings.HasSuffix(name, ".csv") && strings.Contains("sdn.csv add.csv alt.csv", name) && files[other] == "" {
				files[other] = good[other]
			}
		}
		return files
	}
	cut := func(name string, bytes int) map[string]string {
		files := swap(name, good[name][:1], good[name][:1])
		files[name] = good[name][:len(good[name])-bytes]
		return files
	}
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"nothing":                 {map[string]string{"readme.txt": "x"}, "there are no lists: want OFAC's"},
		"packed":                  {map[string]string{"un.xml": good["un.xml"], "eu.xml.gz": "x"}, "eu.xml.gz: is neither .csv nor .xml"},
		"not wholly downloaded":   {map[string]string{"un.xml": good["un.xml"], "eu.xml.part": "x", ".DS_Store": "x", "readme.txt": "x"}, "eu.xml.part: is neither .csv nor .xml"},
		"further down":            {map[string]string{"un.xml": good["un.xml"], "today/eu.xml": good["eu.xml"]}, "today: is a directory"},
		"un.xml, half":            {map[string]string{"un.xml": good["un.xml"][:strings.Index(good["un.xml"], "<ENTITIES>")] + "</CONSOLIDATED_LIST>\n"}, `un.xml: want the sections INDIVIDUALS and ENTITIES, be one empty, and there is ["INDIVIDUALS"]`},
		"unknown format":          {map[string]string{"x.csv": "a,b\n"}, "x.csv: is of no format"},
		"empty file":              {map[string]string{"x.xml": ""}, "x.xml: is of no format"},
		"one of three":            {map[string]string{"sdn.csv": good["sdn.csv"]}, "add.csv: is missing"},
		"twice":                   {map[string]string{"sdn.csv": good["sdn.csv"], "add.csv": good["add.csv"], "alt.csv": good["alt.csv"], "sdn.xml": good["sdn.xml"]}, "the list ofac-sdn is there twice"},
		"sdn.csv cut in a field":  {cut("sdn.csv", 30), "sdn.csv:5: a quotation mark that is not closed"},
		"sdn.csv cut in a row":    {cut("sdn.csv", 75), "sdn.csv:5: "},
		"alt.csv without end":     {cut("alt.csv", 3), "alt.csv:3: the last line does not end"},
		"another day's alt.csv":   {swap("alt.csv", "90003,13", "99999,13"), "alt.csv:3: entry 99999 is not in sdn.csv"},
		"more after the end mark": {swap("alt.csv", "\x1a", "\x1a\n90001,9,\"aka\",\"X\",-0- \n"), "there is more after the end mark"},
		"un.xml cut":              {cut("un.xml", 100), "the file ends in the middle"},
		"un.xml without a date":   {swap("un.xml", "dateGenerated", "x"), "un.xml:2: \"\" is no date of publication"},
		"eu.xml cut":              {cut("eu.xml", 5), "the file ends in the middle"},
		"sdn.xml, count":          {swap("sdn.xml", "<Record_Count>2", "<Record_Count>3"), "sdn.xml: Record_Count says 3 entries, and there are 2"},
		"sdn.xml, no count":       {swap("sdn.xml", "publshInformation>", "x>"), "sdn.xml"},
		"wrong tags":              {swap("un.xml", "</INDIVIDUALS>", "</INDIVIDUAL>"), "un.xml:30: element <INDIVIDUALS>"},
		"document type":           {swap("un.xml", "<CONSOLIDATED_LIST", "<!DOCTYPE x [<!ENTITY a \"aaaa\">]>\n<CONSOLIDATED_LIST"), "un.xml:2: a document type"},
		"entity":                  {swap("un.xml", "TARIQ", "&a;"), "un.xml:7: invalid character entity &a;"},
		"external entity":         {swap("eu.xml", "Ludmila", "&xxe;"), "eu.xml:9: invalid character entity"},
		"another encoding":        {swap("un.xml", "UTF-8", "ISO-8859-1"), "another encoding than UTF-8"},
		"no UTF-8, XML":           {swap("un.xml", "TARIQ", "TAR\xffQ"), "un.xml:7: invalid UTF-8"},
		"no UTF-8, CSV":           {swap("targets.simple.csv", "Amadou", "Am\xffadou"), "targets.simple.csv:3: a name is not UTF-8"},
		"control character":       {swap("targets.simple.csv", "Amadou", "Am\x07adou"), "targets.simple.csv:3: a name has the control character U+0007"},
		"control character, XML":  {swap("un.xml", "TARIQ", "TAR\x07Q"), "un.xml:7: illegal character code U+0007"},
		"no name":                 {swap("targets.simple.csv", "Amadou Diarrassouba", " "), "targets.simple.csv:3: entry Q9900002 has no name"},
		"no name, EU":             {swap("eu.xml", "wholeName=\"Gul Marjan Stanekzai\"", "wholeName=\"\""), "eu.xml:23: entry 99003 has no name"},
		"no id":                   {swap("un.xml", "110990", ""), "un.xml:32: an entry without an id"},
		"an id twice":             {swap("un.xml", "6990002", "6990001"), "entry 6990001 is there twice; first at un.xml:4"},
		"10 MB name":              {swap("targets.simple.csv", "Amadou", strings.Repeat("A", 10<<20)), "targets.simple.csv:3: an entry that has more than 4194304 bytes"},
		"10 MB name, XML":         {swap("eu.xml", "Ludmila", strings.Repeat("A", 10<<20)), "more than 4194304 bytes"},
		"long name":               {swap("un.xml", "TARIQ", strings.Repeat("A", 2000)), "un.xml:4: a name of 2019 bytes; want at most 1024"},
		"UK, no date":             {swap("UK-Sanctions-List.csv", "Report Date: 08-Oct-2026", "Made yesterday"), `UK-Sanctions-List.csv:1: want a line above the header that begins with "Report Date:"`},
		"UK, no column":           {swap("UK-Sanctions-List.csv", "Name type", "Nametype"), "no line with the columns unique id, name 6, name type"},
		"UK, a row of less":       {swap("UK-Sanctions-List.csv", ",Iran,Ship", ",Ship"), "UK-Sanctions-List.csv:6: 19 columns; want 20"},
		"no entries":              {map[string]string{"targets.simple.csv": strings.SplitAfter(good["targets.simple.csv"], "\n")[0]}, "targets.simple.csv: the list is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			files := fstest.MapFS{}
			for name, text := range test.files {
				files[name] = &fstest.MapFile{Data: []byte(text)}
			}
			all, err := Load(files)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s\n%v", err, test.want, all)
			}
		})
	}
}

// TestHashes: an entry is another one as soon as its list says anything else of it, also what is not read.
func TestHashes(t *testing.T) {
	for _, test := range []struct {
		dir, file, old, next string
		other                bool
	}{
		{"lists", "sdn.csv", "Passport 750000001", "Passport 750000002", true},
		{"lists", "add.csv", "14 Mill Lane", "15 Mill Lane", true},
		{"lists", "alt.csv", "90001,11,\"aka\"", "90001,11,\"fka\"", true},
		{"lists", "un.xml", "<DATAID>6990001</DATAID>", "<DATAID>6990001</DATAID><COMMENTS1>x</COMMENTS1>", true},
		{"lists", "eu.xml", "A person of a story.", "Another person.", true},
		{"lists", "eu.xml", "EU.9900.1", "EU.9900.9", true},
		{"lists", "UK-Sanctions-List.csv", "08/10/2026,RUS9901,16991", "08/10/2026,RUS9901,16992", true},
		{"lists", "ConList.csv", "01/01/2020,01/01/2026,17001", "01/01/2020,02/01/2026,17001", true},
		{"lists", "targets.simple.csv", "2026-01-01,2026-11-20,2026-11-20\nQ9900002", "2026-01-01,2026-11-20,2026-11-21\nQ9900002", true},
		{"lists", "targets.simple.csv", "2026-01-01,2026-11-20,2026-11-20\nQ9900002", "2026-01-01,2026-11-21,2026-11-20\nQ9900002", false}, // last_seen
		{"sdn-xml", "sdn.xml", "<uid>90001</uid>", "<uid>90001</uid><title>x</title>", true},
	} {
		old, next := fstest.MapFS{}, fstest.MapFS{}
		names, err := os.ReadDir(fixtures + test.dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range names {
			text, err := os.ReadFile(fixtures + test.dir + "/" + n.Name())
			if err != nil {
				t.Fatal(err)
			}
			old[n.Name()], next[n.Name()] = &fstest.MapFile{Data: text}, &fstest.MapFile{Data: text}
		}
		text := string(old[test.file].Data)
		if !strings.Contains(text, test.old) {
			t.Fatalf("%s has no %q", test.file, test.old)
		}
		next[test.file] = &fstest.MapFile{Data: []byte(strings.Replace(text, test.old, test.next, 1))}
		was, err := Load(old)
		if err != nil {
			t.Fatal(err)
		}
		is, err := Load(next)
		if err != nil {
			t.Fatal(err)
		}
		others := 0
		for i := range was {
			for j := range was[i].Entries {
				if was[i].Entries[j].Hash != is[i].Entries[j].Hash {
					others++
				}
			}
		}
		if others > 1 || test.other != (others == 1) {
			t.Errorf("%s, %s: %d entries are others", test.file, test.next, others)
		}
	}
}

func TestWarnings(t *testing.T) {
	files := fstest.MapFS{"peps.csv": &fstest.MapFile{Data: []byte("id,schema,name,aliases,birth_date,countries\nQ1,Person,Ada Lind,,31.12.1980,se;atlantis\n")}}
	all, err := Load(files)
	if err != nil {
		t.Fatal(err)
	}
	want := `peps.csv:2: date of birth "31.12.1980" is not understood and left out` + "\n" + `peps.csv:2: country "atlantis" is not known and left out`
	if got := strings.Join(all[0].Warnings, "\n"); got != want || all[0].Name != "peps" {
		t.Errorf("%s: %s", all[0].Name, got)
	}
}

func TestCountries(t *testing.T) {
	for text, want := range map[string]string{"Panama": "PA", "ru": "RU", "RUSSIAN FEDERATION": "RU", "Korea, North": "KP", "Türkiye": "TR", "Côte d’Ivoire": "CI",
		"The  Gambia": "GM", "Bosnia & Herzegovina": "BA", "Serbia": "RS", "Iran": "IR", "Germany": "DE", "Burma": "MM", "Congo (Democratic Republic)": "CD", "XK": "XK"} {
		if got, ok := Country(text); got != want || !ok {
			t.Errorf("%s: %q", text, got)
		}
	}
	for _, text := range []string{"", "Atlantis", "ZZ", "EU", "D", "SU"} {
		if got, ok := Country(text); ok {
			t.Errorf("%s: %q", text, got)
		}
	}
}

// TestLostParts: files of OFAC that are cut off at the end of a line look whole, and leave every entry.
func TestLostParts(t *testing.T) {
	files := fstest.MapFS{}
	for _, name := range []string{"sdn.csv", "add.csv", "alt.csv"} {
		text, err := os.ReadFile(fixtures + "lists/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if name == "add.csv" {
			text = append([]byte("90005,4,-0- ,-0- ,\"Cyprus\",-0- \n"), text...)
		}
		files[name] = &fstest.MapFile{Data: text}
	}
	load := func() []*List {
		all, err := Load(files)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	before := load()
	for name, want := range map[string]string{"alt.csv": "has 6 names, and version ", "add.csv": "has 4 countries, and version ", "sdn.csv": "dates of birth, and version "} {
		whole := files[name].Data
		files[name] = &fstest.MapFile{Data: []byte("\x1a")}
		if name == "sdn.csv" {
			files[name] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(string(whole), "DOB", "born"))}
		}
		err := CheckAll(before, load(), nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
		if err := CheckAll(before, load(), []string{"ofac-sdn"}); err != nil {
			t.Errorf("%s, told to take it: %v", name, err)
		}
		files[name] = &fstest.MapFile{Data: whole}
	}
}

func TestBook(t *testing.T) {
	list := func(name string, published int, ids ...int) *List {
		l := &List{Name: name, Version: fmt.Sprint("v", published), Published: day(2026, 11, published)}
		for _, id := range ids {
			l.Entries = append(l.Entries, Entry{List: name, ID: fmt.Sprint(id)})
		}
		return l
	}
	var b Book
	if b.Lists() != nil {
		t.Fatal("an empty book")
	}
	first := []*List{list("un", 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10), list("eu", 1, 1)}
	if err := b.Swap(first); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		next []*List
		want string // "" where it is taken
	}{
		{[]*List{list("un", 2, 1, 2, 3, 4, 5), list("eu", 1, 1)}, "list un: version v2 has lost 5 of the 10 entries"},
		{[]*List{list("un", 2, 1, 2, 3, 4, 5, 16, 17, 18, 19, 20), list("eu", 1, 1)}, "has lost 5 of the 10"},
		{[]*List{list("un", 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)}, "list eu: is in force, and missing"},
		{[]*List{list("un", 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10), list("eu", 0, 1)}, "list eu: the new version was published v0, before"},
		{[]*List{list("un", 2, 1, 2, 3, 4, 5, 6, 7, 8), list("eu", 1, 1)}, ""},
	} {
		before := b.String()
		err := b.Swap(test.next)
		switch {
		case test.want == "" && (err != nil || b.String() == before):
			t.Errorf("not taken: %v", err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || b.String() != before):
			t.Errorf("got %v, want %s; in force: %s", err, test.want, b.String())
		}
	}
	if err := b.Swap([]*List{list("un", 3, 1), list("eu", 1, 1)}, "un"); err != nil {
		t.Error("told to take it:", err)
	}
	if age := b.Lists()[0].Age(day(2026, 11, 5)); age != 48*time.Hour {
		t.Error(age)
	}
}
