// Package dirlock keeps two processes off one data directory.
package dirlock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const lockName = "weir.lock"

// Lock is a directory held by this process. It goes with the process, however that ends.
type Lock struct{ file *os.File }

// Take creates dir where it is missing and holds it until Release. It fails at once when another process holds it.
func Take(dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, lockName)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := lock(file); err != nil {
		_ = file.Close() // nothing was written
		return nil, fmt.Errorf("%s is held by another process: stop that one, or name another data directory: %w", path, err)
	}
	return &Lock{file}, nil
}

// Release lets go of the directory. The file stays: removing it would let two processes hold two files of one name.
func (l *Lock) Release() error { return l.file.Close() }

// Held says that another process holds dir. It creates nothing; a directory that does not exist is held by nobody.
func Held(dir string) (bool, error) {
	file, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	held := lock(file) != nil
	return held, file.Close() // which lets go of it again
}
