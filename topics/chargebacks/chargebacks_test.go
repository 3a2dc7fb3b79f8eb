package chargebacks

import (
	"strings"
	"testing"

	"github.com/weirhq/weir/topics"
)

func TestLookup(t *testing.T) {
	for code, want := range map[string]Category{
		"10.4": Fraud, "11.3": Authorisation, "12.6.1": Processing, "13.1": Consumer, "4837": Fraud, "4808": Authorisation,
		"4834": Processing, "4853": Consumer, "fraudulent": Fraud, "duplicate": Processing, "10.99": Unknown, "": Unknown,
	} {
		if r, known := Lookup(code); r.Category != want || r.Code != code || known != (want != Unknown) {
			t.Errorf("%q is %+v, %t; want %s", code, r, known, want)
		}
	}
	d := topics.DisputeReport{Reason: "10.4"}
	if Classify(&d); d.Category != "fraud" {
		t.Errorf("classified %+v", d)
	}
	d = topics.DisputeReport{}
	if Classify(&d); d.Category != "" {
		t.Errorf("without a reason it is %+v", d)
	}
}

// Each family of a scheme's codes is one category: a row of another one is a slip of the pen.
func TestFamilies(t *testing.T) {
	families := map[string]Category{"10.": Fraud, "11.": Authorisation, "12.": Processing, "13.": Consumer}
	seen := map[Category]bool{}
	for _, r := range Reasons() {
		seen[r.Category] = true
		for prefix, want := range families {
			if r.Source == Visa && strings.HasPrefix(r.Code, prefix) && r.Category != want {
				t.Errorf("%s is %s, want %s", r.Code, r.Category, want)
			}
		}
	}
	if len(seen) != 4 {
		t.Errorf("the table has the categories %v", seen)
	}
}

func TestWrongTables(t *testing.T) {
	const evidence, reasons = "kind,what,engine\n", "source,code,category,meaning,helps\n"
	for name, c := range map[string]struct{ evidence, reasons, want string }{
		"heading":  {"a,b,c\n", reasons, "evidence.csv: line 1: want the heading"},
		"engine":   {evidence + "ip,The address,maybe\n", reasons, "line 2: want another kind"},
		"source":   {evidence + "ip,The address,yes\n", reasons + "diners,1,fraud,x,ip\n", "line 2: source:"},
		"category": {evidence + "ip,The address,yes\n", reasons + "visa,1,unknown,x,ip\n", "line 2: category:"},
		"twice":    {evidence + "ip,The address,yes\n", reasons + "visa,1,fraud,x,ip\nstripe,1,fraud,x,ip\n", "line 3: code:"},
		"helps":    {evidence + "ip,The address,yes\n", reasons + "visa,1,fraud,x,device\n", `evidence.csv has no "device"`},
	} {
		if _, err := read([]byte(c.reasons), []byte(c.evidence)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
	}
}
