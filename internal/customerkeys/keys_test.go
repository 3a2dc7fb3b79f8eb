package customerkeys_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/internal/customerkeys"
	"github.com/weirhq/weir/internal/database/databasetest"
)

func newMaster(t rapid.TB, id string) string {
	text, err := customerkeys.NewMaster(id)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func masters(t rapid.TB, current, former string) *customerkeys.Masters {
	m, err := customerkeys.NewMasters(current, former)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestWhatIsSealedOpensInItsPlaceAlone: as the same field of the same customer of the same tenant, by the same data key, through
// every rotation of the master key that has rewrapped it; and nowhere else, nor after a bit of it was changed.
func TestWhatIsSealedOpensInItsPlaceAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-z0-9_.:-]{1,12}`)
		tenant, customer, field, text := name.Draw(t, "tenant"), name.Draw(t, "customer"), name.Draw(t, "field"), rapid.String().Draw(t, "text")
		first, second, third := newMaster(t, "1"), newMaster(t, "2"), newMaster(t, "3")
		before := masters(t, first, "")
		w, err := before.New(tenant, customer)
		if err != nil {
			t.Fatal(err)
		}
		key, err := before.Open(w, tenant, customer)
		if err != nil {
			t.Fatal(err)
		}
		sealed := key.Seal(field, text)
		if len(text) > 3 && (bytes.Contains(sealed, []byte(text)) || bytes.Contains(w.Wrapped, []byte(text))) {
			t.Fatal("the text can be read")
		}
		if again := key.Seal(field, text); bytes.Equal(again, sealed) {
			t.Fatal("the same text is the same bytes twice")
		}

		// Two live master keys: the former one opens what it wrapped, and the current one what was wrapped anew.
		during := masters(t, second, first)
		rewrapped, err := during.Rewrap(w, tenant, customer)
		if err != nil || rewrapped.KeyID != w.KeyID || rewrapped.Master != "2" {
			t.Fatal(rewrapped, err)
		}
		for _, at := range []struct {
			masters *customerkeys.Masters
			w       customerkeys.Wrapped
		}{{before, w}, {during, w}, {during, rewrapped}, {masters(t, second, ""), rewrapped}, {masters(t, third, second), rewrapped}} {
			key, err := at.masters.Open(at.w, tenant, customer)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := key.Open(field, sealed); err != nil || got != text {
				t.Fatalf("%q, %v", got, err)
			}
		}
		if _, err := masters(t, third, "").Open(rewrapped, tenant, customer); !errors.Is(err, customerkeys.ErrUnknownMaster) {
			t.Fatal("opened without its master key: ", err)
		}
		if _, err := masters(t, newMaster(t, "1"), "").Open(w, tenant, customer); err == nil {
			t.Fatal("opened by another master key of the same id")
		}

		// Swapped: another field, customer or tenant, another key, other bytes.
		if _, err := key.Open(field+"x", sealed); err == nil {
			t.Fatal("opened as another field")
		}
		for _, other := range [][2]string{{tenant + "x", customer}, {tenant, customer + "x"}} {
			if _, err := before.Open(w, other[0], other[1]); err == nil {
				t.Fatal("the data key opens as another customer's")
			}
			theirs, err := before.New(other[0], other[1])
			if err != nil {
				t.Fatal(err)
			}
			opened, err := before.Open(theirs, other[0], other[1])
			if err != nil {
				t.Fatal(err)
			}
			if _, err := opened.Open(field, sealed); err == nil {
				t.Fatal("opened by another customer's data key")
			}
		}
		spoilt := bytes.Clone(sealed)
		spoilt[rapid.IntRange(0, len(spoilt)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := key.Open(field, spoilt); err == nil {
			t.Fatal("opened although a bit was changed")
		}
		renamed := w
		renamed.KeyID = uuid.Must(uuid.NewV4())
		if _, err := before.Open(renamed, tenant, customer); err == nil {
			t.Fatal("the data key opens under another id")
		}
	})
}

// TestErrorsTellNothing: neither a master key nor what was encrypted stands in an error.
func TestErrorsTellNothing(t *testing.T) {
	text := newMaster(t, "1")
	_, secret, _ := strings.Cut(text, ":")
	for _, c := range []struct{ current, former, want string }{
		{secret, "", "want an id of 1 to 32 letters"},
		{"1 2:" + secret, "", "want an id of 1 to 32 letters"},
		{text + "AA", "", "master key 1: want 32 bytes in base64"},
		{"1:" + secret[:20], "", "master key 1: want 32 bytes in base64"},
		{"", text, "a former master key is set, but none that is in use"},
		{text, text, "both master keys have the id 1"},
		{text, "former", "former master key: want an id"},
	} {
		_, err := customerkeys.NewMasters(c.current, c.former)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), secret[:8]) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	if m, err := customerkeys.NewMasters("", ""); m != nil || err != nil {
		t.Errorf("%v, %v: want none", m, err)
	}
}

// TestRotate wraps every key by the new master key, however often it is cut short, and leaves those alone that are gone.
func TestRotate(t *testing.T) {
	db := databasetest.New(t)
	first, second := newMaster(t, "1"), newMaster(t, "2")
	before := masters(t, first, "")
	const customers = 7
	sealed := map[string][]byte{}
	for i := range customers {
		customer := "cus_" + string(rune('a'+i))
		w, err := before.New("acme", customer)
		if err != nil {
			t.Fatal(err)
		}
		key, err := before.Open(w, "acme", customer)
		if err != nil {
			t.Fatal(err)
		}
		sealed[customer] = key.Seal("names", customer)
		for range 2 { // a second one changes nothing
			if err := customerkeys.Put(t.Context(), db.Pool, int32(i%2), uuid.NewV5(uuid.Nil, customer), "acme", customer, w); err != nil {
				t.Fatal(err)
			}
			if w, err = before.New("acme", customer); err != nil {
				t.Fatal(err)
			}
		}
	}
	during := masters(t, second, first)
	for _, want := range []int{customers, 0} {
		if rotated, err := during.Rotate(t.Context(), db.Pool); err != nil || rotated != want {
			t.Fatalf("%d keys were rotated, %v; want %d", rotated, err, want)
		}
	}
	after := masters(t, second, "")
	rows, err := db.Pool.Query(t.Context(), `SELECT customer, key_id, master, wrapped FROM customer_keys`)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; rows.Next(); n++ {
		var customer string
		var w customerkeys.Wrapped
		if err := rows.Scan(&customer, &w.KeyID, &w.Master, &w.Wrapped); err != nil {
			t.Fatal(err)
		}
		key, err := after.Open(w, "acme", customer)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := key.Open("names", sealed[customer]); err != nil || got != customer {
			t.Errorf("%s: %q, %v", customer, got, err)
		}
	}
	if rows.Err() != nil || n != customers {
		t.Errorf("%d keys, %v", n, rows.Err())
	}
}

// TestRotateGoesOn: data keys that no configured master key opens are told, and all others are rotated.
func TestRotateGoesOn(t *testing.T) {
	db := databasetest.New(t)
	first, second := newMaster(t, "1"), newMaster(t, "2")
	before, stranger := masters(t, first, ""), masters(t, newMaster(t, "stray"), "")
	const foreign, good = 22, 3
	for i := range foreign + good {
		m, customer := stranger, fmt.Sprintf("cus_%02d", i)
		if i >= foreign {
			m = before
		}
		w, err := m.New("acme", customer)
		if err != nil {
			t.Fatal(err)
		}
		if err := customerkeys.Put(t.Context(), db.Pool, int32(i), uuid.NewV5(uuid.Nil, customer), "acme", customer, w); err != nil {
			t.Fatal(err)
		}
	}
	during := masters(t, second, first)
	for _, want := range []int{good, 0} {
		rotated, err := during.Rotate(t.Context(), db.Pool)
		var unopened *customerkeys.Unopened
		if rotated != want || !errors.As(err, &unopened) || unopened.Keys != foreign || len(unopened.First) != 20 {
			t.Fatalf("%d keys were rotated, %v; want %d, and %d that cannot be opened", rotated, err, want, foreign)
		}
		if text := err.Error(); !strings.Contains(text, `customer cus_00 of acme: the master key is not configured here: "stray"`) {
			t.Errorf("%s: want the customer and the master key", text)
		}
	}
	var left int
	if err := db.Pool.QueryRow(t.Context(), `SELECT count(*) FROM customer_keys WHERE master <> '2'`).Scan(&left); err != nil || left != foreign {
		t.Errorf("%d keys are encrypted by other master keys, %v; want %d", left, err, foreign)
	}
}

// TestDevelopmentKey: of several processes that begin at once one makes the key, and all have the same.
func TestDevelopmentKey(t *testing.T) {
	dir := t.TempDir()
	if text, err := customerkeys.Development(dir); text != "" || err != nil {
		t.Fatalf("%q, %v: want none yet", text, err)
	}
	var made [8]bool
	var group sync.WaitGroup
	for i := range made {
		group.Go(func() {
			var err error
			if made[i], err = customerkeys.MakeDevelopment(dir); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	n := 0
	for _, m := range made {
		if m {
			n++
		}
	}
	text, err := customerkeys.Development(dir)
	if n != 1 || err != nil {
		t.Errorf("%d made it, %v", n, err)
	}
	masters(t, text, "")
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v, %v: want the key alone", entries, err)
	}
	if info, err := entries[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v: want that nobody else reads it", info.Mode(), err)
	}
}
