package enrich

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirhq/weir/internal/filewatch"
)

// shrunk is how much smaller than the one in use a file may be, as a divisor: downloads that broke off and exports of
// half a table are smaller than that.
const shrunk = 2

// file holds what was read from one data file, and replaces it when the file has changed.
type file[T any] struct {
	key     string // of the configuration
	path    string // "": not configured
	read    func(path string, data []byte) (content[T], error)
	log     *slog.Logger
	metrics *metrics
	current atomic.Pointer[content[T]] // nil: there was no good one

	mu   sync.Mutex
	err  error // why the file on disk is not in use; nil where it is
	seen filewatch.Stamps
}

// content is what a good file says.
type content[T any] struct {
	value T
	size  int       // what a file must not lose most of: ranges, nodes
	built time.Time // zero: the file does not say
}

func (f *file[T]) look() filewatch.Stamps {
	stamps := filewatch.Stamps{}
	stamps.Note(f.path)
	return stamps
}

// load reads the file and takes it into use if it is good.
func (f *file[T]) load() {
	if f.path == "" {
		return
	}
	seen := f.look() // before it is read, so that a change meanwhile is noticed afterwards
	next, err := f.next()
	f.metrics.loaded(f.key, err)
	f.mu.Lock()
	f.seen, f.err = seen, err
	f.mu.Unlock()
	if err != nil {
		f.log.Error("data file is not used", "key", f.key, "file", f.path, "last_good_stays", f.current.Load() != nil, "error", err)
		return
	}
	f.current.Store(&next)
	f.metrics.inUse(f.key, next.built)
	f.log.Info("data file in use", "key", f.key, "file", f.path, "size", next.size, "built", next.built)
}

// next is what the file says now, or why it cannot replace what is in use.
func (f *file[T]) next() (content[T], error) {
	data, err := os.ReadFile(f.path)
	if err != nil {
		return content[T]{}, fmt.Errorf("%s: %w", f.key, err)
	}
	if len(data) == 0 {
		return content[T]{}, fmt.Errorf("%s: %s is empty", f.key, f.path)
	}
	next, err := f.read(f.path, data)
	if err != nil {
		return content[T]{}, fmt.Errorf("%s: %w", f.key, err)
	}
	if now := f.current.Load(); now != nil && next.size < now.size/shrunk {
		return content[T]{}, fmt.Errorf("%s: %s has shrunk from %d to %d, to less than half of the one in use; restart weir if that is meant",
			f.key, f.path, now.size, next.size)
	}
	return next, nil
}

// status is why the file on disk is not in use.
func (f *file[T]) status() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

func (f *file[T]) watch() filewatch.Watch {
	return filewatch.Watch{
		What: "the file of " + f.key, Log: f.log, Reload: f.load,
		Directories: func() []string {
			if f.path == "" {
				return nil
			}
			return []string{filepath.Dir(f.path)}
		},
		Stale: f.stale,
	}
}

func (f *file[T]) stale() bool {
	now := f.look()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.path != "" && !now.Same(f.seen)
}
