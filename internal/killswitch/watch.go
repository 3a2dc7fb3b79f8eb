// Package killswitch reads and writes psp.controls.v1, by which PSPs are kept from being asked for authorisations while weir
// runs. The topic is an audit log, and what is in force is its fold (topics.Controls).
package killswitch

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/topics"
)

// readEvery is the time between two looks at the topic, and so about the longest for which a switch is in force in one process
// and not in another.
const readEvery = 250 * time.Millisecond

// reader folds the topic.
type reader struct {
	topic    *broker.Follower
	log      *slog.Logger
	controls topics.Controls
	seen     map[string]bool // by control id, where anybody waits for one
}

func newReader(options []kgo.Opt, log *slog.Logger) (*reader, error) {
	topic, err := broker.NewFollower(options, topics.PSPControls)
	if err != nil {
		return nil, err
	}
	return &reader{topic: topic, log: log, seen: map[string]bool{}}, nil
}

// read returns the switches that the topic holds now. After an error the next call begins anew.
func (r *reader) read(ctx context.Context) (topics.Controls, error) {
	_, err := r.topic.Read(ctx, func() { r.controls = nil }, func(record *kgo.Record) error {
		var c topics.RouteControl
		if err := topics.Unmarshal(record.Value, &c); err != nil {
			// The others must not stop at it; who wrote it has not seen it in force.
			r.log.Error("a kill switch cannot be read and is passed over", "offset", record.Offset, "error", err)
			return nil
		}
		r.controls = r.controls.With(&c)
		if _, waited := r.seen[c.ControlID]; waited {
			r.seen[c.ControlID] = true
		}
		return nil
	})
	return r.controls, err
}

// Watch has the switches in force in a process that asks PSPs, or chooses which to ask.
type Watch struct {
	options []kgo.Opt
	log     *slog.Logger
	current atomic.Pointer[topics.Controls]
	broken  atomic.Pointer[error] // why they are not read; nil: they are
	known   chan struct{}         // closed once they were read
}

// NewWatch reads nothing before Run.
func NewWatch(options []kgo.Opt, log *slog.Logger) *Watch {
	return &Watch{options: options, log: log, known: make(chan struct{})}
}

// Run follows the topic until ctx ends. Where it cannot be read, what was in force stays.
func (w *Watch) Run(ctx context.Context) error {
	r, err := newReader(w.options, w.log)
	if err != nil {
		return err
	}
	defer r.topic.Close()
	ticker := time.NewTicker(readEvery)
	defer ticker.Stop()
	for {
		w.take(ctx, r)
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (w *Watch) take(ctx context.Context, r *reader) {
	controls, err := r.read(ctx)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		if w.broken.Swap(&err) == nil { // once, not four times a second
			w.log.Warn("kill switches cannot be read; those in force stay", "error", err)
		}
	default:
		if w.current.Swap(&controls) == nil {
			close(w.known)
		}
		if w.broken.Swap(nil) != nil {
			w.log.Info("kill switches are read again")
		}
	}
}

// Wait returns once the switches are known, or with ctx's error: what was disabled must not be asked because a process has just
// begun.
func (w *Watch) Wait(ctx context.Context) error {
	select {
	case <-w.known:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Controls are the switches in force; none before Wait has returned.
func (w *Watch) Controls() topics.Controls {
	if c := w.current.Load(); c != nil {
		return *c
	}
	return nil
}

// Err says why switches are not read, nil where they are.
func (w *Watch) Err() error {
	if err := w.broken.Load(); err != nil {
		return fmt.Errorf("kill switches cannot be read, those of before are in force: %w", *err)
	}
	return nil
}
