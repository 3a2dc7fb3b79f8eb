//go:build unix

package database

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// stopSignals are what ends a server.
type stopSignals struct {
	clean syscall.Signal // asks it to stop; it also gets this one when we die
	hard  syscall.Signal // stops it at once
}

// PostgreSQL's fast and immediate shutdown.
func postgresSignals() stopSignals { return stopSignals{syscall.SIGINT, syscall.SIGQUIT} }

// CockroachDB's drain; it has nothing between that and being killed.
func cockroachSignals() stopSignals { return stopSignals{syscall.SIGTERM, syscall.SIGKILL} }

const (
	logLimit  = 16 << 20 // bytes: a longer log is started anew
	tailLimit = 2048     // bytes of the log that an error quotes
)

// command is a server to start.
type command struct {
	path string
	args []string
	user *account // nil: our own
	log  string   // file that gets its output
	stopSignals
}

// child is a running server.
type child struct {
	command
	process *os.Process
	done    chan struct{} // closed when it has ended
	err     error         // how, once done is closed
}

// startChild starts a server in a process group of its own, so that Ctrl-C reaches only us and we stop it last.
func startChild(c command) (*child, error) {
	output, err := openLog(c.log)
	if err != nil {
		return nil, err
	}
	defer output.Close()
	cmd := exec.Command(c.path, c.args...)
	cmd.Dir = "/" // one that every user can enter
	cmd.Stdout, cmd.Stderr = output, output
	c.user.assume(cmd)
	cmd.SysProcAttr.Setpgid = true
	dieWithParent(cmd.SysProcAttr, c.clean)

	started := make(chan error)
	ch := &child{command: c, done: make(chan struct{})}
	go func() {
		// The kernel ties the signal at our death to the thread that started the child. This one lives as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		ch.process = cmd.Process
		started <- nil
		ch.err = cmd.Wait()
		close(ch.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s as %s: %w", c.path, c.user, err)
	}
	return ch, nil
}

// awaitReady returns when the server at url takes a connection, with an error when it ends or takes too long.
func (c *child) awaitReady(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyLimit, fmt.Errorf("not ready within %s", readyLimit))
	defer cancel()
	go func() { // what listens on the port may be another program, which lets us wait
		select {
		case <-c.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	tick := time.NewTicker(readyInterval)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, url)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-c.done:
			return fmt.Errorf("%s ended: %w%s", c.path, c.err, c.tail())
		default:
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w: %w%s", c.path, context.Cause(ctx), err, c.tail())
		}
		if !starting(err) {
			return fmt.Errorf("%s refuses us: %w%s", c.path, err, c.tail())
		}
		<-tick.C
	}
}

// stop ends the server and waits for its end.
func (c *child) stop() error {
	for _, step := range c.steps() {
		if err := c.process.Signal(step.signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("stop %s: %w", c.path, err)
		}
		select {
		case <-c.done:
			return nil
		case <-time.After(step.limit):
		}
	}
	return fmt.Errorf("stop %s: process %d does not end", c.path, c.process.Pid)
}

// stopStep is a signal and how long it is given.
type stopStep struct {
	signal syscall.Signal
	limit  time.Duration
}

func (s stopSignals) steps() []stopStep {
	return []stopStep{{s.clean, stopLimit}, {s.hard, killLimit}, {syscall.SIGKILL, killLimit}}
}

// stopProcess ends a server that is not our child. It has ended when running says so.
func stopProcess(pid int, signals stopSignals, running func() bool) error {
	tick := time.NewTicker(readyInterval)
	defer tick.Stop()
	for _, step := range signals.steps() {
		if err := syscall.Kill(pid, step.signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop process %d: %w", pid, err)
		}
		for deadline := time.Now().Add(step.limit); time.Now().Before(deadline); <-tick.C {
			if !running() {
				return nil
			}
		}
	}
	return fmt.Errorf("stop process %d: it does not end", pid)
}

// openLog opens a server's log for appending, from the start again when it has grown past logLimit.
func openLog(path string) (*os.File, error) {
	flags := os.O_CREATE | os.O_WRONLY | os.O_APPEND
	if info, err := os.Stat(path); err == nil && info.Size() > logLimit {
		flags |= os.O_TRUNC
	}
	return os.OpenFile(path, flags, 0o644)
}

// tail quotes the end of the server's log.
func (c *child) tail() string {
	file, err := os.Open(c.log)
	if err != nil {
		return ""
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > tailLimit {
		_, _ = file.Seek(-tailLimit, io.SeekEnd) // else the quote starts earlier
	}
	text, _ := io.ReadAll(file)
	return fmt.Sprintf("\n%s ends with:\n%s", c.log, lastLines(text))
}

// lastLines returns the last twelve lines of text.
func lastLines(text []byte) []byte {
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-12):], []byte("\n"))
}
