package crashtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/weirhq/weir/processors/stream"
)

// Bounds of liveness, not of speed: what takes longer hangs.
const (
	readyLimit = 3 * time.Minute
	stopLimit  = 30 * time.Second
	lookEvery  = 20 * time.Millisecond
)

// engine is one process of weir run, or none at the moment.
type engine struct {
	t      testing.TB
	name   string
	url    string // of its API
	config string // file
	log    string // file

	process *os.Process
	ended   chan struct{} // closed when the process has ended
	state   *os.ProcessState
	began   time.Time
}

// start starts the process. crash is a point and passage for WEIR_CRASH_AT, or "".
func (e *engine) start(crash string) {
	e.t.Helper()
	path, err := binary()
	if err != nil {
		e.t.Fatal(err)
	}
	log, err := os.OpenFile(e.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		e.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(path, "run", "--config", e.config)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), stream.CrashVariable+"="+crash)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithUs(cmd.SysProcAttr)
	started := make(chan error, 1)
	ended := make(chan struct{})
	e.ended, e.began = ended, time.Now()
	go func() {
		runtime.LockOSThread() // the signal at our death is tied to the thread that started the process
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		e.process = cmd.Process
		started <- err
		if err == nil {
			_ = cmd.Wait() // its state tells
			e.state = cmd.ProcessState
		}
		close(ended)
	}()
	if err := <-started; err != nil {
		e.t.Fatal(err)
	}
}

func (e *engine) running() bool {
	if e.ended == nil {
		return false
	}
	select {
	case <-e.ended:
		return false
	default:
		return true
	}
}

// ready waits until /readyz says so and returns the time since the start.
func (e *engine) ready() time.Duration {
	e.t.Helper()
	took, err := e.readyOrEnded()
	if err != nil {
		e.t.Fatalf("%s: %v\n%s", e.name, err, e.tail())
	}
	return took
}

var errEnded = errors.New("the process has ended")

func (e *engine) readyOrEnded() (time.Duration, error) {
	client := &http.Client{Timeout: 3 * time.Second}
	defer client.CloseIdleConnections()
	last := errors.New("not asked yet")
	err := until(e.t.Context(), readyLimit, func() (bool, error) {
		if !e.running() {
			return false, errEnded
		}
		response, err := client.Get(e.url + "/readyz")
		if err != nil {
			last = err
			return false, nil
		}
		defer response.Body.Close()
		var body bytes.Buffer
		_, _ = body.ReadFrom(response.Body) // for the message only
		last = fmt.Errorf("%s: %s", response.Status, body.String())
		return response.StatusCode == http.StatusOK, nil
	})
	if err != nil {
		return 0, fmt.Errorf("%w; /readyz at last: %w", err, last)
	}
	return time.Since(e.began), nil
}

func (e *engine) signal(signal syscall.Signal) {
	e.t.Helper()
	if err := e.process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		e.t.Fatalf("%s: %s: %v", e.name, signal, err)
	}
}

// wait waits for the end of the process.
func (e *engine) wait(limit time.Duration) {
	e.t.Helper()
	select {
	case <-e.ended:
	case <-time.After(limit):
		e.t.Fatalf("%s has not ended within %s\n%s", e.name, limit, e.tail())
	}
}

// kill ends the process as a crash does.
func (e *engine) kill() {
	e.t.Helper()
	if e.running() {
		e.signal(syscall.SIGKILL)
	}
	e.died()
}

// died checks that the process was killed and did not end by itself.
func (e *engine) died() {
	e.t.Helper()
	e.wait(readyLimit)
	if status, ok := e.state.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		e.t.Fatalf("%s ended with %v, want killed\n%s", e.name, e.state, e.tail())
	}
}

// stop asks the process to end, which it must do without an error.
func (e *engine) stop() {
	e.t.Helper()
	e.signal(syscall.SIGTERM)
	e.wait(stopLimit)
	if !e.state.Success() {
		e.t.Fatalf("%s stopped with %v\n%s", e.name, e.state, e.tail())
	}
}

// tail quotes the end of the log, without what is ordinary.
func (e *engine) tail() string {
	const lines = 30
	text, err := os.ReadFile(e.log)
	if err != nil {
		return err.Error()
	}
	all := slices.DeleteFunc(strings.Split(strings.TrimSpace(string(text)), "\n"),
		func(line string) bool { return strings.Contains(line, `"msg":"request"`) })
	return filepath.Base(e.log) + " ends with:\n" + strings.Join(all[max(0, len(all)-lines):], "\n")
}

// until waits for a condition; its error ends the wait.
func until(ctx context.Context, limit time.Duration, condition func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		if done, err := condition(); err != nil || done {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %s: %w", limit, context.Cause(ctx))
		case <-ticker.C:
		}
	}
}
