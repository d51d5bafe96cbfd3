// Package publish puts the files of the public pages where they are read from, and keeps them
// as new as the records are.
package publish

import (
	"context"
	"errors"
)

// An Object is one file as it is kept.
type Object struct {
	Body   []byte
	Type   string // content type
	Status int    // that it is answered with: 200, 404 or 410
	State  string // digest of what a reader has to know at once
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
