// Package assets puts an operator's own pictures, such as a logo, among the files of the public
// pages, where they have addresses below /assets/.
package assets

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"

	"tocsin/internal/publish"
)

// Prefix is where the addresses begin.
const Prefix = "/assets/"

// MaxSize is how many bytes an asset may have. An answer of a function ends at 6 MB.
const MaxSize = 1 << 20

// types are the content types by extension: pictures that no browser runs anything of, an SVG
// only because of the headers that it is sent with.
var types = map[string]string{
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp",
	".svg": "image/svg+xml", ".ico": "image/x-icon", ".avif": "image/avif",
}

// Extension is that of a content type, such as .png, or "" for a type that no asset has.
func Extension(contentType string) string {
	contentType, _, _ = strings.Cut(strings.ToLower(contentType), ";")
	switch contentType = strings.TrimSpace(contentType); contentType {
	case "image/jpeg", "image/jpg":
		return ".jpg"
	case "image/vnd.microsoft.icon":
		return ".ico"
	}
	for ext, t := range types {
		if t == contentType {
			return ext
		}
	}
	return ""
}

// IsPicture reports whether a file of the name is one of those that can be assets.
func IsPicture(name string) bool { return types[strings.ToLower(path.Ext(name))] != "" }

// An Asset is a picture with its address.
type Asset struct {
	Address string // /assets/logo.png
	Type    string // content type
	Body    []byte
}

// New returns the asset with the name, such as team/logo.png. The error says why it can't be one.
func New(name string, body []byte) (Asset, error) {
	a := Asset{Address: Prefix + name, Type: types[strings.ToLower(path.Ext(name))], Body: body}
	switch {
	case a.Type == "":
		return a, errors.New("it is none of png, jpg, gif, webp, svg, ico and avif")
	case len(body) > MaxSize:
		return a, fmt.Errorf("it has %d bytes, and an asset may have %d", len(body), MaxSize)
	case typeOf(body) != a.Type:
		return a, fmt.Errorf("what is in it is no %s", a.Type)
	}
	if key, ok := publish.Key(a.Address); !ok || !strings.HasPrefix(key, publish.Assets) {
		return a, errors.New("its name may have letters and digits of ASCII, dots, hyphens and underscores, and must not begin with a dot or be long")
	}
	return a, nil
}

// typeOf is the content type of a picture by what is in it, "" for none that an asset has.
func typeOf(body []byte) string {
	if len(body) >= 12 && string(body[4:8]) == "ftyp" && (string(body[8:12]) == "avif" || string(body[8:12]) == "avis") {
		return types[".avif"]
	}
	if found := http.DetectContentType(body); Extension(found) != "" {
		return types[Extension(found)]
	}
	decoder := xml.NewDecoder(bytes.NewReader(body))
	for {
		token, err := decoder.Token()
		if err != nil {
			return ""
		}
		if element, ok := token.(xml.StartElement); ok {
			if element.Name.Local == "svg" {
				return types[".svg"]
			}
			return ""
		}
	}
}

// Read returns the pictures in a folder and in those below it, by name; a folder that is not
// there has none. What begins with a dot is passed over, and so is what is no picture by its name:
// skip is told of that one. The error names a file that can't be an asset.
func Read(dir string, skip func(file string)) ([]Asset, error) {
	var all []Asset
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && file == dir && errors.Is(err, fs.ErrNotExist):
			return fs.SkipAll
		case err != nil:
			return err
		case file != dir && strings.HasPrefix(d.Name(), ".") && d.IsDir():
			return fs.SkipDir
		case d.IsDir() || strings.HasPrefix(d.Name(), "."):
			return nil
		case !d.Type().IsRegular():
			return fmt.Errorf("%s: it is no file: put a copy there", file)
		case !IsPicture(file):
			skip(file)
			return nil
		}
		name, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		body, err := read(file)
		if err != nil {
			return err
		}
		a, err := New(filepath.ToSlash(name), body)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, a)
		return nil
	})
	return all, err
}

// read reads a file, of a large one only so much that its size shows.
func read(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, MaxSize+1))
}

// A State is what is at an asset's address.
type State struct {
	Size int    // bytes of the file that is there, -1 for none
	Same bool   // it is the asset
	etag string // of the file that is there
}

// Look returns what is at the asset's address.
func Look(ctx context.Context, files publish.Port, a Asset) (State, error) {
	o, etag, err := files.Get(ctx, key(a.Address))
	if errors.Is(err, publish.ErrNotFound) {
		return State{Size: -1}, nil
	}
	if err != nil {
		return State{}, fmt.Errorf("reading %s: %w", a.Address, err)
	}
	return State{Size: len(o.Body), Same: o.Type == a.Type && bytes.Equal(o.Body, a.Body), etag: etag}, nil
}

// Exists reports whether there is a file at an address below /assets/.
func Exists(ctx context.Context, files publish.Port, address string) (bool, error) {
	key, ok := publish.Key(address)
	if !ok {
		return false, nil
	}
	_, _, err := files.Get(ctx, key)
	if errors.Is(err, publish.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Put puts the asset in place of what Look has found, at now (UTC seconds). It returns
// publish.ErrChanged when another writer came between.
func Put(ctx context.Context, files publish.Port, a Asset, found State, now int64) error {
	_, err := files.Put(ctx, key(a.Address), publish.Object{Body: a.Body, Type: a.Type, Status: http.StatusOK, Time: now}, found.etag)
	if err != nil {
		return fmt.Errorf("putting %s: %w", a.Address, err)
	}
	return nil
}

// key is that of an asset, whose address New has checked.
func key(address string) string {
	key, _ := publish.Key(address)
	return key
}
