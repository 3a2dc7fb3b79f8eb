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

// runsProgram reports whether process pid runs a program of that name. One that ended and that nobody waited for runs
// nothing.
func runsProgram(pid int, name string) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // pid (name) state …
	if err != nil {
		return false
	}
	_, rest, _ := bytes.Cut(stat, []byte("("))
	end := bytes.LastIndexByte(rest, ')')
	if end < 0 {
		return false
	}
	state := bytes.TrimSpace(rest[end+1:])
	return string(rest[:end]) == name && len(state) > 0 && state[0] != 'Z' && state[0] != 'X'
}

// capabilitySearch is CAP_DAC_READ_SEARCH: enter directories of others.
const capabilitySearch = 2

func searchAnywhere(attr *syscall.SysProcAttr) { attr.AmbientCaps = []uintptr{capabilitySearch} }
