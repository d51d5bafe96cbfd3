//go:build unix && !linux

package local

import "syscall"

// engineProcAttr puts the engine into a process group of its own, so that Ctrl-C
// in the terminal reaches only us and we shut down in order.
func engineProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
