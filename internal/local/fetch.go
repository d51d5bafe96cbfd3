package local

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// engineVersion is the version of DynamoDB Local that the POM names.
const engineVersion = "2.6.1"

const engineJar = "DynamoDBLocal-" + engineVersion + ".jar"

// fetchEngine returns the folder with DynamoDB Local's jars, which it downloads if
// need be. What is there is whole: a download gets its final name at its end, and
// of two at once the second finds the first one's.
func fetchEngine(ctx context.Context, o EngineOptions) (lib string, err error) {
	home, err := filepath.Abs(filepath.Join(o.Dir, "dynamodb-local-"+engineVersion))
	if err != nil {
		return "", fmt.Errorf("folder for DynamoDB Local: %w", err)
	}
	lib = filepath.Join(home, "lib")
	if exists(filepath.Join(lib, engineJar)) {
		return lib, nil
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return "", fmt.Errorf("folder for DynamoDB Local: %w", err)
	}
	removeOldDownloads(home)
	tmp, err := os.MkdirTemp(o.Dir, filepath.Base(home)+downloadSuffix+"*")
	if err != nil {
		return "", fmt.Errorf("folder for DynamoDB Local: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := download(ctx, o, filepath.Join(tmp, "lib")); err != nil {
		return "", err
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return "", fmt.Errorf("folder for DynamoDB Local: %w", err)
	}
	if err := os.Rename(tmp, home); err != nil && !exists(filepath.Join(lib, engineJar)) {
		return "", fmt.Errorf("folder for DynamoDB Local: %w", err)
	}
	return lib, nil
}

func download(ctx context.Context, o EngineOptions, lib string) error {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return errors.New("no mvn here, which fetches DynamoDB Local on the first start: install Maven (Debian: maven, macOS: brew install maven), or set DYNAMODB_ENDPOINT to an engine that runs already")
	}
	if !exists(o.POM) {
		return fmt.Errorf("no %s here, which says where DynamoDB Local comes from: start from the root of the repository", o.POM)
	}
	lib, err = filepath.Abs(lib)
	if err != nil {
		return fmt.Errorf("folder for DynamoDB Local: %w", err)
	}
	fmt.Fprintf(o.Log, "fetching DynamoDB Local %s with Maven (50 MB, only this once)\n", engineVersion)
	out := newTail(6)
	cmd := exec.CommandContext(ctx, mvn, "-q", "-B", "-f", o.POM, "dependency:copy-dependencies", "-DoutputDirectory="+lib)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("fetching DynamoDB Local: %w", ctx.Err())
		}
		return fmt.Errorf("fetching DynamoDB Local failed (%w): check the network and Maven's settings and try again; Maven's last words: %s", err, out)
	}
	if !exists(filepath.Join(lib, engineJar)) {
		return fmt.Errorf("no %s among what Maven fetched: the version in %s must be %s", engineJar, o.POM, engineVersion)
	}
	return unpackNative(lib)
}

const downloadSuffix = ".download-"

// removeOldDownloads deletes what downloads that were killed have left. One that
// is younger than an hour may still be running.
func removeOldDownloads(home string) {
	left, _ := filepath.Glob(home + downloadSuffix + "*")
	for _, dir := range left {
		if info, err := os.Stat(dir); err == nil && time.Since(info.ModTime()) > time.Hour {
			os.RemoveAll(dir)
		}
	}
}

// nativeFolder is where DynamoDB Local's jar has the SQLite library for this
// machine, and the name of the folder beside the jars that we unpack it into.
func nativeFolder() string {
	system := map[string]string{"linux": "Linux", "darwin": "Mac", "windows": "Windows"}[runtime.GOOS]
	arch := map[string]string{"amd64": "x86_64", "arm64": "aarch64", "386": "x86"}[runtime.GOARCH]
	return path.Join(system, arch)
}

// unpackNative puts the SQLite library for this machine beside the jars. Without
// it the engine would unpack a copy into the temporary folder at every start, leave
// it there when it is killed, and not start at all where that folder is mounted
// noexec. A machine that the jar has no library for is told by the engine itself.
func unpackNative(lib string) error {
	jar, err := zip.OpenReader(filepath.Join(lib, engineJar))
	if err != nil {
		return fmt.Errorf("reading %s: %w", engineJar, err)
	}
	defer jar.Close()
	for _, f := range jar.File {
		if !strings.HasSuffix(path.Dir(f.Name), "/native/"+nativeFolder()) || f.FileInfo().IsDir() {
			continue
		}
		dir := filepath.Join(lib, filepath.FromSlash(nativeFolder()))
		if err := unpack(f, dir); err != nil {
			return fmt.Errorf("unpacking %s from %s: %w", f.Name, engineJar, err)
		}
	}
	return nil
}

func unpack(f *zip.File, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(filepath.Join(dir, path.Base(f.Name)), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
