package local

import "syscall"

// engineProcAttr puts the engine into a process group of its own, so that Ctrl-C
// in the terminal reaches only us and we shut down in order, and has the kernel
// kill it if we go without doing so.
func engineProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
