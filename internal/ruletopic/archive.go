// Package ruletopic reads and writes risk.rules.v1, by which rule sets reach all processes at once.
package ruletopic

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"github.com/weirhq/weir/rules"
)

const (
	// maxArchive is the largest archive. In a record it takes four thirds of that, and the record must stay below the
	// megabyte that a topic takes.
	maxArchive = 720_000
	// maxUnpacked bounds what an archive may hold, so that one that was not made here cannot take all memory.
	maxUnpacked = 256 << 20
)

// archive is the text of a rule set's files.
type archive struct {
	Files []textFile        `json:"files"` // in their order
	Lists map[string]string `json:"lists,omitempty"`
}

type textFile struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Package is a rule set that can be deployed: it was compiled from the very archive, and its tests pass.
type Package struct {
	Set     *rules.Set
	Archive []byte
}

// Pack reads the rule files at a path with the lists they name. A mistake in them, or a test that fails, is an error of
// type rules.Problems; a set that is too large for a record is an error that says so.
func Pack(path string) (*Package, error) {
	files, err := rules.Read(path)
	if err != nil {
		return nil, err
	}
	base := path // names are told apart from here on, whoever's machine it is
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		base = filepath.Dir(path)
	}
	a := archive{Lists: map[string]string{}}
	for i := range files {
		f := &files[i]
		if name, err := filepath.Rel(base, filepath.FromSlash(f.Name)); err == nil {
			f.Name = filepath.ToSlash(name)
		}
		if !utf8.Valid(f.Text) {
			return nil, fmt.Errorf("%s is not text in UTF-8", f.Name)
		}
		a.Files = append(a.Files, textFile{f.Name, string(f.Text)})
	}
	if _, err := rules.Compile(files, func(name string) ([]byte, error) {
		at := filepath.FromSlash(name)
		if !filepath.IsAbs(at) {
			at = filepath.Join(base, at)
		}
		text, err := os.ReadFile(at)
		if err == nil && !utf8.Valid(text) {
			err = fmt.Errorf("%s is not text in UTF-8", name)
		}
		a.Lists[name] = string(text)
		return text, err
	}); err != nil {
		return nil, err
	}
	packed, err := a.pack()
	if err != nil {
		return nil, err
	}
	set, err := Unpack(packed)
	if err != nil {
		return nil, err
	}
	return &Package{Set: set, Archive: packed}, nil
}

func (a *archive) pack() ([]byte, error) {
	text, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("archive of rules: %w", err)
	}
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		return nil, fmt.Errorf("archive of rules: %w", err)
	}
	defer encoder.Close()
	packed := encoder.EncodeAll(text, nil)
	if len(packed) > maxArchive {
		return nil, fmt.Errorf("the rule set has %d bytes, %d compressed; at most %d fit into a record: shorten its lists", len(text), len(packed), maxArchive)
	}
	return packed, nil
}

// Files are the rule files and the lists of an archive, in their order, as they were packed.
func Files(packed []byte) ([]rules.File, error) {
	a, err := unpack(packed)
	if err != nil {
		return nil, err
	}
	var files []rules.File
	for _, f := range a.Files {
		files = append(files, rules.File{Name: f.Name, Text: []byte(f.Text)})
	}
	for _, name := range slices.Sorted(maps.Keys(a.Lists)) {
		files = append(files, rules.File{Name: name, Text: []byte(a.Lists[name])})
	}
	return files, nil
}

func unpack(packed []byte) (*archive, error) {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxUnpacked), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("archive of rules: %w", err)
	}
	defer decoder.Close()
	text, err := decoder.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("archive of rules: %w", err)
	}
	var a archive
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, fmt.Errorf("archive of rules: %w", err)
	}
	return &a, nil
}

// Unpack compiles the rule set of an archive and runs its tests.
func Unpack(packed []byte) (*rules.Set, error) {
	a, err := unpack(packed)
	if err != nil {
		return nil, err
	}
	files := make([]rules.File, len(a.Files))
	for i, f := range a.Files {
		files[i] = rules.File{Name: f.Name, Text: []byte(f.Text)}
	}
	set, err := rules.Compile(files, func(name string) ([]byte, error) {
		if list, ok := a.Lists[name]; ok {
			return []byte(list), nil
		}
		return nil, fmt.Errorf("%s: %w", name, os.ErrNotExist)
	})
	if err != nil {
		return nil, err
	}
	if _, failures := set.Test(); len(failures) > 0 {
		return nil, failures
	}
	return set, nil
}
