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
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Signals that stop a server: PostgreSQL's fast and immediate shutdown, CockroachDB's drain.
const (
	postgresFast      = syscall.SIGINT
	postgresImmediate = syscall.SIGQUIT
	cockroachDrain    = syscall.SIGTERM
	cockroachKill     = syscall.SIGKILL
)

const (
	logLimit  = 16 << 20 // bytes: a longer log is started anew
	tailLimit = 2048     // bytes of the log that an error quotes
)

// command is a server to start.
type command struct {
	path        string
	args        []string
	dir         string         // working directory
	user        *account       // nil: our own
	log         string         // file that gets its output
	clean, hard syscall.Signal // ask it to stop; make it stop
}

// child is a running server.
type child struct {
	command
	process *os.Process
	done    chan struct{} // closed when it has ended
	err     error         // how, once done is closed
	once    sync.Once
	stopErr error
}

// startChild starts a server in a process group of its own, so that Ctrl-C reaches only us and we stop it last.
func startChild(c command) (*child, error) {
	output, err := openLog(c.log)
	if err != nil {
		return nil, err
	}
	defer output.Close()
	cmd := exec.Command(c.path, c.args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.dir, output, output
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
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	tick := time.NewTicker(readyInterval)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, url)
		if err == nil {
			return conn.Close(ctx)
		}
		if !starting(err) && ctx.Err() == nil {
			return fmt.Errorf("%s refuses us: %w%s", c.path, err, c.tail())
		}
		select {
		case <-c.done:
			return fmt.Errorf("%s ended: %w%s", c.path, c.err, c.tail())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w%s", c.path, err, c.tail())
		case <-tick.C:
		}
	}
}

// stop ends the server and waits for its end.
func (c *child) stop() error {
	c.once.Do(func() {
		for _, step := range []struct {
			signal syscall.Signal
			limit  time.Duration
		}{{c.clean, stopLimit}, {c.hard, killLimit}, {syscall.SIGKILL, killLimit}} {
			if err := c.process.Signal(step.signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
				c.stopErr = fmt.Errorf("stop %s: %w", c.path, err)
				return
			}
			select {
			case <-c.done:
				return
			case <-time.After(step.limit):
			}
		}
		c.stopErr = fmt.Errorf("stop %s: process %d does not end", c.path, c.process.Pid)
	})
	return c.stopErr
}

// stopProcess ends a server that is not our child, the program of that name.
func stopProcess(pid int, name string, clean, hard syscall.Signal) error {
	tick := time.NewTicker(readyInterval)
	defer tick.Stop()
	for _, step := range []struct {
		signal syscall.Signal
		limit  time.Duration
	}{{clean, stopLimit}, {hard, killLimit}, {syscall.SIGKILL, killLimit}} {
		if err := syscall.Kill(pid, step.signal); errors.Is(err, syscall.ESRCH) {
			return nil
		} else if err != nil {
			return fmt.Errorf("stop process %d: %w", pid, err)
		}
		for deadline := time.Now().Add(step.limit); time.Now().Before(deadline); <-tick.C {
			if !runsProgram(pid, name) {
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
