package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is an engine under measurement.
type process struct {
	cmd   *exec.Cmd
	url   string
	ended chan struct{}
	ready time.Duration // from start to /readyz
}

const (
	readyWithin = time.Minute
	stopWithin  = 15 * time.Second
	readyEvery  = 10 * time.Millisecond
)

// configFile holds what every engine of the bench is given.
const configFile = "bench.yaml"

const configuration = `
log: {level: warn}
api:
  rate: 1000000
  burst: 1000000
  keys: [{name: bench, tenant: ` + tenant + `, key: ` + apiKey + `}]
`

// start runs an engine with these roles, and more arguments, beside the bench's broker and database.
func (b *bench) start(ctx context.Context, roles string, more ...string) (*process, error) {
	listen, err := freeAddress()
	if err != nil {
		return nil, err
	}
	return b.launch(ctx, listen, append([]string{"--brokers", strings.Join(b.brokers, ","), "--database-url", b.dsn, "--roles", roles,
		"--set", "kafka.partitions=" + strconv.Itoa(partitions), "--set", "kafka.replication=1",
		"--set", "psp.sandbox.adapter=sandbox", "--set", "psp.sandbox.base_url=" + b.sandbox}, more...)...)
}

// embedded starts an engine with these roles that has broker and database of its own in a directory, as "weir run" does.
// Like Kafka, its broker leaves flushing to the system.
func (b *bench) embedded(ctx context.Context, dir, roles string) (*process, error) {
	listen, err := freeAddress()
	if err != nil {
		return nil, err
	}
	sandbox, err := freeAddress()
	if err != nil {
		return nil, err
	}
	return b.launch(ctx, listen, "--data-dir", dir, "--roles", roles,
		"--set", "kafka.embedded_port=0", "--set", "kafka.embedded_fsync=false", "--set", "database.embedded_port=0",
		"--set", "sandbox.listen="+sandbox)
}

// launch runs weir with these arguments and waits until it serves.
func (b *bench) launch(ctx context.Context, listen string, args ...string) (*process, error) {
	log, err := os.OpenFile(filepath.Join(b.dir, "engine.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	args = append([]string{"run", "--config", filepath.Join(b.dir, configFile), "--listen", listen}, args...)
	p := &process{cmd: exec.Command(b.Engine, args...), url: "http://" + listen, ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = p.cmd.Wait(); close(p.ended) }()
	if err := p.wait(ctx); err != nil {
		tail, _ := os.ReadFile(log.Name())
		return nil, errors.Join(fmt.Errorf("engine: %w: %s", err, tail[max(0, len(tail)-2000):]), p.kill())
	}
	p.ready = time.Since(began)
	return p, nil
}

// wait polls /readyz.
func (p *process) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	ticker := time.NewTicker(readyEvery)
	defer ticker.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/readyz", nil)
		if err != nil {
			return err
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ticker.C:
		case <-p.ended:
			return errors.New("ended before it was ready")
		case <-ctx.Done():
			return errors.New("is not ready")
		}
	}
}

// stop ends the engine gracefully.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(stopWithin):
		return errors.Join(fmt.Errorf("engine: did not stop within %s", stopWithin), p.kill())
	}
}

// kill ends the engine as a crash would.
func (p *process) kill() error {
	err := p.cmd.Process.Kill()
	<-p.ended
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// peakMemory is the most memory that the engine ever had resident, in MiB.
func (p *process) peakMemory() (int64, error) { return peakMemory(p.cmd.Process.Pid) }

// peakMemory is the most memory that a process ever had resident, in MiB (VmHWM of Linux).
func peakMemory(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(bytes.NewReader(status))
	for lines.Scan() {
		if kilobytes, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(kilobytes, "kB")), 10, 64)
			return n >> 10, err
		}
	}
	return 0, errors.New("no VmHWM in /proc/pid/status")
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}
