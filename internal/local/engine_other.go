//go:build !unix

package local

import "syscall"

func engineProcAttr() *syscall.SysProcAttr { return nil }
