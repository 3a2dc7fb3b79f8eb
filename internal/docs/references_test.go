package docs

import (
	"context"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

var link = regexp.MustCompile(`\]\(([^)\s]*)\)`)

// TestLinks finds links to files and headings that do not exist.
func TestLinks(t *testing.T) {
	all := documents(t)
	byPath := map[string]*document{}
	for i := range all {
		byPath[all[i].path] = &all[i]
	}
	for _, d := range all {
		for _, m := range link.FindAllStringSubmatch(d.prose, -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			target := d.path
			if file != "" {
				target = path.Join(path.Dir(d.path), file)
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s: link to %s: there is no %s", d.path, m[1], target)
			} else if to := byPath[target]; anchor != "" && to != nil && !to.anchors()[anchor] {
				t.Errorf("%s: link to %s: %s has no such heading", d.path, m[1], target)
			}
		}
	}
}

var makeTarget = regexp.MustCompile(`\bmake ([a-z][a-z-]*)`)

func TestMakeTargets(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range documents(t) {
		for _, code := range d.code() {
			for _, m := range makeTarget.FindAllStringSubmatch(code, -1) {
				if !regexp.MustCompile(`(?m)^` + m[1] + `:`).Match(makefile) {
					t.Errorf("%s: make %s: there is no such target", d.path, m[1])
				}
			}
		}
	}
}

var (
	fileName   = regexp.MustCompile(`^[\w./-]+\.(go|sql|md|yaml|txt|xml)$`)
	folderName = regexp.MustCompile(`^(api|cmd|deploy|docs|internal|ledger|processors|rules|testdata|topics)(/[\w.-]+)*/?$`)
)

// TestMap finds files and folders that ARCHITECTURE.md names and that are not there.
func TestMap(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	d := parse("ARCHITECTURE.md", string(text))
	named := 0
	for _, m := range codeSpan.FindAllStringSubmatch(d.prose, -1) {
		if !fileName.MatchString(m[1]) && !folderName.MatchString(m[1]) {
			continue
		}
		named++
		if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
			t.Errorf("ARCHITECTURE.md names %s, which does not exist", m[1])
		}
	}
	if named < 50 {
		t.Errorf("%d files and folders found in ARCHITECTURE.md; the test does not see them", named)
	}
	for _, point := range stream.Points() {
		if !strings.Contains(string(text), "`"+string(point)+"`") {
			t.Errorf("ARCHITECTURE.md does not say what a crash at %s leaves", point)
		}
	}
}

// TestNames finds topics, configuration keys and metrics that documents name and that do not exist.
func TestNames(t *testing.T) {
	reference := config.Markdown()
	source := goSource(t)
	key := regexp.MustCompile(`^(kafka|database|api|risk|psp|payments|stream|sandbox|log)\.[a-z_.<>0-9]+$`)
	topic := regexp.MustCompile(`^[a-z]+\.[a-z.]+\.v[0-9]+$`)
	metric := regexp.MustCompile(`^weir_[a-z_]+$`)
	for _, d := range documents(t) {
		if d.path == "docs/config.md" {
			continue
		}
		for _, m := range codeSpan.FindAllStringSubmatch(d.prose, -1) {
			name := m[1]
			switch {
			case topic.MatchString(name):
				if _, ok := topics.Lookup(name); !ok && !strings.Contains(source, `"`+name+`"`) {
					t.Errorf("%s: there is no topic or type %s", d.path, name)
				}
			case key.MatchString(name) && !strings.HasSuffix(name, ".go"):
				if !isKey(reference, name) {
					t.Errorf("%s: there is no configuration key %s", d.path, name)
				}
			case metric.MatchString(name):
				if !isMetric(source, name) {
					t.Errorf("%s: there is no metric %s", d.path, name)
				}
			}
		}
	}
}

// ruleField matches the fields of rules, whose names look like keys.
var ruleField = regexp.MustCompile(`^payments?\.[a-z_]+$`)

func isKey(reference, name string) bool {
	return strings.Contains(reference, "`"+name+"`") || strings.Contains(reference, "`"+name+".") ||
		ruleField.MatchString(name) && !strings.HasPrefix(name, "payments.")
}

// isMetric accepts a name that stands in the code, as a whole or as a prefix and the rest.
func isMetric(source, name string) bool {
	if strings.Contains(source, `"`+name+`"`) {
		return true
	}
	for i := len("weir_"); i < len(name); i++ {
		if name[i-1] == '_' && strings.Contains(source, `"`+name[:i]+`"`) && strings.Contains(source, `"`+name[i:]+`"`) {
			return true
		}
	}
	return false
}

// goSource is all code of ours that is no test.
func goSource(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, folder := range []string{"api", "cmd", "internal", "ledger", "processors", "rules", "topics"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			all.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

var mention = regexp.MustCompile(`(?:^|[ (;|"])(?:bin/)?weir((?: [^;|&>#)"]+)+)`)

// TestCommands finds subcommands and flags of weir that do not exist.
func TestCommands(t *testing.T) {
	weir := buildWeir(t)
	known := map[string]string{}
	for _, d := range documents(t) {
		for _, code := range d.code() {
			for _, m := range mention.FindAllStringSubmatch(code, -1) {
				checkCommand(t, weir, known, d.path, strings.Fields(m[1]))
			}
		}
	}
	if len(known) < 8 {
		t.Errorf("%d commands found in the documents; the test does not see them", len(known))
	}
}

var (
	commandWord = regexp.MustCompile(`^[a-z][a-z-]*$`)
	flagWord    = regexp.MustCompile(`^--([a-z][a-z-]*)`)
)

// checkCommand follows words down the tree of commands as far as it has branches, and looks for the flags there.
func checkCommand(t *testing.T, weir string, known map[string]string, where string, words []string) {
	t.Helper()
	command := ""
	for len(words) > 0 && commandWord.MatchString(words[0]) && (command == "" || strings.Contains(known[command], "Available Commands:")) {
		command = strings.TrimSpace(command + " " + words[0])
		words = words[1:]
		if _, ok := known[command]; !ok {
			known[command] = help(t, weir, command)
		}
		if !strings.Contains(known[command], "Usage:\n  weir "+command) {
			t.Errorf("%s: there is no command weir %s", where, command)
			return
		}
	}
	for _, word := range words {
		m := flagWord.FindStringSubmatch(word)
		if m != nil && command != "" && !regexp.MustCompile(`--`+m[1]+`\b`).MatchString(known[command]) {
			t.Errorf("%s: weir %s has no flag --%s", where, command, m[1])
		}
	}
}

// help is what weir says of a command; "" where it knows none of that name.
func help(t *testing.T, weir, command string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), helpWithin)
	defer cancel()
	out, err := exec.CommandContext(ctx, weir, append(strings.Fields(command), "--help")...).Output()
	if ctx.Err() != nil {
		t.Fatalf("weir %s --help: %v", command, err)
	}
	return string(out)
}
