//go:build unix && !solaris && !aix

package main

import (
	"os"
	"syscall"
)

// lock locks an open file, or fails with EWOULDBLOCK when it is locked. The lock ends with
// the process, however that ends.
func lock(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
