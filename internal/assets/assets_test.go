package assets_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/assets"
	"tocsin/internal/publish"
)

// pictures are the beginnings of files, by extension.
var pictures = map[string]string{
	".png": "\x89PNG\r\n\x1a\n", ".jpg": "\xff\xd8\xff\xe0", ".jpeg": "\xff\xd8\xff\xe0", ".gif": "GIF89a", ".webp": "RIFF\x00\x00\x00\x00WEBPVP8 ",
	".svg": "<?xml version=\"1.0\"?>\n<!-- a logo -->\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>", ".ico": "\x00\x00\x01\x00", ".avif": "\x00\x00\x00\x20ftypavif\x00",
}

func TestNew(t *testing.T) {
	for ext, body := range pictures {
		for _, name := range []string{"logo" + ext, "team/a/Logo_2-x.y" + strings.ToUpper(ext)} {
			a, err := assets.New(name, []byte(body))
			if err != nil || a.Address != "/assets/"+name || assets.Extension(a.Type) != strings.Replace(ext, "jpeg", "jpg", 1) {
				t.Errorf("%s: %+v, %v", name, a, err)
			}
		}
	}
	const png = "\x89PNG\r\n\x1a\n"
	for _, tt := range []struct{ name, body, want string }{
		{"logo", png, "it is none of png, jpg, gif, webp, svg, ico and avif"},
		{"logo.html", "<svg/>", "it is none of png, jpg, gif, webp, svg, ico and avif"},
		{"logo.png", "", "what is in it is no image/png"},
		{"logo.png", "GIF89a", "what is in it is no image/png"},
		{"logo.png", "<svg/>", "what is in it is no image/png"},
		{"logo.svg", "<html><svg/></html>", "what is in it is no image/svg+xml"},
		{"logo.svg", png, "what is in it is no image/svg+xml"},
		{"logo.avif", "\x00\x00\x00\x20ftypheic\x00", "what is in it is no image/avif"},
		{"logo.png", png + strings.Repeat("a", 1<<20), "it has 1048584 bytes, and an asset may have 1048576"},
		{"my logo.png", png, "its name may have letters and digits of ASCII, dots, hyphens and underscores, and must not begin with a dot or be long"},
		{"../logo.png", png, "its name may have letters and digits of ASCII, dots, hyphens and underscores, and must not begin with a dot or be long"},
		{"a//logo.png", png, "its name may have letters and digits of ASCII, dots, hyphens and underscores, and must not begin with a dot or be long"},
		{"é.png", png, "its name may have letters and digits of ASCII, dots, hyphens and underscores, and must not begin with a dot or be long"},
		{strings.Repeat("a", 512) + ".png", png, "its name may have letters and digits of ASCII, dots, hyphens and underscores, and must not begin with a dot or be long"},
	} {
		if _, err := assets.New(tt.name, []byte(tt.body)); fmt.Sprint(err) != tt.want {
			t.Errorf("%.50s, %.20q: %v, want %s", tt.name, tt.body, err, tt.want)
		}
	}
}

func TestExtension(t *testing.T) {
	for contentType, want := range map[string]string{
		"image/png": ".png", "Image/JPEG; q=1": ".jpg", "image/jpg": ".jpg", "image/vnd.microsoft.icon": ".ico", "image/svg+xml;charset=utf-8": ".svg", "text/html": "", "image/tiff": "", "": "",
	} {
		if got := assets.Extension(contentType); got != want {
			t.Errorf("%s: %q, want %q", contentType, got, want)
		}
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	write := func(name, body string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func() (all []string) {
		t.Helper()
		found, err := assets.Read(dir, func(file string) { all = append(all, "skipped "+strings.TrimPrefix(file, dir)) })
		for _, a := range found {
			all = append(all, fmt.Sprint(a.Address, " ", a.Type, " ", len(a.Body)))
		}
		if err != nil {
			all = append(all, "error: "+strings.ReplaceAll(err.Error(), dir, ""))
		}
		return all
	}
	want := func(want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, read()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	want()
	write("logo.png", pictures[".png"])
	write("team/Photo.JPG", pictures[".jpg"])
	write(".DS_Store", "x")
	write(".git/logo.png", "x")
	write("README.md", "x")
	want("skipped /README.md", "/assets/logo.png image/png 8", "/assets/team/Photo.JPG image/jpeg 4")
	if err := os.Symlink(filepath.Join(dir, "logo.png"), filepath.Join(dir, "link.png")); err != nil {
		t.Fatal(err)
	}
	want("skipped /README.md", "error: /link.png: it is no file: put a copy there")
	if err := os.Remove(filepath.Join(dir, "link.png")); err != nil {
		t.Fatal(err)
	}
	write("a.png", "GIF89a")
	want("skipped /README.md", "error: /a.png: what is in it is no image/png")
	if found, err := assets.Read(filepath.Join(dir, "nothing"), nil); err != nil || found != nil {
		t.Errorf("%v, %v", found, err)
	}
}

// An asset is put where a reader's address finds it, and is the same afterwards.
func TestPut(t *testing.T) {
	files, err := publish.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(pictures[".png"])
	a, err := assets.New("team/logo.png", body)
	if err != nil {
		t.Fatal(err)
	}
	look := func(a assets.Asset, size int, same bool) assets.State {
		t.Helper()
		found, err := assets.Look(t.Context(), files, a)
		if err != nil || found.Size != size || found.Same != same {
			t.Fatalf("%+v, %v, want %d %t", found, err, size, same)
		}
		return found
	}
	exists := func(address string, want bool) {
		t.Helper()
		if got, err := assets.Exists(t.Context(), files, address); got != want || err != nil {
			t.Errorf("%s: %t, %v", address, got, err)
		}
	}
	nothing := look(a, -1, false)
	exists(a.Address, false)
	exists("/assets/../x", false)
	if err := assets.Put(t.Context(), files, a, nothing, 7); err != nil {
		t.Fatal(err)
	}
	exists(a.Address, true)
	look(a, 8, true)
	if o, _, err := files.Get(t.Context(), "public/assets/team/logo.png"); err != nil || !bytes.Equal(o.Body, body) || o.Type != "image/png" || o.Status != 200 || o.Time != 7 {
		t.Errorf("%+v, %v", o, err)
	}
	if err := assets.Put(t.Context(), files, a, nothing, 8); fmt.Sprint(err) != "putting /assets/team/logo.png: the file was changed by another writer" {
		t.Error(err)
	}
	other, err := assets.New("team/logo.png", append(body, 'x'))
	if err != nil {
		t.Fatal(err)
	}
	if err := assets.Put(t.Context(), files, other, look(other, 8, false), 9); err != nil {
		t.Fatal(err)
	}
	look(other, 9, true)
}
