package local

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"
)

// The second engine, Dynoxide: its npm package, the version, and what the package's
// archive must be. This is the only place that names the version; npm's registry
// gives the integrity of another one (npm view PACKAGE dist.integrity).
const (
	dynoxidePackage   = "@dynoxide/linux-x64"
	dynoxideVersion   = "1.2.1"
	dynoxideIntegrity = "sha512-sBHqlxJ9ANkLluFkYRfd5r8Y0ApFew4FhOrlhgRAgD4XzEoFOukEo1nuBTQ1+jTtofqwn4NWQ2k0Tn5mNTjgUg=="
)

// dynoxide is a program of its own, without dependencies, that is there for Linux on
// x86-64 only.
type dynoxide struct{}

func (dynoxide) name() string { return "Dynoxide" }

func (d dynoxide) prepare(ctx context.Context, o EngineOptions) (runner, error) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return runner{}, fmt.Errorf("there is no Dynoxide for %s on %s, only for Linux on x86-64: use DynamoDB Local", runtime.GOOS, runtime.GOARCH)
	}
	program, err := d.fetch(ctx, o)
	if err != nil {
		return runner{}, err
	}
	args := []string{}
	if o.Data != "" {
		args = append(args, "--db-path", filepath.Join(o.Data, "dynoxide.db"))
	}
	return runner{
		program: program,
		args:    func(port int) []string { return append(args[:len(args):len(args)], "--port", strconv.Itoa(port)) },
		taken:   "Address already in use",
	}, nil
}

// fetch returns the program, which npm downloads if need be. As with DynamoDB Local,
// what is there is whole.
func (d dynoxide) fetch(ctx context.Context, o EngineOptions) (program string, err error) {
	home, err := filepath.Abs(filepath.Join(o.Dir, "dynoxide-"+dynoxideVersion))
	if err != nil {
		return "", fmt.Errorf("folder for Dynoxide: %w", err)
	}
	program = filepath.Join(home, "dynoxide")
	if exists(program) {
		return program, nil
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", errors.New("no npm here, which fetches Dynoxide on the first start: install it (Debian: npm), or use DynamoDB Local")
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return "", fmt.Errorf("folder for Dynoxide: %w", err)
	}
	removeOldDownloads(home)
	tmp, err := os.MkdirTemp(o.Dir, filepath.Base(home)+downloadSuffix+"*")
	if err != nil {
		return "", fmt.Errorf("folder for Dynoxide: %w", err)
	}
	defer os.RemoveAll(tmp)
	fmt.Fprintf(o.Log, "fetching Dynoxide %s with npm (4 MB, only this once)\n", dynoxideVersion)
	out := newTail(6)
	cmd := exec.CommandContext(ctx, npm, "pack", "--silent", dynoxidePackage+"@"+dynoxideVersion)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = tmp, out, out, 5*time.Second
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("fetching Dynoxide failed (%w): check the network and npm's settings and try again; npm's last words: %s", err, out)
	}
	made := filepath.Join(tmp, "made")
	if err := unpackDynoxide(filepath.Join(tmp, "dynoxide-linux-x64-"+dynoxideVersion+".tgz"), made, dynoxideIntegrity); err != nil {
		return "", err
	}
	if err := os.Rename(made, home); err != nil && !exists(program) {
		return "", fmt.Errorf("folder for Dynoxide: %w", err)
	}
	return program, nil
}

// unpackDynoxide takes the program out of the package's archive into a new folder,
// if the archive is the one that the integrity says.
func unpackDynoxide(archive, dir, integrity string) error {
	packed, err := os.ReadFile(archive)
	if err != nil {
		return fmt.Errorf("what npm fetched: %w", err)
	}
	sum := sha512.Sum512(packed)
	if got := "sha512-" + base64.StdEncoding.EncodeToString(sum[:]); got != integrity {
		return fmt.Errorf("what npm fetched is not Dynoxide %s: its integrity is %s", dynoxideVersion, got)
	}
	plain, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return fmt.Errorf("unpacking Dynoxide: %w", err)
	}
	files := tar.NewReader(plain)
	for {
		f, err := files.Next()
		if err != nil {
			return fmt.Errorf("unpacking Dynoxide: %w", err)
		}
		if f.Name != "package/dynoxide" {
			continue
		}
		if err := os.Mkdir(dir, 0o755); err != nil {
			return fmt.Errorf("unpacking Dynoxide: %w", err)
		}
		out, err := os.OpenFile(filepath.Join(dir, "dynoxide"), os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
		if err != nil {
			return fmt.Errorf("unpacking Dynoxide: %w", err)
		}
		if _, err := io.Copy(out, files); err != nil {
			return errors.Join(fmt.Errorf("unpacking Dynoxide: %w", err), out.Close())
		}
		return out.Close()
	}
}
