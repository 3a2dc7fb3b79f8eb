package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const lessons = "docs/lessons.md"

var (
	lesson    = regexp.MustCompile(`(?m)^\| (?:[^|\n]+) \| ([^|\n]+ #\d+[^|\n]*) \| (?:[^|\n]+) \| ([^\n]+) \|$`)
	namedTest = regexp.MustCompile(`^([a-z][\w/]*) (Test\w+)(?:/(.+))?$`)
)

// TestLessons: each lesson names a test or a scenario, and these exist. That of scenarios is checked by TestLinks.
func TestLessons(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, lessons))
	if err != nil {
		t.Fatal(err)
	}
	found := lesson.FindAllStringSubmatch(string(text), -1)
	if len(found) < 21 {
		t.Errorf("%d lessons found in %s; the test does not see them", len(found), lessons)
	}
	for _, m := range found {
		tests := codeSpan.FindAllStringSubmatch(m[2], -1)
		if len(tests) == 0 && !link.MatchString(m[2]) {
			t.Errorf("%s: %s: nothing holds it", lessons, m[1])
		}
		for _, span := range tests {
			name := namedTest.FindStringSubmatch(span[1])
			if name == nil {
				t.Errorf("%s: %s: %s is no test; want a package and the test's name", lessons, m[1], span[1])
				continue
			}
			source := testSource(t, name[1])
			if !strings.Contains(source, "func "+name[2]+"(t *testing.T)") || name[3] != "" && !strings.Contains(source, `"`+name[3]+`"`) {
				t.Errorf("%s: %s: there is no test %s", lessons, m[1], span[1])
			}
		}
	}
}

// testSource is all tests of a package.
func testSource(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}
