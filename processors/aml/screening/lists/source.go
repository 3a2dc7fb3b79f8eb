package lists

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxFileBytes   = 1 << 30 // of a file
	maxRecordBytes = 1 << 22 // of one entry in it
	maxNameBytes   = 1024    // of a name
	maxNames       = 2000    // of one entry
	sniffBytes     = 4096    // from which a format is recognised
)

// Error is why a list was not read, and where.
type Error struct {
	File string
	Line int // 0 where it is of the file as a whole
	Text string
}

func (e *Error) Error() string { return place(e.File, e.Line) + ": " + e.Text }

func place(file string, line int) string {
	if line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, line)
}

// source is a file that is being read: hashed, and bounded as a whole and in each record.
type source struct {
	*bufio.Reader
	name   string
	file   fs.File
	hash   hash.Hash
	total  int64
	record int64 // bytes since the last record began
	last   byte
}

var (
	errRecordTooLong = fmt.Errorf("an entry that has more than %d bytes: is a quotation mark or an end tag missing?", maxRecordBytes)
	errFileTooLong   = fmt.Errorf("more than %d bytes; no list is so long", maxFileBytes)
)

func open(fsys fs.FS, name string) (*source, error) {
	file, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	s := &source{name: name, file: file, hash: sha256.New()}
	s.Reader = bufio.NewReaderSize((*counted)(s), sniffBytes)
	if first, _ := s.Peek(3); bytes.Equal(first, []byte("\ufeff")) {
		_, err = s.Discard(3)
	}
	return s, err
}

// counted is the file below a source's buffer.
type counted source

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.file.Read(p)
	c.hash.Write(p[:n])
	c.total += int64(n)
	c.record += int64(n)
	if n > 0 {
		c.last = p[n-1]
	}
	switch {
	case c.total > maxFileBytes:
		return 0, errFileTooLong
	case c.record > maxRecordBytes:
		return 0, errRecordTooLong
	}
	return n, err
}

// next says that a record ends and another begins.
func (s *source) next() { s.record = 0 }

func (s *source) close() error { return s.file.Close() }

// sum reads what is left and hashes the whole file.
func (s *source) sum() (string, error) {
	for {
		s.next()
		n, err := io.CopyN(io.Discard, s, maxRecordBytes/2)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || n == 0 {
			return "", s.fail(0, "%s", err)
		}
	}
	return hex.EncodeToString(s.hash.Sum(nil)), nil
}

func (s *source) fail(line int, format string, args ...any) error {
	return &Error{s.name, line, fmt.Sprintf(format, args...)}
}

// clean is a text of a list on one line. What is no text is said in fault.
func clean(text string) (cleaned, fault string) {
	if !utf8.ValidString(text) {
		return "", "is not UTF-8"
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) || r == utf8.RuneError }); i >= 0 {
		r, _ := utf8.DecodeRuneInString(text[i:])
		return "", fmt.Sprintf("has the control character %U", r)
	}
	return strings.Join(strings.Fields(text), " "), ""
}

// build makes an entry of what one record, or several, say.
type build struct {
	list  *List
	file  string
	line  int
	entry Entry
	raw   hash.Hash // of the records as they stand, with what is not read
	fault string    // the first one
}

func begin(list *List, file string, line int, id string, kind Kind) *build {
	b := &build{list: list, file: file, line: line, raw: sha256.New()}
	b.entry = Entry{List: list.Name, ID: b.text("id", id), Kind: kind, Source: place(file, line)}
	if b.entry.ID == "" {
		b.wrong("an entry without an id")
	}
	return b
}

// record adds a record of the entry to its hash.
func (b *build) record(texts ...string) {
	for _, t := range texts {
		fmt.Fprintf(b.raw, "%d:%s", len(t), t)
	}
}

func (b *build) wrong(fault string) {
	if b.fault == "" {
		b.fault = fault
	}
}

func (b *build) text(field, text string) string {
	cleaned, fault := clean(text)
	if fault != "" {
		b.wrong(field + " " + fault)
	}
	return cleaned
}

// name adds a name; one that is there already keeps the greater strength.
func (b *build) name(text string, strength Strength) {
	if len(text) > maxNameBytes {
		b.wrong(fmt.Sprintf("a name of %d bytes; want at most %d", len(text), maxNameBytes))
		return
	}
	text = b.text("a name", text)
	if text == "" || text == "-" {
		return
	}
	for i, n := range b.entry.Names {
		if n.Text == text {
			if strength == Primary || strength == Alias && n.Strength == Weak {
				b.entry.Names[i].Strength = strength
			}
			return
		}
	}
	if len(b.entry.Names) == maxNames {
		b.wrong(fmt.Sprintf("more than %d names", maxNames))
		return
	}
	b.entry.Names = append(b.entry.Names, Name{text, strength})
}

func (b *build) born(birth Birth, ok bool, text string) {
	if !ok {
		if text = b.text("a date of birth", text); text != "" {
			b.list.warn(place(b.file, b.line), fmt.Sprintf("date of birth %q is not understood and left out", text))
		}
		return
	}
	for _, other := range b.entry.Births {
		if other == birth {
			return
		}
	}
	b.entry.Births = append(b.entry.Births, birth)
}

func (b *build) country(text string) {
	text = b.text("a country", text)
	if text == "" || text == "00" || strings.EqualFold(text, "undetermined") || strings.EqualFold(text, "unknown") {
		return
	}
	code, ok := Country(text)
	if !ok {
		b.list.warn(place(b.file, b.line), fmt.Sprintf("country %q is not known and left out", text))
		return
	}
	b.entry.Countries = appendNew(b.entry.Countries, code)
}

func (b *build) program(text string) {
	if text = b.text("a program", text); text != "" {
		b.entry.Programs = appendNew(b.entry.Programs, text)
	}
}

func appendNew(all []string, text string) []string {
	for _, t := range all {
		if t == text {
			return all
		}
	}
	return append(all, text)
}

// end is the entry, with its primary name first.
func (b *build) end() (Entry, error) {
	if b.fault == "" && len(b.entry.Names) == 0 {
		b.wrong(fmt.Sprintf("entry %s has no name", b.entry.ID))
	}
	if b.fault != "" {
		return Entry{}, &Error{b.file, b.line, b.fault}
	}
	for i, n := range b.entry.Names {
		if n.Strength == Primary {
			copy(b.entry.Names[1:i+1], b.entry.Names[:i])
			b.entry.Names[0] = n
			break
		}
	}
	b.entry.seal(string(b.raw.Sum(nil)))
	return b.entry, nil
}
