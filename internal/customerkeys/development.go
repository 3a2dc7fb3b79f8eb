package customerkeys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// DevelopmentFile is where an installation of embedded parts alone keeps its master key, in its data directory.
const DevelopmentFile = "customers.key"

// Development reads the master key of a data directory, "" where there is none.
func Development(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, DevelopmentFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(text), err
}

// MakeDevelopment makes the master key of a data directory; made is false where there was one. It is written whole beside its
// place and linked there: of two processes that begin at once one makes it, and both have that.
func MakeDevelopment(dir string) (made bool, err error) {
	path := filepath.Join(dir, DevelopmentFile)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	text, err := NewMaster("development")
	if err != nil {
		return false, err
	}
	f, err := os.CreateTemp(dir, DevelopmentFile+".*") // of mode 0600
	if err != nil {
		return false, fmt.Errorf("make a master key for development: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Link(f.Name(), path)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return false, fmt.Errorf("make a master key for development: %w", err)
	}
	return err == nil, nil
}
