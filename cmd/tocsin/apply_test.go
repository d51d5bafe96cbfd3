package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/bucket"
	"tocsin/internal/bucket/buckettest"
	"tocsin/internal/dynamotest"
)

// A file and the pictures beside it: what a dry run says is what is done then, and nothing is to
// do afterwards.
func TestApply(t *testing.T) {
	flags, dir := rootFlags(t)
	port := freePort(t, dir)
	s := startServer(t, map[string]string{"PORT": port, "DATA": "memory"}, flags...)
	folder := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		file := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(folder, "status.yaml")
	apply := func(status int, want string, args ...string) {
		t.Helper()
		got, out, errs := tocsin(t, nil, append([]string{"apply", "--local", "--port", port, "--dir", dir}, args...)...)
		if diff := cmp.Diff(want, out+errs); got != status || diff != "" {
			t.Errorf("%v: %d (-want +got):\n%s", args, got, diff)
		}
	}
	logo := func() (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/assets/team/logo.png", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.StatusCode, response.Header.Get("Content-Type") + " " + response.Header.Get("Etag")
	}
	write("status.yaml", "monitors: [{tag: mars, name: Mars}]")
	write("assets/README.md", "pictures")
	write("assets/team/logo.png", "\x89PNG\r\n\x1a\n1")

	skipped := "! " + filepath.Join(folder, "assets/README.md") + " is left out: no picture has such a name\n"
	apply(0, skipped+"+ monitor mars\n= monitors: 1 made (dry run: nothing was written)\n+ asset /assets/team/logo.png: 9 bytes\n= assets: 1 made (dry run: nothing was written)\n", "--dry-run", file)
	if status, _ := logo(); status != 404 {
		t.Errorf("after a dry run the logo is %d", status)
	}
	apply(0, skipped+"+ monitor mars\n= monitors: 1 made\n+ asset /assets/team/logo.png: 9 bytes\n= assets: 1 made\n", file)
	status, header := logo()
	if status != 200 || header != `image/png "d4cf5fbbc645b0c9"` {
		t.Errorf("the logo is %d, %s", status, header)
	}
	apply(0, skipped+"= monitors: 1 as they should be\n= assets: 1 as they should be\nnothing to change\n", file)

	write("assets/team/logo.png", "\x89PNG\r\n\x1a\n22")
	apply(0, skipped+"= monitors: 1 as they should be\n~ asset /assets/team/logo.png: 9 bytes → 10\n= assets: 1 changed\n", file)
	if status, next := logo(); status != 200 || next == header {
		t.Errorf("the next logo is %d, %s", status, next)
	}

	// What can't be is found before anything is written.
	write("status.yaml", "monitors: [{tag: venus, name: Venus}]")
	write("assets/evil.png", "<svg/>")
	apply(1, skipped+"tocsin: reading the assets: "+filepath.Join(folder, "assets/evil.png")+": what is in it is no image/png\n", file)
	apply(1, "tocsin: say which file: tocsin apply FILE\n")
	apply(1, "tocsin: say which file: tocsin apply FILE\n", file, file)
	if err := os.Remove(filepath.Join(folder, "assets/evil.png")); err != nil {
		t.Fatal(err)
	}
	for _, more := range [][]string{{"--stack", "x"}, {"--table", "x"}} {
		apply(1, skipped+"tocsin: say which table: one of --local, --stack NAME and --table NAME\n", append(more, file)...)
	}
	if diff := cmp.Diff([]string{"mars"}, s.monitorTags(t, s.key())); diff != "" {
		t.Errorf("monitors (-want +got):\n%s", diff)
	}
}

// The example of docs/apply.md works when it is pasted, and prints what stands there.
func TestApplyDocs(t *testing.T) {
	flags, dir := rootFlags(t)
	port := freePort(t, dir)
	s := startServer(t, map[string]string{"PORT": port, "DATA": "none"}, flags...)
	text, err := os.ReadFile(filepath.Join(dynamotest.Root(t), "docs", "apply.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string) string {
		t.Helper()
		_, rest, _ := strings.Cut(string(text), "\n```"+kind+"\n")
		block, after, ok := strings.Cut(rest, "```\n")
		if !ok {
			t.Fatalf("docs/apply.md has no more %s", kind)
		}
		text = []byte("\n" + after)
		return block
	}
	folder := t.TempDir()
	file := filepath.Join(folder, "status.yaml")
	write := func(name, text string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o700), os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	write("status.yaml", block("yaml"))
	picture := block("xml")
	for _, name := range []string{"logo.svg", "shop.svg", "team/staff.svg"} {
		write("assets/"+name, picture)
	}
	begun := time.Now()
	token := regexp.MustCompile("[0-9a-f]{32}")
	for range 2 {
		want := token.ReplaceAllString(block("text"), "TOKEN")
		status, out, errs := tocsin(t, nil, "apply", "--local", "--port", port, "--dir", dir, file)
		if got := token.ReplaceAllString(out+errs, "TOKEN"); status != 0 || got != want {
			t.Errorf("%d (-want +got):\n%s", status, cmp.Diff(want, got))
		}
	}
	for address, want := range map[string]string{"/": "Status of Example &amp; Sons", "/staff": "/assets/team/staff.svg", "/assets/team/staff.svg": picture} {
		status, body := page(t, s.url+address)
		for (status != 200 || !strings.Contains(body, want)) && time.Since(begun) < 20*time.Second {
			time.Sleep(50 * time.Millisecond)
			status, body = page(t, s.url+address)
		}
		if status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %.300s", address, status, body)
		}
	}
}

// TestApplyStack finds the table and the bucket of a stack, and a table alone without its bucket.
func TestApplyStack(t *testing.T) {
	table, files := dynamotest.NewTable(t), buckettest.New(t)
	stacks := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		output := func(key, value string) string {
			return "<member><OutputKey>" + key + "</OutputKey><OutputValue>" + value + "</OutputValue></member>"
		}
		outputs := output("TableName", table.Name)
		if r.FormValue("StackName") == "tocsin-prod" {
			outputs += output("SiteBucketName", buckettest.Bucket)
		}
		io.WriteString(w, `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member><StackName>tocsin</StackName><StackStatus>UPDATE_COMPLETE</StackStatus>`+
			`<CreationTime>2026-11-01T00:00:00Z</CreationTime><Outputs>`+outputs+`</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`)
	}))
	defer stacks.Close()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_CLOUDFORMATION": stacks.URL, "AWS_ENDPOINT_URL_DYNAMODB": table.Endpoint, "AWS_REGION": dynamotest.Region, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
	} {
		t.Setenv(name, value)
	}
	folder := t.TempDir()
	if err := errors.Join(
		os.Mkdir(filepath.Join(folder, "assets"), 0o700), os.WriteFile(filepath.Join(folder, "assets", "logo.svg"), []byte("<svg/>"), 0o600),
		os.WriteFile(filepath.Join(folder, "status.yaml"), []byte("site: {logo: /assets/logo.svg}"), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"--stack", "tocsin-prod"}, 0, "+ site logo: \"/assets/logo.svg\"\n= settings of the site: 1 made\n+ asset /assets/logo.svg: 6 bytes\n= assets: 1 made\n"},
		{[]string{"--stack", "tocsin-prod"}, 0, "= settings of the site: 1 as they should be\n= assets: 1 as they should be\nnothing to change\n"},
		{[]string{"--stack", "tocsin-old"}, 1, "tocsin: the stack tocsin-old has no output TableName or none SiteBucketName: deploy a version that makes public pages\n"},
		{[]string{"--table", table.Name}, 0, "! the pictures in assets are left out: say --stack NAME in place of --table NAME to put them\n= settings of the site: 1 as they should be\nnothing to change\n"},
	} {
		args := append([]string{"apply", filepath.Join(folder, "status.yaml")}, tt.args...)
		status, out, errs := tocsin(t, map[string]string{"AWS_ENDPOINT_URL_S3": files.URL}, args...)
		if diff := cmp.Diff(tt.want, out+errs); status != tt.status || diff != "" {
			t.Errorf("%q: %d (-want +got):\n%s", tt.args, status, diff)
		}
	}
	o, _, err := bucket.New(bucket.NewClient(files.Config(), files.URL), buckettest.Bucket).Get(t.Context(), "public/assets/logo.svg")
	if err != nil || string(o.Body) != "<svg/>" || o.Type != "image/svg+xml" {
		t.Errorf("%+v, %v", o, err)
	}
}
