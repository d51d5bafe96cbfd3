// Release makes what a stack is deployed from without Go and without a checkout: for each
// processor an archive with a packaged template and the functions that it names, and for
// each system the command, with their checksums. make release runs it.
//
// The same source and version of Go give the same bytes, in whatever folder and whenever
// they are built.
package main

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"tocsin/internal/version"
)

// architectures are the processors of Lambda, as template.yaml names them, each with Go's
// name for it.
var architectures = map[string]string{"arm64": "arm64", "x86_64": "amd64"}

// targets are what a release is made for.
type targets struct {
	architectures []string // of the functions and of the command
	systems       []string // of the command, by Go's names
}

// all are the targets of a whole release.
var all = targets{architectures: []string{"arm64", "x86_64"}, systems: []string{"darwin", "linux"}}

func main() {
	out := flag.String("out", filepath.Join(".local", "release"), "where the release goes, a folder that is made anew")
	architectures := flag.String("architectures", strings.Join(all.architectures, ","), "processors that it is made for")
	systems := flag.String("systems", strings.Join(all.systems, ","), "systems that the command is made for")
	flag.Parse()
	if err := release(".", *out, targets{strings.Split(*architectures, ","), strings.Split(*systems, ",")}); err != nil {
		fmt.Fprintln(os.Stderr, "make release:", err)
		os.Exit(1)
	}
}

// release makes all files of a release of the source in out.
func release(source, out string, to targets) error {
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	var sums bytes.Buffer
	for _, arch := range to.architectures {
		stack, err := stackArchive(source, arch)
		if err != nil {
			return fmt.Errorf("the stack for %s: %w", arch, err)
		}
		if err := write(out, fmt.Sprintf("tocsin-%s-stack-%s.zip", version.Number, arch), stack, &sums); err != nil {
			return err
		}
		for _, system := range to.systems {
			command, err := commandArchive(source, system, arch)
			if err != nil {
				return fmt.Errorf("the command for %s on %s: %w", system, arch, err)
			}
			if err := write(out, fmt.Sprintf("tocsin-%s-%s-%s.zip", version.Number, system, arch), command, &sums); err != nil {
				return err
			}
		}
	}
	return os.WriteFile(filepath.Join(out, "SHA256SUMS"), sums.Bytes(), 0o644)
}

func write(out, name string, content []byte, sums *bytes.Buffer) error {
	fmt.Fprintf(sums, "%x  %s\n", sha256.Sum256(content), name)
	fmt.Println(filepath.Join(out, name))
	return os.WriteFile(filepath.Join(out, name), content, 0o644)
}

// stackArchive returns the archive that a stack is deployed from: packaged.yaml, and beside
// it the zip of each function.
func stackArchive(source, arch string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(source, "template.yaml"))
	if err != nil {
		return nil, err
	}
	license, err := os.ReadFile(filepath.Join(source, "LICENSE"))
	if err != nil {
		return nil, err
	}
	packaged, names, err := packagedTemplate(string(text), arch)
	if err != nil {
		return nil, err
	}
	files := []file{{name: "LICENSE", content: license}, {name: "packaged.yaml", content: []byte(packaged)}}
	for _, name := range names {
		content, err := functionZip(source, name, arch)
		if err != nil {
			return nil, fmt.Errorf("the function %s: %w", name, err)
		}
		files = append(files, file{name: name + ".zip", content: content})
	}
	return zipOf(files)
}

// functionZip builds a function by the rule that sam build uses, and returns its zip.
func functionZip(source, name, arch string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "tocsin-release-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	target := "build-" + strings.ToUpper(name[:1]) + name[1:] + "Function"
	cmd := exec.Command("make", "-s", "-f", filepath.Join("infra", "lambda", arch, "Makefile"), target, "ARTIFACTS_DIR="+dir)
	if err := run(cmd, source); err != nil {
		return nil, err
	}
	content, err := os.ReadFile(filepath.Join(dir, "bootstrap"))
	if err != nil {
		return nil, err
	}
	return zipOf([]file{{name: "bootstrap", content: content, executable: true}})
}

// commandArchive builds the command, without the commit, and returns its archive.
func commandArchive(source, system, arch string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "tocsin-release-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "tocsin")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", binary, "./cmd/tocsin")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+architectures[arch])
	if err := run(cmd, source); err != nil {
		return nil, err
	}
	content, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	return zipOf([]file{{name: "tocsin", content: content, executable: true}})
}

// run runs a command that says something only when it fails. It is told nothing of the make
// that runs this, and builds with the Go that runs this.
func run(cmd *exec.Cmd, dir string) error {
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = slices.DeleteFunc(cmd.Env, func(v string) bool { return strings.HasPrefix(v, "MAKE") || strings.HasPrefix(v, "MFLAGS=") })
	cmd.Env = append(cmd.Env, "GOTOOLCHAIN="+runtime.Version(), "GOFLAGS=")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}
