package risk

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/listtopic"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// listsEvery is the time between two looks at risk.lists.v1, and so about the longest for which an edit of a list is in force
// in one process and not in another.
const listsEvery = 500 * time.Millisecond

// editedLists takes edits of lists into force as they are written. Decisions never wait for it: they read what was read last.
type editedLists struct {
	kafka   []kgo.Opt
	log     *slog.Logger
	metrics *metrics
	current atomic.Pointer[rules.Edits]
	broken  atomic.Pointer[error] // why edits are not read; nil: they are
}

// Edits are those in force; nil before start.
func (l *editedLists) Edits() *rules.Edits { return l.current.Load() }

// start reads all edits before the first command is assessed: who was put on a list must not pass because a process has
// just begun. There is no reader where ctx ends before.
func (l *editedLists) start(ctx context.Context) (*listtopic.Reader, error) {
	reader, err := listtopic.NewReader(l.kafka, rules.KeepLatest)
	if err != nil {
		return nil, err
	}
	reader.Refused = func(offset int64, e *topics.ListEdit, why error) {
		l.log.Warn("an edit of a list changes nothing", "offset", offset, "list", e.List, "tenant", e.Tenant, "edit_id", e.EditID, "error", why)
	}
	for !l.read(ctx, reader) {
		select {
		case <-time.After(listsEvery):
		case <-ctx.Done():
			reader.Close()
			return nil, nil
		}
	}
	return reader, nil
}

// follow takes edits into force until the context ends.
func (l *editedLists) follow(ctx context.Context, reader *listtopic.Reader) {
	defer reader.Close()
	ticker := time.NewTicker(listsEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			l.read(ctx, reader)
		}
	}
}

// read takes what is new into force, and tells whether it could be read.
func (l *editedLists) read(ctx context.Context, reader *listtopic.Reader) bool {
	edits, changed, err := reader.Read(ctx)
	switch {
	case ctx.Err() != nil:
		return false
	case err != nil:
		if l.broken.Swap(&err) == nil { // once, not twice a second
			l.log.Warn("edits of lists cannot be read; those in force stay", "error", err)
		}
		return false
	}
	if l.broken.Swap(nil) != nil {
		l.log.Info("edits of lists are read again")
	}
	if changed {
		l.current.Store(edits)
		l.metrics.listEdits.Set(float64(edits.Version()))
	}
	return true
}

// Err is why edits are not read, nil where they are.
func (l *editedLists) Err() error {
	if err := l.broken.Load(); err != nil {
		return fmt.Errorf("the lists stay as they were read last: %w", *err)
	}
	return nil
}
