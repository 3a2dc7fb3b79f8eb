package rules

import (
	"bytes"
	"regexp"
	"strings"
)

var ruleStart = regexp.MustCompile(`^  - name:`)

// Format writes a rule file as all of them are written: lines that end in one way and without white space, a blank line
// before each section and between rules of several lines, none elsewhere in a row, and one line break at the end.
// Comments and the author's choice of words stay. It does not look at what the file says.
func Format(text []byte) []byte {
	text = bytes.ReplaceAll(bytes.TrimPrefix(text, byteOrderMark), []byte("\r\n"), []byte("\n"))
	lines := strings.Split(string(text), "\n")
	var out []string
	section := ""
	scalar := -1 // indentation of a block of text that is kept as it stands
	for i, line := range lines {
		line = strings.TrimRight(line, " \t")
		if scalar >= 0 && (line == "" || indent(line) > scalar) {
			out = append(out, line)
			continue
		}
		scalar = -1
		if line == "" {
			if len(out) > 0 && out[len(out)-1] != "" {
				out = append(out, "")
			}
			continue
		}
		if key, _, found := strings.Cut(line, ":"); found && key[0] >= 'a' && key[0] <= 'z' {
			section = key
		}
		if startsBlock(lines, i) && (section != "tests" || line == "tests:") {
			out = blankBefore(out)
		}
		out = append(out, line)
		if blockText.MatchString(line) {
			scalar = indent(line)
		}
	}
	return []byte(strings.TrimRight(strings.Join(out, "\n"), "\n") + "\n")
}

// blockText ends a line whose value stands on the lines below it.
var blockText = regexp.MustCompile(`: [>|][+-]?( #.*)?$`)

// startsBlock tells whether a blank line belongs before a line: it begins a section, or a rule of several lines that
// follows another.
func startsBlock(lines []string, at int) bool {
	line := lines[at]
	if line[0] >= 'a' && line[0] <= 'z' {
		return strings.HasSuffix(strings.TrimRight(line, " \t"), ":")
	}
	if !ruleStart.MatchString(line) || at+1 >= len(lines) || indent(lines[at+1]) < 4 {
		return false
	}
	for before := at - 1; before >= 0; before-- {
		if text := strings.TrimSpace(lines[before]); text != "" && text[0] != '#' {
			return indent(lines[before]) > 2
		}
	}
	return false
}

// blankBefore puts a blank line before what comes, above the comments that belong to it.
func blankBefore(out []string) []string {
	at := len(out)
	for at > 0 && strings.HasPrefix(strings.TrimSpace(out[at-1]), "#") {
		at--
	}
	if at == 0 || out[at-1] == "" {
		return out
	}
	return append(out[:at:at], append([]string{""}, out[at:]...)...)
}
