//go:build !linux

package local

const diesWithParent = false
