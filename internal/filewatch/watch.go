// Package filewatch notices that files have changed, so that what was read from them can be read again.
package filewatch

import (
	"context"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// settle is how long files must be still before they are read: editors and deployments write in several steps.
	settle = 200 * time.Millisecond
	// recheck is how often times and sizes are looked at, for file systems that tell of no change.
	recheck = 30 * time.Second
)

// Stamps are time and size of files, by name. A file that is not there has none.
type Stamps map[string]stamp

type stamp struct {
	modified time.Time
	size     int64
}

// Note takes those of a file.
func (s Stamps) Note(name string) {
	if info, err := os.Stat(name); err == nil && !info.IsDir() {
		s[filepath.Clean(name)] = stamp{info.ModTime(), info.Size()}
	}
}

// Same tells whether the same files are there with the same times and sizes.
func (s Stamps) Same(other Stamps) bool { return maps.Equal(s, other) }

// AddOlder takes what other has and s has not, where it was not changed since a moment.
func (s Stamps) AddOlder(other Stamps, since time.Time) {
	for name, stamp := range other {
		if _, ok := s[name]; !ok && stamp.modified.Before(since) {
			s[name] = stamp
		}
	}
}

// Watch calls Reload when files have changed.
type Watch struct {
	What string // the files, for the log: rule files
	// Directories hold the files: one that is replaced by renaming is a new file.
	Directories func() []string
	// Stale tells whether the files are to be read again.
	Stale  func() bool
	Reload func()
	Log    *slog.Logger
}

// Run watches until the context ends.
func (w Watch) Run(ctx context.Context) {
	var events <-chan fsnotify.Event
	var failures <-chan error
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		w.Log.Warn("changes of "+w.What+" are noticed late", "interval", recheck, "error", err)
	} else {
		defer watcher.Close()
		events, failures = watcher.Events, watcher.Errors
		w.add(watcher)
	}
	still := time.NewTimer(settle) // for what changed between loading and watching
	again := time.NewTicker(recheck)
	defer still.Stop()
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-events:
			still.Reset(settle)
		case err := <-failures:
			w.Log.Warn("watching "+w.What, "error", err)
			still.Reset(settle) // events may have been lost
		case <-again.C:
			if w.Stale() {
				still.Reset(settle)
			}
		case <-still.C:
			if w.Stale() {
				w.Reload()
			}
			if watcher != nil {
				w.add(watcher)
			}
		}
	}
}

// add watches the directories. What is watched already is left as it is.
func (w Watch) add(watcher *fsnotify.Watcher) {
	for _, directory := range w.Directories() {
		if err := watcher.Add(directory); err != nil {
			w.Log.Warn("changes of "+w.What+" are noticed late", "directory", directory, "interval", recheck, "error", err)
		}
	}
}
