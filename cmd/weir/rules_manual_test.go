package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/rules/routing"
)

// block is one fenced block of the manual: its language, its file name if it has one, and its text.
type block struct{ language, file, text string }

var fenced = regexp.MustCompile("(?ms)^```(\\w+)(?: (\\S+))?\n(.*?)^```$")

// TestRulesManual follows the manual: files are written, commands run, and their output is what the manual shows.
func TestRulesManual(t *testing.T) {
	followManual(t, "../../rules/README.md", func(t *testing.T, b block) {
		// One is broken on purpose, one takes away a rule of another file: commands below them load these.
		if b.file != "broken.yaml" && b.file != "acme_eu.yaml" {
			goodRules(t, b)
		}
	})
}

// TestRoutingManual is the same of the manual for routing files.
func TestRoutingManual(t *testing.T) {
	followManual(t, "../../docs/routing.md", func(t *testing.T, b block) {
		set, err := routing.Load(b.file, nil)
		if err != nil {
			t.Fatalf("%s\n%s", b.text, err)
		}
		if _, failures := set.Test(); failures != nil {
			t.Errorf("%s\n%s", b.text, failures)
		}
	})
}

// followManual follows a manual; good checks a file that it shows.
func followManual(t *testing.T, name string, good func(*testing.T, block)) {
	t.Helper()
	manual, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []block
	for _, m := range fenced.FindAllStringSubmatch(string(manual), -1) {
		blocks = append(blocks, block{m[1], m[2], m[3]})
	}
	if n := strings.Count(string(manual), "\n```"); len(blocks)*2 != n || n == 0 {
		t.Fatalf("%d blocks, %d fences", len(blocks), n)
	}
	t.Chdir(t.TempDir())
	output := ""
	for _, b := range blocks {
		if b.file != "" {
			if err := os.WriteFile(b.file, []byte(b.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		switch b.language {
		case "yaml":
			good(t, b)
		case "sh":
			output = runManual(t, b.text)
		case "text":
			if b.text != output {
				t.Errorf("the manual shows\n%s\nthe output is\n%s", b.text, output)
			}
		}
	}
}

func goodRules(t *testing.T, b block) {
	t.Helper()
	name := b.file
	if name == "" {
		name = filepath.Join(t.TempDir(), "snippet.yaml")
		if err := os.WriteFile(name, []byte(b.text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	set, err := rules.Load(name)
	if err != nil {
		t.Errorf("%s\n%s", b.text, err)
		return
	}
	if _, failures := set.Test(); failures != nil {
		t.Errorf("%s\n%s", b.text, failures)
	}
}

func runManual(t *testing.T, lines string) string {
	t.Helper()
	var out bytes.Buffer
	for line := range strings.Lines(lines) {
		args := strings.Fields(line)
		if args[0] != "weir" {
			t.Fatalf("the manual runs %q", line)
		}
		run(t.Context(), &app{out: &out, errOut: &out}, args[1:])
	}
	return out.String()
}

// TestRulesManualNamesEveryField: the table of fields is the one that the code has.
func TestRulesManualNamesEveryField(t *testing.T) {
	manual, err := os.ReadFile("../../rules/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range rules.Fields() {
		row := "| `" + f.Name + "` | `" + f.Example + "` | " + yesNo(!f.Required) + " | " + f.Doc + " |\n"
		if !strings.Contains(string(manual), row) {
			t.Errorf("rules/README.md has no row\n%s", row)
		}
	}
}
