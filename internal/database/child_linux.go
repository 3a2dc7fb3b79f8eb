package database

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
)

// dieWithParent makes the kernel send signal to the child when the thread that starts it ends, SIGKILL of the process
// included.
func dieWithParent(attr *syscall.SysProcAttr, signal syscall.Signal) { attr.Pdeathsig = signal }

// commandLine returns the arguments of process pid, separated by spaces; "" when it has ended.
func commandLine(pid int) string {
	args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(bytes.ReplaceAll(args, []byte{0}, []byte{' '})))
}

// capabilitySearch is CAP_DAC_READ_SEARCH: enter directories of others.
const capabilitySearch = 2

func searchAnywhere(attr *syscall.SysProcAttr) { attr.AmbientCaps = []uintptr{capabilitySearch} }
