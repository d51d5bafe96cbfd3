package dynamotest

import (
	"bytes"
	"os/exec"
	"testing"
)

// SourceOf returns a folder with the files of a commit of this repository, and the whole
// hash of the commit. The files come from an archive: a worktree would stay in the
// repository when the test is interrupted. The clone must have the commit.
func SourceOf(t testing.TB, revision string) (dir, commit string) {
	t.Helper()
	dir = t.TempDir()
	run := func(problem string, input []byte, name string, args ...string) []byte {
		var said bytes.Buffer
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.Stdin, cmd.Stderr = Root(t), bytes.NewReader(input), &said
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("revision %s: %s: %v\n%s", revision, problem, err, &said)
		}
		return out
	}
	hash := run("there is no such commit here (a shallow clone has few: git fetch --unshallow)", nil, "git", "rev-parse", "--verify", revision+"^{commit}")
	commit = string(bytes.TrimSpace(hash))
	files := run("reading the commit", nil, "git", "archive", "--format=tar", commit)
	run("unpacking the commit", files, "tar", "-x", "-f", "-", "-C", dir)
	return dir, commit
}
