package broker

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/twmb/franz-go/pkg/kfake"
)

// What the embedded broker logs where it could not write: a batch, with the reason; then that this was the end of a
// transaction; and, when it stops, its state.
const (
	batchFailed  = "persist batch "
	markerFailed = "endTx: failed to persist"
	stateFailed  = "persist to disk: "
)

var errHalted = errors.New("the embedded broker has halted")

// halt silences an embedded broker that could not write the end of a transaction, as on a full disk. The broker itself
// would go on with it ended: it would show what was aborted as if it had been committed, for want of the marker that says
// otherwise, and would forget where a commit has its markers and where it has none. No answer that it gives from that moment
// on leaves the process, so that nobody learns of an end that there is not, and nobody connects any more. The next start settles
// the transaction.
type halt struct {
	embeddedLogger
	listener net.Listener
	halted   chan struct{} // closed
	err      error         // once halted

	// Of the goroutine that the broker does all its work in:
	reason    string // of the last write that failed
	unsettled bool   // what is saved when it stops is not to be believed
}

func newHalt(log embeddedLogger) *halt {
	return &halt{embeddedLogger: log, halted: make(chan struct{})}
}

// Logf halts at the line that says so. The broker logs it before it answers anybody.
func (h *halt) Logf(level kfake.LogLevel, format string, args ...any) {
	h.embeddedLogger.Logf(level, format, args...)
	switch {
	case strings.HasPrefix(format, batchFailed):
		h.reason = fmt.Sprintf(format, args...)
	case strings.HasPrefix(format, stateFailed):
		h.unsettled = true
	case strings.HasPrefix(format, markerFailed) && !h.is():
		h.unsettled = true
		h.err = fmt.Errorf("%w: it could not write the end of a transaction (%s); where the disk is full make room, then start again", errHalted, h.reason)
		close(h.halted)
		_ = h.listener.Close() // whoever connects all the same is not answered
	}
}

func (h *halt) is() bool {
	select {
	case <-h.halted:
		return true
	default:
		return false
	}
}

// over is a function like net.Listen, for the broker to listen with until it halts.
func (h *halt) over(listen func(network, address string) (net.Listener, error)) func(network, address string) (net.Listener, error) {
	return func(network, address string) (net.Listener, error) {
		var err error
		if h.listener, err = listen(network, address); err != nil {
			return nil, err
		}
		return haltListener{h.listener, h}, nil
	}
}

type haltListener struct {
	net.Listener
	halt *halt
}

func (l haltListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return haltConn{conn, l.halt}, nil
}

type haltConn struct {
	net.Conn
	halt *halt
}

func (c haltConn) Write(answer []byte) (int, error) {
	if c.halt.is() {
		return 0, errHalted
	}
	return c.Conn.Write(answer)
}

// unsettle has the next start on dir do as after a kill.
func unsettle(dir string) error {
	var errs []error
	for _, name := range []string{cleanStop, sequences} {
		if err := os.Remove(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
