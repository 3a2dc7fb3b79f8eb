package main

import (
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/internal/customerkeys"
	"github.com/weirhq/weir/internal/kyc"
	"github.com/weirhq/weir/topics"
)

// TestCustomerIsPrinted: personal fields are named, and shown only where they were asked for.
func TestCustomerIsPrinted(t *testing.T) {
	pep := false
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	r := &topics.CustomerRecord{Tenant: "acme", CustomerID: "cus_42", Version: 2, Author: "ann", Reason: "onboarding", CreatedAt: at, UpdatedAt: at,
		Data: &topics.CustomerData{Status: topics.CustomerActive, KYCLevel: topics.KYCVerified, Country: "DE", PEP: &pep,
			ExpectedTurnover: &topics.ExpectedTurnover{Amount: 200_000, Currency: "EUR"},
			Personal:         &topics.SealedPersonal{Fields: map[string][]byte{"birth_date": nil, "names": nil}}}}
	const head, foot = `customer     cus_42
tenant       acme
version      2
status       active
kyc level    verified
country      DE
pep          no
turnover     2000.00 EUR a month
`, `written      2026-11-22T12:00:00Z
by           ann
reason       onboarding
`
	for _, c := range []struct {
		personal *kyc.Personal
		want     string
	}{
		{nil, head + "encrypted    names, birth_date\n" + foot},
		{&kyc.Personal{Names: []string{"Erika Mustermann", "Erika Gabler"}, BirthDate: "1984-08-12"}, head + "names        Erika Mustermann; Erika Gabler\nborn         1984-08-12\n" + foot},
	} {
		var out strings.Builder
		if err := printCustomer(&out, r, c.personal); err != nil || out.String() != c.want {
			t.Errorf("%v, got\n%s\nwant\n%s", err, out.String(), c.want)
		}
	}
	var out strings.Builder
	r.Data, r.Erased = nil, true
	if err := printCustomer(&out, r, nil); err != nil || !strings.Contains(out.String(), "status       erased\n") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

func TestCustomersKeygen(t *testing.T) {
	code, out, errOut := weir(t, nil, "customers", "keygen", "--id", "2027-01")
	if _, err := customerkeys.ParseMaster(out); err != nil || code != exitOK || !strings.HasPrefix(out, "2027-01:") {
		t.Errorf("%d %s %s, %v", code, out, errOut, err)
	}
	for _, c := range []struct{ line, want string }{
		{"customers keygen --id a/b", `--id: id "a/b": want 1 to 32 letters`},
		{"customers put cus_42 --tenant acme --author ann --reason test", "--file: want the file that holds the profile"},
		{"customers put cus_42 --tenant acme --author ann --reason test --file - --version -1", "flag --version: want the version that is changed, as show prints it"},
		{"customers put cus_42 --tenant acme --reason test --file cus_42.json", `required flag(s) "author" not set`},
		{"customers show", "want one customer, by id"},
		{"customers list --tenant acme --limit 201", "flag --limit: want 1 to 200"},
	} {
		if code, _, errOut := weir(t, nil, strings.Fields(c.line)...); code != exitUsage || !strings.Contains(errOut, c.want) {
			t.Errorf("%s: %d %s, want %q", c.line, code, errOut, c.want)
		}
	}
}
