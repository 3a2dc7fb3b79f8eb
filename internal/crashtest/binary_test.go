package crashtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// scratch is a directory of this test binary.
func scratch() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("weir-crashtest-%d", os.Getpid()))
}

func TestMain(m *testing.M) {
	code := m.Run()
	if err := os.RemoveAll(scratch()); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// binary is the weir command, built once, without the race detector.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch(), "weir")
	build := exec.Command("go", "build", "-o", path, "github.com/weirhq/weir/cmd/weir")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", build, err, out)
	}
	return path, nil
})
