package rules

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/topics"
)

// TestForms: what is one value to people is one text, whether a rule reads it or velocity counts by it.
func TestForms(t *testing.T) {
	set := func(of func(*topics.Context, string)) func(string) *Input {
		return func(v string) *Input {
			c := &topics.Context{}
			of(c, v)
			return &Input{Command: &topics.Command{Context: c}}
		}
	}
	email := set(func(c *topics.Context, v string) { c.Email = v })
	phone := set(func(c *topics.Context, v string) { c.Phone = v })
	ip := set(func(c *topics.Context, v string) { c.IP = v })
	device := set(func(c *topics.Context, v string) { c.DeviceID = v })
	for _, c := range []struct {
		field, want string
		with        func(string) *Input
		variants    []string
	}{
		{"context.email", "ann@example.com", email, []string{"ann@example.com", " Ann@Example.COM\t", "\uff41nn@example.com", "ANN\uff20EXAMPLE.COM"}},
		{"context.email", "strasse@köln.example", email, []string{"straße@KÖLN.example", "STRASSE@ko\u0308ln.example"}},
		{"context.email_domain", "example.com", email, []string{"ann@Example.com ", "a@b@EXAMPLE.com", "ANN\uff20EXAMPLE.COM"}},
		{"context.email_domain", "", email, []string{"", "ann", "ann@", "  "}},
		{"context.phone", "+353871234567", phone, []string{"+353871234567", "00353871234567", "+353 87 123-45.67", "+353 (0) 87 1234567", "00 353 87/1234567", "00353 (0)871234567",
			"\uff0b353871234567", " +353\u00a087 1234567"}},
		{"context.phone", "0871234567", phone, []string{"0871234567", "(087) 123 4567"}},
		{"context.phone", "", phone, []string{"", "-", "+", " ", "+(0)"}},
		{"context.phone", "+353 1 234 ext 5", phone, []string{"+353 1 234 ext 5", " +353 1 234 ext 5 "}},
		{"context.ip", "192.0.2.7", ip, []string{"192.0.2.7", "::ffff:192.0.2.7", "::FFFF:c000:207"}},
		{"context.ip", "2001:db8::1", ip, []string{"2001:db8::1", "2001:0DB8:0:0:0:0:0:1"}},
		{"ip.network", "192.0.2.0/24", ip, []string{"192.0.2.7", "192.0.2.200", "::ffff:192.0.2.7"}},
		{"ip.network", "2001:db8:1:2::/64", ip, []string{"2001:db8:1:2::1", "2001:DB8:1:2:ffff::1"}},
		{"ip.network", "", ip, []string{"", "nonsense"}},
		{"context.device_id", "Dev_81", device, []string{"Dev_81", " Dev_81\n"}},
	} {
		for _, v := range c.variants {
			if got := c.with(v).Text(c.field); got != c.want {
				t.Errorf("%s of %q is %q, want %q", c.field, v, got, c.want)
			}
		}
	}
}

// TestFormsAreFinal: the form of a form is itself, so that what is written in it is found.
func TestFormsAreFinal(t *testing.T) {
	letters := rapid.StringN(0, 6, -1)
	digits := rapid.StringMatching(`\+?[0-9 ()./-]{0,12}`)
	rapid.Check(t, func(t *rapid.T) {
		v := letters.Draw(t, "text")
		if rapid.Bool().Draw(t, "phone") {
			v = digits.Draw(t, "number")
		}
		for name, form := range map[string]func(string) string{"folded": folded, "phone": phoneForm, "IP": ipForm} {
			if once := form(v); form(once) != once {
				t.Fatalf("%s of %q is %q, and of that %q", name, v, once, form(once))
			}
		}
	})
}

// TestListsCompareForms: an entry and a value that are one to people match, in the file and where the list was edited.
func TestListsCompareForms(t *testing.T) {
	for _, c := range []struct {
		match       Match
		entry, same string
		twice       string
	}{
		{MatchIgnoreCase, "Straße@Example.com", "STRASSE@example.com", "strasse@example.com"},
		{MatchPhone, "+353 87 123", "0035387123", "+35387123"},
	} {
		l := &List{Name: "l", Match: c.match}
		l.prepare()
		if err := l.add(Entry{Value: c.entry}); err != nil {
			t.Fatal(err)
		}
		if l.lookUp(c.same, 0) != yes {
			t.Errorf("%q does not match %q", c.entry, c.same)
		}
		if err := l.add(Entry{Value: c.twice}); err == nil {
			t.Errorf("%q and %q are two entries", c.entry, c.twice)
		}
		canonical, err := l.Canonical(c.entry)
		if err != nil || canonical != c.match.form(c.same) {
			t.Errorf("an edit writes %q as %q (%v)", c.entry, canonical, err)
		}
		if key, err := editKey(c.match, c.entry); err != nil || key != canonical {
			t.Errorf("the edit of %q has the key %q (%v)", c.entry, key, err)
		}
	}
}
