package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const screeningData = "../../testdata/screening/"

// TestScreen is what a compliance officer does from the first look to the next day's lists.
func TestScreen(t *testing.T) {
	lists := screeningData + "lists"
	screen := func(code int, args ...string) (out, errOut string) {
		t.Helper()
		got, out, errOut := weir(t, nil, append([]string{"screen"}, args...)...)
		if got != code {
			t.Fatalf("weir screen %s: exit %d, want %d\n%s%s", strings.Join(args, " "), got, code, out, errOut)
		}
		return out, errOut
	}
	says := func(text string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in\n%s", want, text)
			}
		}
	}
	out, errOut := screen(exitProblem, "--lists", lists, "--name", "Sergey Volkonskij", "--birth-date", "1961-04-02", "--countries", "RU", "--kind", "person")
	says(out, `100  "Sergey Volkonskij" is like "VOLKONSKY, Sergey", ofac-sdn 90001 (person, alias), sdn.csv:1, hash `,
		"+95  name: sergey (the same, weight 35); volkonskij ~ volkonsky (sound 94 %, weight 100)", "+10  the same date of birth, 1961-04-02", "+4  the same country, RU")
	says(errOut, "un: 3 entries, published 2026-11-19, version 2026-11-19-", "1 screened: 1 hit at 85 or more")
	out, _ = screen(exitOK, "--lists", lists, "--name", "Corp")
	if out != "" {
		t.Error(out)
	}

	customers := screeningData + "customers.csv"
	out, errOut = screen(exitProblem, "--lists", lists, "--file", customers, "--json")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 5 {
		t.Fatal(out)
	}
	says(lines[0], `{"customer":"c-1001","name":"Sergey Volkonskij","score":100,"matched":{"text":"VOLKONSKY, Sergey","strength":"alias"},"hash":"`, `","entry":{"list":"ofac-sdn","id":"90001"`, `"births":["1961-04-02","1962-04"]`, `"reasons":[{"points":95,"text":"name: `)
	says(errOut, "8 screened: 5 hits at 85 or more")

	// A hit that was looked at is put aside, until its entry changes.
	_, rest, _ := strings.Cut(lines[0], `"hash":"`)
	hash, _, _ := strings.Cut(rest, `"`)
	allowed := writeFile(t, "allowed.csv", "customer,list,entry,hash,reason,author,expires\nc-1001,ofac-sdn,90001,"+hash+",another man of Pskov,ann,2999-12-31\n")
	out, errOut = screen(exitProblem, "--lists", lists, "--file", customers, "--allowed", allowed)
	says(out, "put aside: another man of Pskov, by ann, until 2999-12-31")
	says(errOut, "4 hits at 85 or more, 1 put aside")

	// The next day one entry is otherwise, one is gone, and one has come.
	next := t.TempDir()
	for _, name := range []string{"sdn.csv", "add.csv", "alt.csv", "un.xml", "eu.xml", "UK-Sanctions-List.csv", "ConList.csv", "targets.simple.csv"} {
		text, err := os.ReadFile(filepath.Join(lists, name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "sdn.csv" {
			text = []byte(strings.Replace(string(text), "THE MILLER", "THE BAKER", 1))
			text = []byte(strings.Replace(string(text), "\x1a", "90009,\"ROSSI, Mariah\",\"individual\",\"SDGT\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,\"DOB 11 Feb 1988.\"\n\x1a", 1))
		}
		if err := os.WriteFile(filepath.Join(next, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, errOut = screen(exitProblem, "--lists", next, "--previous", lists, "--file", customers, "--allowed", allowed)
	says(errOut, "entries: 1 added, 1 changed, 0 removed", "8 screened: 2 hits at 85 or more that are new, 1 that are over")
	says(out, "c-1001", "was put aside by ann (another man of Pskov), but the entry or the customer has changed since", "no longer listed so", "c-1002", "90009")

	// What is over comes back, although no list has changed.
	over := writeFile(t, "over.csv", "customer,list,entry,hash,reason,author,expires\nc-1001,ofac-sdn,90001,"+hash+",another man of Pskov,ann,2020-12-31\n")
	out, errOut = screen(exitProblem, "--lists", lists, "--previous", lists, "--file", customers, "--allowed", over)
	says(out, "c-1001", "was put aside by ann (another man of Pskov), which is over")
	says(errOut, "entries: 0 added, 0 changed, 0 removed, 1 where what was put aside is over")

	// A list that was cut off, and one that lost most of its entries, are refused.
	half := t.TempDir()
	for name, text := range map[string]string{"sdn.csv": "90005,\"OKONJO, Blessing\",\"individual\",\"SDNTK\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \n", "add.csv": "\x1a", "alt.csv": "\x1a"} {
		if err := os.WriteFile(filepath.Join(half, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, errOut = screen(exitProblem, "--lists", half, "--previous", lists, "--file", customers)
	says(errOut, "list ofac-sdn: version", "has lost 4 of the 5 entries", "list eu: is in force, and missing", "say --shrunk")
	screen(exitProblem, "--lists", half, "--previous", lists, "--file", customers, "--shrunk", "ofac-sdn,eu,un,uk,uk-ofsi,pep")
	if err := os.WriteFile(filepath.Join(half, "alt.csv"), []byte("90005,1,\"aka\",\"X"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, errOut = screen(exitProblem, "--lists", half, "--file", customers)
	says(errOut, "alt.csv:1: a quotation mark that is not closed")

	// Customers that cannot be screened are named, and the others are screened.
	bad := writeFile(t, "bad.csv", "id,name,birth_date,countries\nc-1,Ingrid Tangvald,1959-03-16,NO\nc-2,--,,\nc-3,Ada Lind,31.12.1980,\nc-4,Ada Lind,,Atlantis\n,Ada Lind,,\nc-6,Ada\n")
	_, errOut = screen(exitProblem, "--lists", lists, "--file", bad)
	says(errOut, `bad.csv: line 3: name: "--" has no letter`, "line 4: birth_date: \"31.12.1980\" is no date of birth", `line 5: countries: "Atlantis" is no country`, "line 6: id: is empty", "line 7: wrong number of fields",
		"1 screened: 1 hit at 85 or more; 5 customers not screened")
	for args, want := range map[string]string{
		"":                                 "which lists?",
		"--lists x":                        "whom?",
		"--lists x --name a --threshold 0": "--threshold: 0: want 1 to 100",
		"--lists " + lists + " --name a --kind x": "kind: \"x\" is neither",
		"--lists " + lists + " --name .":          "has no letter",
	} {
		_, errOut := screen(exitUsage, strings.Fields(args)...)
		says(errOut, want)
	}
	_, errOut = screen(exitProblem, "--lists", lists, "--file", writeFile(t, "x.csv", "id,nom\n"))
	says(errOut, `x.csv: line 1: column "nom" is not known; want id,name,other_names,birth_date,countries,kind`)
	_, errOut = screen(exitProblem, "--lists", t.TempDir(), "--name", "a")
	says(errOut, "there are no lists: want OFAC's")

	out, _ = screen(exitOK, "--evaluate", screeningData+"pairs.csv")
	says(out, "precision", "  331 ", "wrong hit, ")
}
