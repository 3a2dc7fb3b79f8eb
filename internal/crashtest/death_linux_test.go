package crashtest

import "syscall"

// dieWithUs makes the kernel kill the process when this one dies, however it does.
func dieWithUs(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
