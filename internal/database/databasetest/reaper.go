package databasetest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"syscall"

	"github.com/weirhq/weir/internal/database"
)

// reap removes a directory once standard input ends and no server holds it any more.
const reap = `cat >/dev/null; i=0; while [ -e "$1/postgres/postmaster.pid" ] && [ $i -lt 100 ]; do sleep 0.1; i=$((i+1)); done; rm -rf "$1"`

// startEmbedded starts an embedded server on a temporary directory. There is no hook at the end of a test binary, so a
// shell outlives it: it holds the reading end of a pipe that closes with the binary, and then removes the directory. The
// server itself stops with the binary. Both results must stay referenced for as long.
func startEmbedded() (*database.Embedded, io.Closer, error) {
	dir, err := os.MkdirTemp("", "weir-database-")
	if err != nil {
		return nil, nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // the server may run as another user
		return nil, nil, err
	}
	reaper := exec.Command("sh", "-c", reap, "sh", dir)
	reaper.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	alive, err := reaper.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := reaper.Start(); err != nil {
		return nil, nil, fmt.Errorf("start the reaper of %s: %w", dir, err)
	}
	embedded, err := database.StartEmbedded(context.Background(), dir, 0, slog.New(slog.DiscardHandler), database.WithoutFsync())
	return embedded, alive, err
}
