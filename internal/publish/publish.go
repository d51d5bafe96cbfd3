// Package publish puts the files of the public pages where they are read from, and keeps them
// as new as the records are.
package publish

import (
	"context"
	"errors"
	"net/http"
	"path"
	"strings"
)

// An Object is one file as it is kept.
type Object struct {
	Body   []byte
	Type   string // content type
	Status int    // that it is answered with: 200, 404 or 410
	State  string // digest of what a reader has to know at once
	Note   string // what the writer wants to know when it writes the next one
	Time   int64  // UTC seconds when it was put
}

// ErrChanged says that a file is not, or no longer, the one that the writer knows.
var ErrChanged = errors.New("the file was changed by another writer")

// ErrNotFound says that there is no such file.
var ErrNotFound = errors.New("there is no such file")

// A Port is where the files are: a folder or an S3 bucket.
type Port interface {
	// Get returns the file with the key and its ETag, or ErrNotFound.
	Get(ctx context.Context, key string) (Object, string, error)

	// Put writes the file if the one that is there has the ETag; "": if there is none. Else it
	// returns ErrChanged. It returns the new ETag.
	Put(ctx context.Context, key string, o Object, etag string) (string, error)
}

// How long an answer may be kept. A page is kept for some seconds, and for a week when nobody
// answers: it stays up when this service does not. A picture of the operator's is kept for a day, then
// asked about by its ETag.
const (
	cacheAsset   = "public, max-age=86400, stale-if-error=604800"
	cachePage    = "public, max-age=5, s-maxage=10, stale-while-revalidate=30, stale-if-error=604800"
	cacheMissing = "public, max-age=5, s-maxage=10"
)

// CacheControl says for an answer with the status how long it may be kept. key is that of the
// file, "" when there is none.
func CacheControl(key string, status int) string {
	switch {
	case status != http.StatusOK:
		return cacheMissing
	case strings.HasPrefix(key, Assets):
		return cacheAsset
	}
	return cachePage
}

// Public is where the keys of the files begin that the public may read, Assets where those of
// the operator's own pictures do, which no publisher makes.
const (
	Public = "public/"
	Assets = Public + "assets/"
)

// maxKey is how many bytes a key may have, S3's limit.
const maxKey = 1024

// Key returns the key of the file that a public address answers with, a decoded path such as
// /monitors/api: public/monitors/api.html. It is false for a path that no file can have. Such
// a path may be anything that a client sends; a key is safe in a file's name.
func Key(address string) (key string, ok bool) {
	rest, ok := strings.CutPrefix(address, "/")
	if !ok || len(address) > maxKey/2 {
		return "", false
	}
	folder := rest == "" || strings.HasSuffix(rest, "/")
	if !safe(strings.TrimSuffix(rest, "/")) && rest != "" {
		return "", false
	}
	switch {
	case folder:
		rest += "index.html"
	case path.Ext(rest) != "":
	case isBadge(rest):
		rest += ".svg"
	default:
		rest += ".html"
	}
	return Public + rest, true
}

// isBadge reports whether the address, without its first slash, is that of a badge: of the home
// page or of another one, team/badge/_/status.
func isBadge(rest string) bool {
	first, below, _ := strings.Cut(rest, "/")
	return first == "badge" && below != "" || strings.HasPrefix(below, "badge/")
}

// safe reports whether no part of the name between slashes is empty, begins with a dot, or has
// more than letters and digits of ASCII, dots, hyphens and underscores.
func safe(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part[0] == '.' {
			return false
		}
		for i := range len(part) {
			c := part[i]
			letter := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
			if !letter && c != '.' && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}
