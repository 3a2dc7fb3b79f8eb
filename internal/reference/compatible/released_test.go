package compatible

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/weirhq/weir/topics"
)

const (
	schemas  = "../../../docs/schemas"
	released = schemas + "/released/v1"
	suffix   = ".schema.json"
)

// TestReleasedSchemasHold compares each schema with the one that was released last. What it reports breaks a consumer, a
// producer or stored records: leave the field as it was, or give the record a new version on a topic of its own.
func TestReleasedSchemasHold(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(released, "*"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 {
		t.Fatalf("%d released schemas found; the test looks in the wrong place", len(files))
	}
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), suffix)
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		now, err := os.ReadFile(filepath.Join(schemas, name+suffix))
		if err != nil {
			t.Errorf("%s: the record is gone: records are never removed: %v", name, err)
			continue
		}
		problems, err := Compare(before, now, useOf(name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, problem := range problems {
			t.Errorf("%s: %s", name, problem)
		}
	}
}

// useOf is Written for what weir writes and somebody outside reads. All else is read: commands by weir, records between
// its roles and rule files by the version that comes next.
func useOf(name string) Use {
	for _, topic := range topics.Catalogue() {
		if !topic.Public || slices.Contains(topic.Writers, "producers") {
			continue
		}
		for _, value := range append([]any{topic.Value}, topic.Values...) {
			if value != nil && reflect.TypeOf(value).Name() == name {
				return Written
			}
		}
	}
	return Read
}

func TestUses(t *testing.T) {
	for name, want := range map[string]Use{
		"LedgerEntry": Written, "PaymentEvent": Written, "Decision": Written, "DeadLetter": Written,
		"Command": Read, "AssessedCommand": Read, "PSPRequest": Read, "rules": Read,
	} {
		if got := useOf(name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
