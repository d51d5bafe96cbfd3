package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// markKey is that of the mark. It is no public address.
const markKey = "publisher.json"

// A mark is what a publisher leaves for the next one.
type mark struct {
	Look  string `json:"look"`  // that all files have
	Done  int64  `json:"done"`  // UTC seconds of the last pass that put something, and all that it had to
	First int64  `json:"first"` // the first month that has an incident; 0: not known
}

// markState is what a Publisher knows of the mark.
type markState struct {
	mark
	kept mark   // as it was read or put
	etag string // "": there is none
	read bool
}

func (p *Publisher) readMark(ctx context.Context) error {
	if p.mark.read {
		return nil
	}
	o, etag, err := p.Port.Get(ctx, markKey)
	if errors.Is(err, ErrNotFound) {
		p.mark = markState{read: true}
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", markKey, err)
	}
	p.mark = markState{etag: etag, read: true}
	if err := json.Unmarshal(o.Body, &p.mark.mark); err != nil {
		p.mark.mark = mark{} // as if there were none: everything is made again
	}
	p.mark.kept = p.mark.mark
	return nil
}

// putMark notes a complete pass. One that put nothing need not be noted: whoever goes on from
// an older mark looks at the same changes again.
func (p *Publisher) putMark(ctx context.Context, now int64) error {
	if !p.wrote && p.mark.mark == p.mark.kept {
		return nil
	}
	p.mark.Done = now
	body, err := json.Marshal(p.mark.mark)
	if err != nil {
		return fmt.Errorf("putting %s: %w", markKey, err)
	}
	etag, err := p.Port.Put(ctx, markKey, Object{Body: body, Type: "application/json", Status: 200, Time: now}, p.mark.etag)
	if errors.Is(err, ErrChanged) {
		p.mark.read = false // another publisher's, which will do
		return nil
	}
	if err != nil {
		return fmt.Errorf("putting %s: %w", markKey, err)
	}
	p.mark.etag, p.mark.kept, p.wrote = etag, p.mark.mark, false
	return nil
}
