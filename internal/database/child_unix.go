//go:build unix && !linux

package database

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// dieWithParent does nothing where the kernel has no such signal: the next start stops a server that was left.
func dieWithParent(*syscall.SysProcAttr, syscall.Signal) {}

// commandLine returns the arguments of process pid, separated by spaces; "" when it has ended.
func commandLine(pid int) string {
	args, err := exec.Command("ps", "-o", "args=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(args))
}

func searchAnywhere(*syscall.SysProcAttr) {}
