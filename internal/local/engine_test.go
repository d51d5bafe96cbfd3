package local

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"tocsin/internal/ddb"
	"tocsin/internal/dynamo/dump"
)

// realEngine is where the engine for the tests comes from. It is fetched once for
// all.
func realEngine() EngineOptions {
	return EngineOptions{Dir: "../../.local", POM: "../../infra/local/pom.xml"}
}

func startEngine(t *testing.T, o EngineOptions) *Engine {
	t.Helper()
	e, err := StartEngine(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Stop(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func engineClient(e *Engine) *dynamodb.Client {
	return ddb.NewClient(aws.Config{
		Region:      Region,
		Credentials: credentials.NewStaticCredentialsProvider(Region, Region, ""),
	}, e.Endpoint())
}

func tableNames(t *testing.T, e *Engine) []string {
	t.Helper()
	out, err := engineClient(e).ListTables(t.Context(), &dynamodb.ListTablesInput{})
	if err != nil {
		t.Fatal(err)
	}
	return out.TableNames
}

func TestEngineInMemory(t *testing.T) {
	e := startEngine(t, realEngine())
	if names := tableNames(t, e); len(names) != 0 {
		t.Errorf("a new engine has the tables %v", names)
	}
	select {
	case <-e.Done():
		t.Fatalf("the engine ended: %v", e.Err())
	default:
	}
	if err := e.process.Kill(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-e.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("Done was not closed when the engine died")
	}
	if err := e.Err(); err == nil || !strings.Contains(err.Error(), "ended by itself (signal: killed)") {
		t.Errorf("Err = %v", err)
	}
	for range 2 {
		if err := e.Stop(); err != nil {
			t.Errorf("Stop of a dead engine: %v", err)
		}
	}
}

func TestEngineKeepsData(t *testing.T) {
	o := realEngine()
	o.Data = filepath.Join(t.TempDir(), "data")
	d := dump.TableDefinition{
		Attributes:   map[string]string{"pk": "S", "sk": "S", "l": "S", "g": "N"},
		PartitionKey: "pk", SortKey: "sk", TTLAttribute: "expires",
		Local:  []dump.IndexDefinition{{Name: "lsi1", PartitionKey: "pk", SortKey: "l", Projection: "ALL"}},
		Global: []dump.IndexDefinition{{Name: "gsi1", PartitionKey: "g", Projection: "ALL"}},
	}
	first := startEngine(t, o)
	for range 2 {
		if err := dump.CreateTable(t.Context(), engineClient(first), "things", d); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-first.Done():
		t.Error("Done was closed by Stop")
	default:
	}
	second := startEngine(t, o)
	if diff := cmp.Diff([]string{"things"}, tableNames(t, second)); diff != "" {
		t.Errorf("tables after a restart (-want +got):\n%s", diff)
	}
	d.Global[0].Projection = "KEYS_ONLY"
	d.Local = nil
	err := dump.CreateTable(t.Context(), engineClient(second), "things", d)
	want := "table things exists with other keys or indexes (global index gsi1 has g(N) ALL, not g(N) KEYS_ONLY; " +
		"local index lsi1 has pk(S) l(S) ALL, not nothing): use another table or delete this one"
	if err == nil || err.Error() != want {
		t.Errorf("another definition: %v, want %s", err, want)
	}
}

// TestEngineEndsWithUs kills a process that runs an engine and waits until the
// engine is gone too.
func TestEngineEndsWithUs(t *testing.T) {
	if os.Getenv("TOCSIN_TEST_ENGINE_OWNER") != "" {
		e, err := StartEngine(context.Background(), realEngine())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("endpoint", e.Endpoint())
		select {}
	}
	if !diesWithParent {
		t.Log("nothing to test: this system can't tie a process to its parent")
		return
	}
	owner := exec.Command(os.Args[0], "-test.run=^TestEngineEndsWithUs$")
	owner.Env = append(os.Environ(), "TOCSIN_TEST_ENGINE_OWNER=1")
	stdout, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	var endpoint string
	if _, err := fmt.Fscanf(stdout, "endpoint %s\n", &endpoint); err != nil {
		t.Fatalf("the owner gave no endpoint: %v", err)
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	owner.Wait()
	for range 200 {
		resp, err := http.Get(endpoint)
		if err != nil {
			return
		}
		resp.Body.Close()
		time.Sleep(25 * time.Millisecond)
	}
	t.Error("the engine is still there 5 s after its owner was killed")
}

func TestPOMNamesTheVersion(t *testing.T) {
	pom, err := os.ReadFile(realEngine().POM)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(pom), "<version>"+engineVersion+"</version>") {
		t.Errorf("the POM does not name DynamoDB Local %s", engineVersion)
	}
}

// fakeTools makes the PATH consist of programs that are shell scripts.
func fakeTools(t *testing.T, scripts map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	t.Setenv("JAVA_HOME", "")
}

func TestStartEngineFailures(t *testing.T) {
	pom := realEngine().POM
	tests := []struct {
		name  string
		tools map[string]string
		pom   string
		want  string
	}{
		{"no java", nil, pom, "no java here, which DynamoDB Local needs: install Java 17"},
		{"no Maven", map[string]string{"java": ""}, pom, "no mvn here, which fetches DynamoDB Local on the first start: install Maven"},
		{"no POM", map[string]string{"java": "", "mvn": ""}, "nowhere.xml", "no nowhere.xml here"},
		{"download fails", map[string]string{"java": "", "mvn": "echo; echo no network; echo bye >&2; exit 1"}, pom, "(exit status 1): check the network and Maven's settings and try again; Maven's last words: no network | bye"},
		{"other version", map[string]string{"java": "", "mvn": ""}, pom, "no DynamoDBLocal-2.6.1.jar among what Maven fetched"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fakeTools(t, test.tools)
			dir := t.TempDir()
			_, err := StartEngine(t.Context(), EngineOptions{Dir: dir, POM: test.pom})
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error = %v, want one line with %q", err, test.want)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
				t.Errorf("it left %v (%v)", left, err)
			}
		})
	}
}

func TestStartEngineOutput(t *testing.T) {
	tests := []struct{ name, java, want string }{
		{"ends", "echo hello; exit 3", "DynamoDB Local ended by itself (exit status 3); its last words: hello"},
		{"ends well", "", "DynamoDB Local ended by itself (exit status 0)"},
		{"old", "echo java.lang.UnsupportedClassVersionError >&2; exit 1", "java is older than Java 17"},
		{"macOS stub", "echo 'The operation could not be completed. Unable to locate a Java Runtime.' >&2; exit 1", "no java here"},
		{"ports taken", "echo java.net.BindException >&2; exit 1", "was taken at the same moment"},
	}
	dir := t.TempDir()
	lib := filepath.Join(dir, "dynamodb-local-"+engineVersion, "lib")
	if err := os.MkdirAll(lib, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(lib, engineJar), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fakeTools(t, map[string]string{"java": test.java})
			_, err := StartEngine(t.Context(), EngineOptions{Dir: dir})
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error = %v, want one line with %q", err, test.want)
			}
		})
	}
	t.Run("never ready", func(t *testing.T) {
		fakeTools(t, map[string]string{"java": "exec /bin/sleep 60"})
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if _, err := StartEngine(ctx, EngineOptions{Dir: dir}); err == nil || !strings.Contains(err.Error(), "did not start") {
			t.Errorf("error = %v", err)
		}
	})
}

func TestStopKillsWhatDoesNotListen(t *testing.T) {
	e := &Engine{output: newTail(1), stopping: make(chan struct{}), exited: make(chan struct{}), died: make(chan struct{})}
	if err := e.launch("/bin/sh", []string{"-c", "trap '' TERM; echo ready; while :; do sleep 1; done"}); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); e.output.String() != "ready"; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the process says %q, not that it is ready", e.output)
		}
	}
	if err := e.stopWithin(100 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if err := e.process.Signal(syscall.Signal(0)); err == nil {
		t.Error("the process is still there")
	}
}

// TestFetchEngineTwiceAtOnce has a Maven that takes its time and gives a jar with
// a native library in it.
func TestFetchEngineTwiceAtOnce(t *testing.T) {
	jar := filepath.Join(t.TempDir(), "jar")
	makeJar(t, jar)
	fakeTools(t, map[string]string{"mvn": `
		for a; do case $a in -DoutputDirectory=*) out=${a#*=};; esac; done
		/bin/sleep 0.2
		/bin/mkdir -p "$out"
		/bin/cp ` + jar + ` "$out/` + engineJar + `"`})
	o := EngineOptions{Dir: t.TempDir(), POM: realEngine().POM, Log: io.Discard}
	stale := filepath.Join(o.Dir, "dynamodb-local-"+engineVersion+downloadSuffix+"1")
	if err := os.Mkdir(stale, 0o700); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(stale, old, old); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			lib, err := fetchEngine(t.Context(), o)
			if err != nil {
				t.Error(err)
				return
			}
			if native, err := os.ReadFile(filepath.Join(lib, nativeFolder(), "libsqlite4java.so")); err != nil || string(native) != "native" {
				t.Errorf("native library: %q, %v", native, err)
			}
		})
	}
	wg.Wait()
	left, err := os.ReadDir(o.Dir)
	if err != nil || len(left) != 1 {
		t.Errorf("the folder has %v (%v), want the engine alone", left, err)
	}
}

// TestUnpackDynoxide takes the program out of an archive, and takes no other archive
// than the one that it is to be.
func TestUnpackDynoxide(t *testing.T) {
	var archive bytes.Buffer
	plain := gzip.NewWriter(&archive)
	files := tar.NewWriter(plain)
	for _, name := range []string{"package/package.json", "package/dynoxide", "package/README.md"} {
		err := files.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(name))})
		if _, werr := io.WriteString(files, name); err != nil || werr != nil {
			t.Fatal(err, werr)
		}
	}
	if err := errors.Join(files.Close(), plain.Close()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "archive.tgz")
	if err := os.WriteFile(file, archive.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	made := filepath.Join(dir, "made")
	err := unpackDynoxide(file, made, dynoxideIntegrity)
	if err == nil || !strings.HasPrefix(err.Error(), "what npm fetched is not Dynoxide") || exists(made) {
		t.Errorf("another archive: %v", err)
	}
	sum := sha512.Sum512(archive.Bytes())
	if err := unpackDynoxide(file, made, "sha512-"+base64.StdEncoding.EncodeToString(sum[:])); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(made, "dynoxide")
	text, err := os.ReadFile(program)
	info, serr := os.Stat(program)
	if err != nil || serr != nil || string(text) != "package/dynoxide" || info.Mode().Perm()&0o100 == 0 {
		t.Errorf("the program is %q, %v (%v, %v)", text, info.Mode(), err, serr)
	}
}

func TestOtherEngines(t *testing.T) {
	for kind, want := range map[EngineKind]string{
		"redis":  `no engine is called "redis": there are [dynamodb-local dynoxide]`,
		Dynoxide: "no npm here, which fetches Dynoxide on the first start",
	} {
		if kind == Dynoxide && (runtime.GOOS != "linux" || runtime.GOARCH != "amd64") {
			want = "there is no Dynoxide for"
		}
		fakeTools(t, nil)
		if _, err := StartEngine(t.Context(), EngineOptions{Kind: kind, Dir: t.TempDir()}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", kind, err, want)
		}
	}
}

func makeJar(t *testing.T, file string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	for _, name := range []string{"com/Main.class", path.Join("com/sqlite/native", nativeFolder(), "libsqlite4java.so"), "com/sqlite/native/Other/x86_64/libsqlite4java.so"} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, "native"); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}
