package listtopic_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/listtopic"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

const ruleText = `version: 1
lists:
  denied: { editable: true, entries: [dev_file, { value: dev_short, expires: "2026-12-31" }] }
  watched: { editable: true, four_eyes: true, match: network }
  countries: { editable: true, entries: [NG] }
  fixed: { entries: [dev_1] }
rules:
  - { name: denied, when: context.device_id in list("denied") || context.device_id in list("fixed"), outcome: block, on_missing: hold }
  - { name: watched, when: context.ip in list("watched") || card.country in list("countries"), outcome: hold, on_missing: hold }
`

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

type world struct {
	*testing.T
	broker *brokertest.Broker
	set    *rules.Set
	desk   *listtopic.Desk
}

func newWorld(t *testing.T) *world {
	set, err := rules.Compile([]rules.File{{Name: "rules.yaml", Text: []byte(ruleText)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, broker: brokertest.New(t, 2), set: set}
	w.desk = w.open()
	return w
}

func (w *world) open() *listtopic.Desk {
	w.Helper()
	desk, err := listtopic.Open(w.broker.Config.Options(slog.New(slog.DiscardHandler)), func() *rules.Set { return w.set })
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(desk.Close)
	return desk
}

func add(list, tenant, value string) listtopic.Edit {
	return listtopic.Edit{List: list, Tenant: tenant, Value: value, Reason: "a test", Author: "ann"}
}

func remove(list, tenant, value string) listtopic.Edit {
	e := add(list, tenant, value)
	e.Remove = true
	return e
}

func (w *world) edit(e listtopic.Edit) listtopic.Result {
	w.Helper()
	done, err := w.desk.Edit(w.Context(), e, noon)
	if err != nil {
		w.Fatal(err)
	}
	return done
}

// entries are the values of a list as another process reads them.
func (w *world) entries(list, tenant string) string {
	w.Helper()
	entries, _, err := w.open().Entries(w.Context(), list, tenant, noon)
	if err != nil {
		w.Fatal(err)
	}
	var values []string
	for _, e := range entries {
		values = append(values, e.Value)
	}
	slices.Sort(values)
	return strings.Join(values, " ")
}

func TestEditsAreATenantsOwn(t *testing.T) {
	w := newWorld(t)
	w.edit(add("denied", "acme", "dev_1"))
	w.edit(remove("denied", "acme", "dev_file"))
	w.edit(add("denied", "", "dev_2"))
	if again := w.edit(add("denied", "acme", "dev_1")); !again.Unchanged {
		t.Errorf("the same edit twice: %+v", again)
	}
	if inherited := w.edit(add("denied", "bell", "dev_file")); !inherited.Unchanged {
		t.Errorf("an entry of the file was added: %+v", inherited)
	}
	for tenant, want := range map[string]string{"acme": "dev_1 dev_2 dev_short", "bell": "dev_2 dev_file dev_short", "": "dev_2 dev_file dev_short"} {
		if got := w.entries("denied", tenant); got != want {
			t.Errorf("%q has %s, want %s", tenant, got, want)
		}
	}
}

func TestWhatIsNoEditOfTheList(t *testing.T) {
	w := newWorld(t)
	past := add("denied", "acme", "dev_1")
	past.Expires = noon.Add(-time.Second)
	silent, nobody, long := add("denied", "acme", "dev_1"), add("denied", "acme", "dev_1"), add("denied", "acme", strings.Repeat("x", 600))
	silent.Reason, nobody.Author = " ", ""
	card := add("denied", "acme", "dev_1")
	card.Reason = "used 4111 1111 1111 1111"
	for name, c := range map[string]struct {
		edit listtopic.Edit
		says string
	}{
		"no such list":   {add("denyed", "acme", "dev_1"), `did you mean "denied"?`},
		"not editable":   {add("fixed", "acme", "dev_2"), "editable: true"},
		"no country":     {add("countries", "acme", "UK"), `did you mean "GB"?`},
		"no network":     {add("watched", "acme", "198.51.100.7/24"), "write the network as 198.51.100.0/24"},
		"a space":        {add("denied", "acme", "dev_1 "), "begins or ends with a space"},
		"a card number":  {add("denied", "acme", "4111111111111111"), "use a BIN or a fingerprint"},
		"to remove one":  {remove("denied", "acme", "4111 1111 1111 1111"), "use a BIN or a fingerprint"},
		"one with space": {add("denied", "acme", "4111 1111 1111 1111 "), "use a BIN or a fingerprint"},
		"one in why":     {card, "card number"},
		"past":           {past, "would never count"},
		"why":            {silent, "Give a reason"},
		"who":            {nobody, "Name an author"},
		"too long":       {long, "1 to 512 bytes"},
		"not in there":   {remove("denied", "acme", "dev_9"), "is not in the list"},
		"nothing at all": {add("denied", "acme", ""), "no value"},
	} {
		t.Run(name, func(t *testing.T) {
			if done, err := w.desk.Edit(t.Context(), c.edit, noon); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%+v, %v; want %q", done, err, c.says)
			}
			if _, err := w.desk.Edit(t.Context(), c.edit, noon); topics.FindCardNumber([]byte(err.Error())) {
				t.Error("the error tells a card number")
			}
		})
	}
	if got := w.entries("denied", "acme"); got != "dev_file dev_short" {
		t.Errorf("the list has %s", got)
	}
}

func TestASecondPersonApproves(t *testing.T) {
	w := newWorld(t)
	first := w.edit(add("watched", "acme", "198.51.100.0/24"))
	if again := w.edit(add("watched", "acme", "198.51.100.0/24")); again.EditID != first.EditID || !again.Proposed {
		t.Errorf("the same proposal twice: %+v, %+v", first, again)
	}
	second := w.edit(add("watched", "acme", "203.0.113.7"))
	if got := w.entries("watched", "acme"); got != "" || !second.Proposed {
		t.Errorf("in force without approval: %s", got)
	}
	settle := func(tenant, id string, approve bool, who string) error {
		_, err := w.desk.Settle(t.Context(), "watched", tenant, id, approve, who, "looked at it", noon)
		return err
	}
	var refused *listtopic.Refused
	if err := settle("acme", first.EditID, true, "Ann "); !errors.As(err, &refused) {
		t.Errorf("the author approves: %v", err)
	}
	if err := settle("bell", first.EditID, true, "bob"); !errors.Is(err, listtopic.ErrNoEntry) {
		t.Errorf("another tenant's key approves: %v", err)
	}
	if err := settle("acme", first.EditID[:8], true, "bob"); err != nil {
		t.Fatal(err)
	}
	if err := settle("acme", second.EditID, false, "bob"); err != nil {
		t.Fatal(err)
	}
	if err := settle("acme", second.EditID, true, "bob"); !errors.Is(err, listtopic.ErrNoEntry) {
		t.Errorf("what was rejected is approved: %v", err)
	}
	if got := w.entries("watched", "acme"); got != "198.51.100.0/24" {
		t.Errorf("the list has %s", got)
	}
}

func TestImport(t *testing.T) {
	w := newWorld(t)
	w.edit(add("denied", "acme", "dev_old"))
	text := "value,expires,reason\ndev_1,,stolen\ndev_file,,\ndev_2,2027-01-31,\n"
	list, err := w.set.List("denied")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := list.ReadEntries("new.csv", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	e := listtopic.Edit{List: "denied", Tenant: "acme", Reason: "monthly", Author: "ann"}
	done, err := w.desk.Import(t.Context(), e, entries, listtopic.Keep, noon)
	if err != nil || done.Added != 2 || done.Unchanged != 1 || done.Removed != 0 {
		t.Fatalf("%+v, %v", done, err)
	}
	if got := w.entries("denied", "acme"); got != "dev_1 dev_2 dev_file dev_old dev_short" {
		t.Errorf("the list has %s", got)
	}
	if done, err = w.desk.Import(t.Context(), e, entries, listtopic.Replace, noon); err != nil || done.Added != 0 || done.Removed != 2 {
		t.Fatalf("%+v, %v", done, err)
	}
	if got := w.entries("denied", "acme"); got != "dev_1 dev_2 dev_file" {
		t.Errorf("the list has %s", got)
	}
	if got := w.entries("denied", "bell"); got != "dev_file dev_short" {
		t.Errorf("another tenant's list has %s", got)
	}
	// A file that was cut off does not empty a list.
	var refused *listtopic.Refused
	if _, err := w.desk.Import(t.Context(), e, entries[:1], listtopic.Replace, noon); !errors.As(err, &refused) || !strings.Contains(err.Error(), "of 3 entries 1 would be left") {
		t.Errorf("error %v", err)
	}
	if got := w.entries("denied", "acme"); got != "dev_1 dev_2 dev_file" {
		t.Errorf("the list has %s", got)
	}
	if done, err := w.desk.Import(t.Context(), e, nil, listtopic.ReplaceMost, noon); err != nil || done.Removed != 3 || w.entries("denied", "acme") != "" {
		t.Errorf("%+v, %v: the list has %s", done, err, w.entries("denied", "acme"))
	}
	_, err = list.ReadEntries("bad.csv", []byte("value\ndev_1\n\"4111 1111 1111 1111\"\n"))
	var problems rules.Problems
	if !errors.As(err, &problems) || problems[0].Line != 3 {
		t.Errorf("a card number in a file: %v", err)
	}
}

// TestAnImportIsBounded: a list has no more entries than a file may have, and then nothing is written.
func TestAnImportIsBounded(t *testing.T) {
	w := newWorld(t)
	entries := make([]rules.Entry, rules.MaxListEntries)
	for i := range entries {
		entries[i].Value = fmt.Sprintf("dev_%d", i)
	}
	e := listtopic.Edit{List: "denied", Tenant: "acme", Reason: "too much", Author: "ann"}
	var refused *listtopic.Refused
	if _, err := w.desk.Import(t.Context(), e, entries, listtopic.Keep, noon); !errors.As(err, &refused) || !strings.Contains(err.Error(), "at most 250000") {
		t.Errorf("error %v", err)
	}
	if got := w.entries("denied", "acme"); got != "dev_file dev_short" {
		t.Errorf("the list has %s", got)
	}
}

// TestAnImportThatWaitsIsBounded: one that cannot wait as a whole is not proposed in part.
func TestAnImportThatWaitsIsBounded(t *testing.T) {
	w := newWorld(t)
	entries := make([]rules.Entry, rules.MaxWaiting)
	for i := range entries {
		entries[i].Value = fmt.Sprintf("10.0.%d.%d", i/256, i%256)
	}
	e := listtopic.Edit{List: "watched", Tenant: "acme", Reason: "attack", Author: "ann"}
	w.edit(add("watched", "acme", "198.51.100.0/24"))
	var refused *listtopic.Refused
	if _, err := w.desk.Import(t.Context(), e, entries, listtopic.Keep, noon); !errors.As(err, &refused) || !strings.Contains(err.Error(), "1, and 10000 more; at most 10000 may") {
		t.Errorf("error %v", err)
	}
	done, err := w.desk.Import(t.Context(), e, entries[1:], listtopic.Keep, noon)
	if err != nil || !done.Proposed {
		t.Fatalf("%+v, %v", done, err)
	}
	_, waiting, err := w.open().Entries(t.Context(), "watched", "acme", noon)
	if err != nil || len(waiting) != 2 || waiting[done.EditID].Records != rules.MaxWaiting-1 {
		t.Errorf("%d edits wait, %v", len(waiting), err)
	}
	if _, err := w.desk.Edit(t.Context(), add("watched", "acme", "203.0.113.7"), noon); !errors.As(err, &refused) {
		t.Errorf("one too many: %v", err)
	}
	if bell := w.edit(add("watched", "bell", "203.0.113.7")); !bell.Proposed {
		t.Errorf("another tenant's: %+v", bell)
	}
}

// TestManyWriters: nobody shuts anybody out, and all end with the same list.
func TestManyWriters(t *testing.T) {
	w := newWorld(t)
	const writers, edits = 4, 10
	var group sync.WaitGroup
	for i := range writers {
		desk := w.open()
		group.Go(func() {
			for k := range edits {
				if _, err := desk.Edit(t.Context(), add("denied", "acme", fmt.Sprintf("dev_%d_%d", i, k)), noon); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if got := len(strings.Fields(w.entries("denied", "acme"))); got != writers*edits+2 {
		t.Errorf("%d entries, want %d", got, writers*edits+2)
	}
}

// TestTheTopicIsAnAudit: who, when, why, of every change, in its order.
func TestTheTopicIsAnAudit(t *testing.T) {
	w := newWorld(t)
	w.edit(add("denied", "acme", "dev_1"))
	w.edit(remove("denied", "acme", "dev_1"))
	proposed := w.edit(add("watched", "acme", "203.0.113.7"))
	if _, err := w.desk.Settle(t.Context(), "watched", "acme", proposed.EditID, true, "bob", "", noon); err != nil {
		t.Fatal(err)
	}
	history, err := listtopic.History(t.Context(), w.broker.Config.Options(slog.New(slog.DiscardHandler)), func(*topics.ListEdit) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range history {
		got = append(got, fmt.Sprintf("%s %s %s by %s: %s", h.List, h.Action, h.Value, h.Author, h.Reason))
	}
	want := []string{"denied add dev_1 by ann: a test", "denied remove dev_1 by ann: a test", "watched add 203.0.113.7 by ann: a test", "watched approve  by bob: approved"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
