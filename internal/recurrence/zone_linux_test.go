package recurrence

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// A function of AWS Lambda finds no zone files. So does a program whose root is a directory that has nothing
// but itself.
func TestWithoutZoneFiles(t *testing.T) {
	dir := t.TempDir()
	build := exec.Command("go", "build", "-buildvcs=false", "-o", filepath.Join(dir, "zones"), "./testdata/zones")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	cmd := exec.Command("/zones")
	cmd.Dir = "/"
	cmd.Env = []string{"ZONEINFO=/nothing"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: dir}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if os.IsPermission(err) {
		t.Skip("this system lets no program have another root: ", err)
	}
	if got, want := string(out), "2026-07-01T12:00:00+02:00"; err != nil || got != want {
		t.Errorf("without zone files: %v, %q, want %q", err, got, want)
	}
}
