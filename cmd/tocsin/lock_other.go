//go:build !unix || solaris || aix

package main

import "os"

// lock is for Linux, macOS and the like, where make run is at home.
func lock(*os.File) error { return nil }
