package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// markKey is that of the mark. It is no public address.
const markKey = "publisher.json"

// A mark is what a publisher leaves for the next one. It is put before the first file of a Run
// and after the last: as long as it is the same, and not busy, nobody has put a file, and what a
// publisher remembers of the files is true.
type mark struct {
	Serial int64  `json:"serial"` // of marks; no two are the same
	Look   string `json:"look"`   // that all files have
	Done   int64  `json:"done"`   // UTC seconds of the last pass that did all that it had to, or began as the first
	First  int64  `json:"first"`  // the first month that has an incident; 0: not known
	Busy   bool   `json:"busy"`   // files are being put, or the publisher ended meanwhile
}

// markState is what a Publisher knows of the mark.
type markState struct {
	mark
	etag  string // "": there is none
	begun bool   // it was put as busy by this Run
	left  bool   // files were put without a mark after the last one
}

// readMark reads the mark, and forgets what is known of the files if it may not be true.
func (p *Publisher) readMark(ctx context.Context) error {
	o, etag, err := p.Port.Get(ctx, markKey)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("reading %s: %w", markKey, err)
	}
	next := markState{etag: etag, left: p.mark.left || p.mark.begun}
	if err == nil && json.Unmarshal(o.Body, &next.mark) != nil {
		next.mark = mark{} // as if there were none: everything is made again
	}
	if etag != p.mark.etag || next.Busy {
		p.known = nil
	}
	p.mark = next
	return nil
}

// begin marks that files are being put.
func (p *Publisher) begin(ctx context.Context, now int64) error {
	if p.mark.begun {
		return nil
	}
	next := p.mark.mark
	next.Busy = true
	if next.Done == 0 {
		next.Done = now
	}
	err := p.putMark(ctx, next, now)
	p.mark.begun = err == nil
	return err
}

// end marks what was done. A pass that has put nothing need not be marked: whoever goes on
// from an older mark looks at the same changes again.
func (p *Publisher) end(ctx context.Context, next mark, now int64) error {
	same := next.Look == p.mark.Look && next.First == p.mark.First
	if same && !p.mark.begun && !p.mark.left {
		return nil
	}
	next.Busy, next.Done = false, max(next.Done, p.mark.Done)
	if err := p.putMark(ctx, next, now); err != nil {
		return err
	}
	p.mark.begun, p.mark.left = false, false
	return nil
}

func (p *Publisher) putMark(ctx context.Context, next mark, now int64) error {
	next.Serial = p.mark.Serial + 1
	body, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("putting %s: %w", markKey, err)
	}
	etag, err := p.Port.Put(ctx, markKey, Object{Body: body, Type: "application/json", Status: 200, Time: now}, p.mark.etag)
	if err != nil {
		return fmt.Errorf("putting %s: %w", markKey, err)
	}
	p.mark.mark, p.mark.etag = next, etag
	return nil
}
