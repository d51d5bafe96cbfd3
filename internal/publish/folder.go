package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// A Folder is a Port on this machine's disk. A file is there under its key, to be looked at,
// and beside these files, below state/, is what else is known of each. Processes may write to
// it at the same time, but not the same file.
type Folder struct {
	dir string
	mu  sync.RWMutex // a file and its state are two files that belong together
}

// folders are those of this process by their absolute paths: a writer and a reader of the same
// one have to share its lock.
var folders sync.Map

// OpenFolder returns the folder in dir, which is made by the first Put.
func OpenFolder(dir string) (*Folder, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("the folder of the pages: %w", err)
	}
	f, _ := folders.LoadOrStore(dir, &Folder{dir: dir})
	return f.(*Folder), nil
}

// stateJSON is what is known of a file beside its bytes. SHA256 says of which ones: when the
// process ended between the two, the file counts as none.
type stateJSON struct {
	Type   string `json:"type"`
	Status int    `json:"status"`
	State  string `json:"state"`
	Note   string `json:"note,omitempty"`
	Time   int64  `json:"time"`
	SHA256 string `json:"sha256"`
}

// Get implements Port. The ETag is the SHA-256 of the body.
func (f *Folder) Get(_ context.Context, key string) (Object, string, error) {
	file, state, err := f.paths(key)
	if err != nil {
		return Object{}, "", err
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	return read(file, state)
}

// Put implements Port.
func (f *Folder) Put(_ context.Context, key string, o Object, etag string) (string, error) {
	file, state, err := f.paths(key)
	if err != nil {
		return "", err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	_, found, err := read(file, state)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return "", err
	}
	if found != etag {
		return "", ErrChanged
	}
	next := digest(o.Body)
	known, err := json.Marshal(stateJSON{Type: o.Type, Status: o.Status, State: o.State, Note: o.Note, Time: o.Time, SHA256: next})
	if err != nil {
		return "", fmt.Errorf("writing %s: %w", key, err)
	}
	if err := replace(state, known); err != nil {
		return "", err
	}
	return next, replace(file, o.Body)
}

// paths returns where the file with the key is, and what is known of it.
func (f *Folder) paths(key string) (file, state string, err error) {
	if !safe(key) || strings.HasPrefix(key, "state/") || len(key) > maxKey {
		return "", "", fmt.Errorf("%q is no key of a file", key)
	}
	parts := strings.Split(key, "/")
	for i, part := range parts {
		parts[i] = short(part)
	}
	name := filepath.Join(parts...)
	return filepath.Join(f.dir, name), filepath.Join(f.dir, "state", name), nil
}

// short returns a name that every file system takes: they end at 255 bytes, and a tag alone may
// have 256. A longer one keeps its beginning and its extension.
func short(name string) string {
	const most, kept = 200, 120
	if len(name) <= most {
		return name
	}
	ext := filepath.Ext(name)
	if len(ext) > 10 {
		ext = ""
	}
	return name[:kept] + "~" + digest([]byte(name))[:32] + ext
}

func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

func read(file, state string) (Object, string, error) {
	text, err := os.ReadFile(state)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) { // as below a file
		return Object{}, "", ErrNotFound
	}
	if err != nil {
		return Object{}, "", err
	}
	var known stateJSON
	if json.Unmarshal(text, &known) != nil { // as after a loss of power: the file is made again
		return Object{}, "", ErrNotFound
	}
	body, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Object{}, "", err
	}
	if err != nil || digest(body) != known.SHA256 {
		return Object{}, "", ErrNotFound
	}
	return Object{Body: body, Type: known.Type, Status: known.Status, State: known.State, Note: known.Note, Time: known.Time}, known.SHA256, nil
}

// replace writes the file so that a reader sees the old one or the new one, never a part.
func replace(file string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	next, err := os.CreateTemp(filepath.Dir(file), ".next-*")
	if err != nil {
		return err
	}
	defer os.Remove(next.Name()) // which is there no more when all went well
	_, err = next.Write(content)
	if err := errors.Join(err, next.Close()); err != nil {
		return err
	}
	return os.Rename(next.Name(), file)
}
