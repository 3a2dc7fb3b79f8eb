// Package docs follows the documents: their snippets run against an engine, and what they name exists.
package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is where the module begins, seen from here.
const root = "../.."

// document is one Markdown file, taken apart.
type document struct {
	path   string // from the root
	text   string
	blocks []block
	prose  string // the text without the blocks
}

// block is one fenced block.
type block struct {
	line int    // of its opening fence
	info string // what follows the fence
	text string
}

var fence = regexp.MustCompile("(?ms)^```([^\n`]*)\n(.*?)^```$")

func parse(path, text string) document {
	d := document{path: path, text: text, prose: fence.ReplaceAllString(text, "")}
	for _, at := range fence.FindAllStringSubmatchIndex(text, -1) {
		d.blocks = append(d.blocks, block{1 + strings.Count(text[:at[0]], "\n"), text[at[2]:at[3]], text[at[4]:at[5]]})
	}
	return d
}

// documents reads every Markdown file of the repository.
func documents(t *testing.T) []document {
	t.Helper()
	var all []document
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "data" || name == "target") {
			return filepath.SkipDir
		}
		if entry.IsDir() || filepath.Ext(name) != ".md" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		all = append(all, parse(filepath.ToSlash(relative), string(text)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 10 {
		t.Fatalf("%d documents found; the test looks in the wrong place", len(all))
	}
	return all
}

var (
	codeSpan = regexp.MustCompile("`([^`\n]+)`")
	shellish = regexp.MustCompile(`^(sh|bash|text)?( run)?$`)
)

// code is what a document shows as code: its inline code, and the lines of its blocks for a shell.
func (d *document) code() []string {
	var all []string
	for _, m := range codeSpan.FindAllStringSubmatch(d.prose, -1) {
		all = append(all, m[1])
	}
	for _, b := range d.blocks {
		if shellish.MatchString(b.info) {
			all = append(all, strings.Split(strings.ReplaceAll(b.text, "\\\n", " "), "\n")...)
		}
	}
	return all
}

// anchors are the names that links to a document's headings use.
func (d *document) anchors() map[string]bool {
	all := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(d.prose, -1) {
		name := regexp.MustCompile("[^a-z0-9 _-]").ReplaceAllString(strings.ToLower(m[1]), "")
		all[strings.ReplaceAll(name, " ", "-")] = true
	}
	return all
}
