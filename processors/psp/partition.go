package psp

import (
	"sync/atomic"

	"github.com/weirhq/weir/processors/stream"
)

// partition is one assigned partition. The session's mutex guards it.
type partition struct {
	number    int32
	prefix    *stream.Prefix
	read      int64 // last offset accepted, -1 before the first
	active    int   // tasks at a station or with an unacknowledged report
	committed int64 // last offset known to be committed
	lost      bool  // given up: nothing of it is begun any more, nothing of it is committed
	moved     chan struct{}

	// crowded says that as many records as may be wait for the offset of an earlier one. A request that cannot be sent
	// gives way then: its outcome is left to be polled.
	crowded atomic.Bool
}

// quiet tells that a task was finished, for those who wait.
func (p *partition) quiet() {
	select {
	case p.moved <- struct{}{}:
	default:
	}
}
