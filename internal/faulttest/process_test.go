package faulttest

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// scratch is a directory of this test binary.
func scratch() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("weir-faulttest-%d", os.Getpid()))
}

func TestMain(m *testing.M) {
	code := m.Run()
	if err := os.RemoveAll(scratch()); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// binary is the weir command, built once.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch(), "weir")
	build := exec.Command("go", "build", "-o", path, "github.com/weirhq/weir/cmd/weir")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", build, err, out)
	}
	return path, nil
})

// process is a weir run.
type process struct {
	cmd    *exec.Cmd
	output *journal
	ended  chan struct{}
}

// start runs weir until the test ends at the latest.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(path, args...), output: &journal{}, ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // its state tells
		close(p.ended)
	}()
	t.Cleanup(func() { p.stop(t) })
	return p
}

func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// stop asks the process to end, and kills it when it does not.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if !p.running() {
		return
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Log(err)
	}
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Errorf("not stopped within %s of SIGTERM:\n%s", patience, p.output)
		_ = p.cmd.Process.Kill() // it ends now, or has
		<-p.ended
	}
}

// exited waits for the end of a process that ends by itself.
func (p *process) exited(t *testing.T, limit time.Duration) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(limit):
		t.Fatalf("still running after %s:\n%s", limit, p.output)
	}
	return p.cmd.ProcessState.ExitCode()
}

// ready waits until /readyz is answered with 200.
func (p *process) ready(t *testing.T, url string) {
	t.Helper()
	wait(t, "the engine to be ready", func() bool {
		if !p.running() {
			t.Fatalf("ended before it was ready:\n%s", p.output)
		}
		return probe(t.Context(), url+"/readyz") == http.StatusOK
	}, p.output.String)
}

// probe is the status of an answer, 0 where there is none.
func probe(ctx context.Context, url string) int {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, bytes.NewReader(nil))
	if err != nil {
		return 0
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	return response.StatusCode
}
