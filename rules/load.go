package rules

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
)

// ErrNoRules says that a path holds no rule file.
var ErrNoRules = errors.New("no rule file (*.yaml or *.yml)")

// Load reads and compiles the rule files at paths on disk; of a directory, its *.yaml and *.yml files in alphabetical
// order, subdirectories left out. A mistake in a file is an error of type Problems.
func Load(paths ...string) (*Set, error) {
	files, err := Read(paths...)
	if err != nil {
		return nil, err
	}
	return Compile(files, func(name string) ([]byte, error) { return os.ReadFile(filepath.FromSlash(name)) })
}

// Read reads the rule files at paths on disk as Load does, and compiles nothing.
func Read(paths ...string) ([]File, error) {
	var files []File
	for _, p := range paths {
		names, err := ruleFiles(p)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				return nil, fmt.Errorf("read rules: %w", err)
			}
			files = append(files, File{Name: filepath.ToSlash(name), Text: text})
		}
	}
	return files, nil
}

func ruleFiles(p string) ([]string, error) {
	info, err := os.Stat(p)
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	if !info.IsDir() {
		return []string{p}, nil
	}
	entries, err := os.ReadDir(p)
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	var names []string
	for _, e := range entries {
		if isRuleFile(e) {
			names = append(names, filepath.Join(p, e.Name()))
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("read rules: %s: %w", p, ErrNoRules)
	}
	sort.Strings(names)
	return names, nil
}

func isRuleFile(e fs.DirEntry) bool {
	ext := path.Ext(e.Name())
	return !e.IsDir() && (ext == ".yaml" || ext == ".yml") && e.Name()[0] != '.'
}

// LoadFS is Load for a directory of a file system, such as one embedded in the program.
func LoadFS(fsys fs.FS, dir string) (*Set, error) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	var files []File
	for _, e := range entries {
		if !isRuleFile(e) {
			continue
		}
		name := path.Join(dir, e.Name())
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("read rules: %w", err)
		}
		files = append(files, File{Name: name, Text: text})
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("read rules: %s: %w", dir, ErrNoRules)
	}
	return Compile(files, func(name string) ([]byte, error) { return fs.ReadFile(fsys, name) })
}
