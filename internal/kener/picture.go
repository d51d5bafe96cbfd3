package kener

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"

	"tocsin/internal/assets"
)

// picture returns what takes the place of the address of a picture: of one that Kener serves
// itself, a path or an address below Kener's own, that of an asset with the same content. When
// the picture can't be taken its address is Kener's, and that is said.
func (i *importer) picture(ctx context.Context, address string, warn warnFunc, field string) string {
	at, own := strings.CutPrefix(address, i.c.base+"/")
	if at = "/" + at; !own {
		if at = address; !strings.HasPrefix(at, "/") || strings.HasPrefix(at, "//") || strings.HasPrefix(at, `/\`) {
			return address
		}
	}
	i.taking.Lock()
	defer i.taking.Unlock()
	if taken, done := i.pictures[at]; done {
		return taken
	}
	taken, err := i.takePicture(ctx, at)
	if err != nil {
		taken = i.c.base + at
		warn("its %s stays at %s: %v", field, taken, err)
	}
	i.pictures[at] = taken
	return taken
}

// takePicture makes an asset of the picture at a path of Kener's, and returns its address.
func (i *importer) takePicture(ctx context.Context, at string) (string, error) {
	if i.o.Files == nil {
		return "", errors.New("it is not known where pictures are here")
	}
	body, contentType, err := i.c.picture(ctx, at)
	if err != nil {
		return "", err
	}
	ext := assets.Extension(contentType)
	if ext == "" {
		return "", fmt.Errorf("its type is %q", contentType)
	}
	a, err := assets.New(assetName(at, ext), body)
	if err != nil {
		return "", err
	}
	found, err := assets.Look(ctx, i.o.Files, a)
	if err == nil && !found.Same {
		err = assets.Put(ctx, i.o.Files, a, found, i.now)
	}
	if err != nil {
		return "", err
	}
	i.note(func(r *Report) { r.Pictures++ })
	return a.Address, nil
}

// assetName is the name, among the assets, of a picture at a path of Kener's, which keeps what
// was uploaded below /assets/images/ without an extension, and earlier below /uploads/. A name
// that can't be kept as it is has a digest of the path, so that no two are the same.
func assetName(at, ext string) string {
	name := at
	for _, folder := range []string{"/assets/images/", "/uploads/", "/"} {
		if rest, ok := strings.CutPrefix(at, folder); ok {
			name = rest
			break
		}
	}
	safe := strings.TrimLeft(strings.Map(func(r rune) rune {
		if 'a' <= r|0x20 && r|0x20 <= 'z' || '0' <= r && r <= '9' || r == '.' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, name), ".")
	if old := path.Ext(safe); !assets.IsPicture(safe) || old != ext && !(old == ".jpeg" && ext == ".jpg") {
		safe += ext
	}
	if !strings.HasPrefix(safe, name) || len(safe) > 200 {
		sum := sha256.Sum256([]byte(at))
		safe = safe[max(0, len(safe)-100):]
		safe = hex.EncodeToString(sum[:4]) + "-" + safe
	}
	return "kener/" + safe
}

// picture reads the picture at a path, with its content type.
func (c *Client) picture(ctx context.Context, at string) (picture []byte, contentType string, err error) {
	u, err := url.Parse(at)
	if err != nil {
		return nil, "", errors.New("it is no address")
	}
	err = c.send(ctx, c.base+u.String(), func(resp *http.Response, body []byte) error {
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("it answers %s", resp.Status)
		}
		picture, contentType = body, resp.Header.Get("Content-Type")
		return nil
	})
	return picture, contentType, err
}
