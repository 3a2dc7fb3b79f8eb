package rules

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/topics"
)

// edition is a list beside a dumb model of it.
type edition struct {
	list *List
	file map[string]time.Time
	all  []edition1 // every record that was taken, in order
}

type edition1 struct {
	position int64
	edit     topics.ListEdit
}

// model is what a list says of one entry: the last word of the tenant, else of everyone, else of the file.
func (e *edition) model(version int64, tenant, value string) time.Time {
	for _, whose := range []string{tenant, ""} {
		for i := len(e.all) - 1; i >= 0; i-- {
			r := &e.all[i]
			if r.position >= version || r.edit.Tenant != whose || r.edit.Value != value {
				continue
			}
			if r.edit.Action == topics.ListRemove {
				return time.Time{}
			}
			return r.edit.Expires
		}
	}
	return e.file[value]
}

var editMoment = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// entriesOf are what rapid picks entries and values from.
var entriesOf = map[Match][]string{
	MatchExact:      {"dev_1", "dev_2", "dev_3"},
	MatchIgnoreCase: {"example.com", "mail.example"},
	MatchBINPrefix:  {"4111", "411111", "41111111", "4111112", "52"},
	MatchNetwork:    {"198.51.100.0/24", "198.51.100.7", "2001:db8::/32", "10.0.0.0/8", "::ffff:10.1.2.3"},
}

// TestEditsAgreeWithAModel: at every version, for every tenant.
func TestEditsAgreeWithAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		match := rapid.SampledFrom([]Match{MatchExact, MatchIgnoreCase, MatchBINPrefix, MatchNetwork}).Draw(t, "match")
		e := edition{list: &List{Name: "denied", Match: match, Editable: true, FourEyes: rapid.Bool().Draw(t, "four eyes")}, file: map[string]time.Time{}}
		e.list.prepare()
		var values []string
		for _, v := range entriesOf[match] {
			if _, err := editKey(match, v); err != nil {
				continue
			}
			values = append(values, v)
			if rapid.Bool().Draw(t, "in the file") {
				if err := e.list.add(Entry{Value: v}); err != nil {
					t.Fatal(err)
				}
				e.file[v] = editMoment.Add(time.Hour)
			}
		}
		whole, latest := NewEditLog(KeepAll), NewEditLog(KeepLatest)
		var views []*Edits
		waiting := map[string]topics.ListEdit{}
		tenants := []string{"", "acme", "bell"}
		for position := range int64(rapid.IntRange(1, 40).Draw(t, "records")) {
			r := topics.ListEdit{EditID: fmt.Sprint(position), Action: topics.ListAdd, List: "denied", Match: string(match), Author: "ann",
				Tenant: rapid.SampledFrom(tenants).Draw(t, "tenant"), Value: rapid.SampledFrom(values).Draw(t, "value"),
				Expires: editMoment.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "expires")) * time.Minute)}
			switch kind := rapid.IntRange(0, 5).Draw(t, "action"); {
			case kind == 0 && len(waiting) > 0:
				r = approvalOf(waiting)
			case kind == 1:
				r.Propose = true
				waiting[r.EditID] = r
			case kind < 4:
				r.Action, r.Expires = topics.ListRemove, time.Time{}
			}
			if err := whole.Apply(position, &r, editMoment); err != nil {
				t.Fatal(err)
			}
			if err := latest.Apply(position, &r, editMoment); err != nil {
				t.Fatal(err)
			}
			switch {
			case r.Action == topics.ListApprove:
				e.all = append(e.all, edition1{position, waiting[r.EditID]})
				delete(waiting, r.EditID)
			case !r.Propose:
				e.all = append(e.all, edition1{position, r})
			}
			views = append(views, latest.Edits())
		}
		e.check(t, views, whole.Edits(), values, tenants)
	})
}

func approvalOf(waiting map[string]topics.ListEdit) topics.ListEdit {
	var first topics.ListEdit
	for id, p := range waiting {
		if first.EditID == "" || id < first.EditID {
			first = p
		}
	}
	return topics.ListEdit{EditID: first.EditID, Action: topics.ListApprove, List: first.List, Tenant: first.Tenant, Author: "bob"}
}

func (e *edition) check(t *rapid.T, views []*Edits, whole *Edits, values, tenants []string) {
	asked := []string{"198.51.100.7", "198.51.101.1", "2001:db8::1", "10.1.2.3", "411111", "4111111", "41111111", "41111199", "521111", "dev_1", "EXAMPLE.com", "no address"}
	for i, now := range views {
		version := int64(i + 1)
		if now.Version() != version {
			t.Fatalf("version %d, want %d", now.Version(), version)
		}
		for _, tenant := range tenants {
			plain := &List{Name: "denied", Match: e.list.Match}
			plain.prepare()
			for _, v := range values {
				if until := e.model(version, tenant, v); !until.IsZero() {
					_ = plain.add(Entry{Value: v, Expires: until}) // one network may stand there in two forms
				}
			}
			for _, v := range append(asked, values...) {
				want := plain.lookUp(v, nanoseconds(editMoment))
				for name, edits := range map[string]*Edits{"as it was": now, "looked back at": whole.At(version)} {
					got := e.list.lookUp(v, nanoseconds(editMoment))
					if o, ok := edits.over(e.list, tenant); ok {
						got = o.lookUp(v, nanoseconds(editMoment))
					}
					if got != want {
						t.Fatalf("%s: version %d, tenant %q: %q is %v, want %v", name, version, tenant, v, got, want)
					}
				}
			}
		}
	}
}

// TestEditsThatChangeNothing: what does not fit is told and leaves the list as it is.
func TestEditsThatChangeNothing(t *testing.T) {
	g := NewEditLog(KeepLatest)
	proposal := topics.ListEdit{EditID: "p", Action: topics.ListAdd, List: "denied", Match: string(MatchExact), Tenant: "acme", Value: "dev_1", Propose: true, Author: "ann"}
	if err := g.Apply(0, &proposal, editMoment); err != nil {
		t.Fatal(err)
	}
	for i, e := range []topics.ListEdit{
		{EditID: "p", Action: topics.ListApprove, List: "denied", Tenant: "acme", Author: "ANN"},
		{EditID: "p", Action: topics.ListApprove, List: "denied", Tenant: "bell", Author: "bob"},
		{EditID: "p", Action: topics.ListApprove, List: "other", Tenant: "acme", Author: "bob"},
		{EditID: "q", Action: topics.ListReject, List: "denied", Tenant: "acme", Author: "bob"},
		{EditID: "a", Action: topics.ListAdd, List: "denied", Match: "fuzzy", Value: "x", Author: "ann"},
		{EditID: "b", Action: topics.ListAdd, List: "denied", Match: string(MatchExact), Author: "ann"},
		{EditID: "c", Action: topics.ListAdd, List: "denied", Match: string(MatchExact), Value: "4111111111111111", Author: "ann"},
		{EditID: "d", Action: topics.ListAdd, List: "denied", Match: string(MatchNetwork), Value: "somewhere", Author: "ann"},
		{EditID: "e", Action: topics.ListAdd, List: "denied", Match: string(MatchBINPrefix), Value: "41", Author: "ann"},
		{EditID: "f", Action: "rename", List: "denied", Match: string(MatchExact), Value: "x", Author: "ann"},
	} {
		if err := g.Apply(int64(i+1), &e, editMoment); err == nil {
			t.Errorf("%+v is taken", e)
		}
	}
	if len(g.Waiting(anyList, editMoment)) != 1 || len(g.Edits().layers) != 0 {
		t.Errorf("%d wait, %d lists are edited", len(g.Waiting(anyList, editMoment)), len(g.Edits().layers))
	}
	if err := g.Apply(20, &topics.ListEdit{EditID: "p", Action: topics.ListReject, List: "denied", Tenant: "acme", Author: "ann"}, editMoment); err != nil {
		t.Errorf("an author takes a proposal back: %v", err)
	}
	if len(g.Waiting(anyList, editMoment)) != 0 {
		t.Error("the rejected edit still waits")
	}
}

// TestEditsAreBounded: a list takes as many entries as a file; what has expired makes room.
func TestEditsAreBounded(t *testing.T) {
	g := NewEditLog(KeepLatest)
	e := topics.ListEdit{EditID: "a", Action: topics.ListAdd, List: "denied", Match: string(MatchExact), Author: "ann"}
	for i := range MaxListEntries {
		e.Value, e.Expires = fmt.Sprintf("dev_%d", i), time.Time{}
		if i < 10 {
			e.Expires = editMoment.Add(time.Hour)
		}
		if err := g.Apply(int64(i), &e, editMoment); err != nil {
			t.Fatal(i, err)
		}
	}
	e.Value = "one too many"
	if err := g.Apply(MaxListEntries, &e, editMoment); err == nil {
		t.Error("the list takes more entries than a file")
	}
	if err := g.Apply(MaxListEntries+1, &e, editMoment.Add(2*time.Hour)); err != nil {
		t.Errorf("what has expired makes no room: %v", err)
	}
}

// TestLookUpOfEditsAllocatesNothing: for every way to match.
func TestLookUpOfEditsAllocatesNothing(t *testing.T) {
	for match, values := range entriesOf {
		l := &List{Name: "denied", Match: match, Editable: true}
		l.prepare()
		g := NewEditLog(KeepLatest)
		for i, v := range values {
			for _, tenant := range []string{"", "acme"} {
				_ = g.Apply(int64(i), &topics.ListEdit{Action: topics.ListAdd, List: l.Name, Match: string(match), Tenant: tenant, Value: v}, editMoment)
			}
		}
		edits := g.Edits()
		for _, v := range []string{values[0], "411112", "198.51.100.8", "2001:db8::1", "nothing"} {
			if _, err := netip.ParseAddr(v); match == MatchNetwork && err != nil {
				continue // the error is made
			}
			if n := testing.AllocsPerRun(100, func() {
				if o, ok := edits.over(l, "acme"); ok {
					o.lookUp(v, 0)
				}
			}); n > 0 {
				t.Errorf("%s, %q: %v allocations", match, v, n)
			}
		}
	}
}

func BenchmarkLookUpOfEdits(b *testing.B) {
	l := &List{Name: "denied", Match: MatchExact, Editable: true}
	l.prepare()
	g := NewEditLog(KeepLatest)
	values := make([]string, 10_000)
	for i := range values {
		values[i] = fmt.Sprintf("dev_%d", i)
		_ = g.Apply(int64(i), &topics.ListEdit{Action: topics.ListAdd, List: l.Name, Match: string(l.Match), Tenant: "acme", Value: values[i]}, editMoment)
	}
	edits := g.Edits()
	b.ReportAllocs()
	for b.Loop() {
		o, _ := edits.over(l, "acme")
		o.lookUp(values[rand.IntN(len(values))], 0)
	}
}

// TestExpiriesFarAway: a date that nanoseconds do not reach is never, not long ago.
func TestExpiriesFarAway(t *testing.T) {
	for text, want := range map[string]truth{"1066-10-14": no, "1970-01-01": no, "2026-03-01": yes, "2262-04-11": yes, "2262-04-12": yes, "9999-12-31": yes} {
		until, err := ParseExpiry(text)
		if err != nil {
			t.Fatal(err)
		}
		l := &List{Name: "denied", Match: MatchExact}
		l.prepare()
		if err := l.add(Entry{Value: "dev_1", Expires: until}); err != nil {
			t.Fatal(err)
		}
		if got := l.lookUp("dev_1", nanoseconds(editMoment)); got != want {
			t.Errorf("an entry until %s is in the list: %v, want %v", text, got, want)
		}
	}
}

// BenchmarkEditOfALargeList is one edit of a list of 250,000, until decisions can read it.
func BenchmarkEditOfALargeList(b *testing.B) {
	g := NewEditLog(KeepLatest)
	e := topics.ListEdit{Action: topics.ListAdd, List: "denied", Match: string(MatchExact), Tenant: "acme", Author: "ann"}
	for i := range MaxListEntries - 1 {
		e.Value = fmt.Sprintf("dev_%d", i)
		if err := g.Apply(int64(i), &e, editMoment); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		e.Value = fmt.Sprintf("dev_%d", rand.IntN(MaxListEntries-1))
		if err := g.Apply(1, &e, editMoment); err != nil {
			b.Fatal(err)
		}
		g.Edits()
	}
}

// TestEditsNeverChange: decisions that go on while a list is edited see it as of one version, whichever it is.
func TestEditsNeverChange(t *testing.T) {
	l := &List{Name: "denied", Match: MatchExact, Editable: true}
	l.prepare()
	value := func(i int64) string { return fmt.Sprintf("dev_%d", i) }
	var now atomic.Pointer[Edits]
	const edits = 3000
	done := make(chan struct{})
	go func() {
		defer close(done)
		g := NewEditLog(KeepLatest)
		for i := range int64(edits) {
			if err := g.Apply(i, &topics.ListEdit{Action: topics.ListAdd, List: l.Name, Match: string(l.Match), Tenant: "acme", Value: value(i)}, editMoment); err != nil {
				t.Error(err)
			}
			now.Store(g.Edits())
		}
	}()
	for last := int64(0); last < edits; {
		v := now.Load()
		if last = v.Version(); last == 0 {
			continue
		}
		o, _ := v.over(l, "acme")
		for _, i := range []int64{0, last / 2, last - 1, last, last + 7} {
			if got, want := o.lookUp(value(i), 0), truthOf(i < last); got != want {
				t.Fatalf("version %d: %s is %v, want %v", last, value(i), got, want)
			}
		}
	}
	<-done
}
