// Package scenario runs stories that are tests: text files whose lines say what happens. The indented lines below one say what
// came of it, and are compared, or rewritten.
package scenario

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Run plays each story of a directory in a test of its own. begin makes the world of one; do returns what came of a line there.
// With update the stories are rewritten.
func Run(t *testing.T, dir string, update bool, begin func(*testing.T) (do func(line string) []string)) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios in %s: %v", dir, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := Play(string(text), begin(t))
			switch {
			case got == string(text):
			case update:
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			default:
				t.Errorf("%s: %s\n%s\nRun with -update to rewrite, then read the diff.", file, difference(string(text), got), got)
			}
		})
	}
}

// Play returns a story with what came out in the place of what it expects.
func Play(text string, do func(line string) []string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") {
			continue // expected; written anew
		}
		out.WriteString(line)
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		for _, result := range do(line) {
			out.WriteString("  " + result + "\n")
		}
	}
	return out.String()
}

// difference tells the first line in which two texts differ.
func difference(want, got string) string {
	wants, gots := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := 0; ; i++ {
		if i == len(wants) || i == len(gots) || wants[i] != gots[i] {
			return fmt.Sprintf("line %d\nwant %q\ngot  %q", i+1, strings.Join(wants[i:min(i+1, len(wants))], ""), strings.Join(gots[i:min(i+1, len(gots))], ""))
		}
	}
}
