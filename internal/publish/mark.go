package publish

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"tocsin/internal/page"
)

// markKey is that of the mark. It is no public address.
const markKey = "publisher.json"

// A mark is what publishers leave for one another: which files they put, and what is left to do.
// A publisher remembers what the files are like, and forgets those that another one put.
type mark struct {
	Serial int64 `json:"serial"` // of marks; no two are the same

	// Puts says which files were put, the newest last, since the mark with the serial Since.
	// Each was said before the first of its files was put. The lead files are not among them
	// when only their figures moved.
	Puts  []puts `json:"puts"`
	Since int64  `json:"since"`

	plan
	Done int64 `json:"done"` // UTC seconds of a pass before which all changes were told of; 0: there was none
}

// puts are the files that a publisher puts at a time.
type puts struct {
	Serial int64    `json:"serial"` // of the first mark that says so
	By     string   `json:"by"`
	Time   int64    `json:"time"` // UTC seconds
	Keys   []string `json:"keys"`
}

// A plan is what the pages are to become.
type plan struct {
	Look   string   `json:"look"`             // that all files have
	Sweep  *sweep   `json:"sweep,omitempty"`  // that gives them another one; nil: there is none
	First  int64    `json:"first"`            // no month before it has an incident; 0: not known
	Oldest int64    `json:"oldest,omitempty"` // the first month that has pages, also when nothing is left of it; 0: not known
	Rising bool     `json:"rising,omitempty"` // First may have none either, and nor may those after it
	Months []int64  `json:"months,omitempty"` // whose pages are to be made, the newest first
	Tags   []string `json:"tags,omitempty"`   // of the monitors that have files, sorted
	Pages  []string `json:"pages,omitempty"`  // paths of the pages, but for home, that have files, sorted

	// Prefixes are where the addresses of pages begin that have files, in each language; nil: those
	// of all languages.
	Prefixes []string `json:"prefixes,omitempty"`

	Walks []walk `json:"walks,omitempty"` // that are to be gone on with, by id
	Round *round `json:"round,omitempty"` // likewise; nil: there is none
}

// more reports whether there is work that takes several passes.
func (p plan) more() bool {
	return p.Sweep != nil || p.Rising || len(p.Months) > 0 || len(p.Walks) > 0 || p.Round != nil
}

const (
	// maxKeys is how many keys a mark has, and more only while they may be being put. A
	// publisher that was away while more were put forgets all.
	maxKeys = 1000

	// late is for how many seconds a publisher may put the files that it said it puts. Others
	// look at them anew in each Run until then.
	late = 2 * 60

	// doneEvery is how old the mark's Done may become, in seconds, before it is put for nothing
	// else.
	doneEvery = 60 * 60
)

// markState is what a Publisher knows of the mark.
type markState struct {
	mark
	read   bool
	etag   string // "": there is none
	looked bool   // in this Run
	put    bool   // files, in this Run
}

// readMark reads the mark and forgets what the files are like that other publishers have put
// since, or may be putting.
func (p *Publisher) readMark(ctx context.Context, now int64) error {
	o, etag, err := p.Port.Get(ctx, markKey)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("reading %s: %w", markKey, err)
	}
	var next mark
	if err == nil && json.Unmarshal(o.Body, &next) != nil {
		next = mark{} // as if there were none: everything is made again
	}
	m := &p.mark
	if !m.read || next.Serial < m.Serial || m.Serial < next.Since {
		p.forget()
	}
	for _, of := range next.Puts {
		if of.By != p.name() && (of.Serial > m.Serial || !m.looked && of.Time > now-late) {
			p.forgetKeys(of.Keys)
		}
	}
	m.mark, m.etag, m.read, m.looked = next, etag, true, true
	return nil
}

// forgetKeys forgets what the files with the keys are like.
func (p *Publisher) forgetKeys(keys []string) {
	for _, key := range keys {
		delete(p.known, key)
		if isLead(key) {
			p.last.lead = ""
		} else {
			p.last.others = ""
		}
	}
}

// learn learns of the lead files, and of those that another publisher has put, all at once. The
// lead files are looked at anew each time: the mark does not name them when only their figures
// moved, which is often.
func (p *Publisher) learn(ctx context.Context) error {
	lead, etags := keysOfPaths(page.LeadPaths(p.mark.Prefixes)), map[string]string{}
	for _, key := range lead {
		etags[key] = p.known[key].etag
		delete(p.known, key)
	}
	if err := p.know(ctx, append(p.putByOthers(), lead...)); err != nil && !errors.Is(err, errUnknown) {
		return err
	}
	for key, etag := range etags {
		if p.known[key].etag != etag {
			p.last.lead = ""
		}
	}
	return nil
}

// putByOthers are the keys of files that another publisher has put.
func (p *Publisher) putByOthers() (all []string) {
	if len(p.known) == 0 { // as of a new publisher, which learns of the files that it needs
		return nil
	}
	for _, of := range p.mark.Puts {
		if of.By != p.name() {
			all = append(all, of.Keys...)
		}
	}
	return all
}

// isLead reports whether the key is that of one of the lead files.
func isLead(key string) bool { return leadKeys[key] }

var leadKeys = setOf(keysOfPaths(append(page.LeadPaths(nil), page.Homes()...)))

// name is one that no other publisher has.
func (p *Publisher) name() string {
	if p.id == "" {
		p.id = rand.Text()
	}
	return p.id
}

// begin says, when files are about to be put, that the files with the keys are, and what is to be
// done beside.
func (p *Publisher) begin(ctx context.Context, next plan, keys []string, now int64) error {
	p.mark.put, p.last = true, lastPass{} // until the pass is complete
	if len(keys) == 0 {
		return nil
	}
	done := p.mark.Done
	if done == 0 { // what was changed before, the sweep makes
		done = now
	}
	return p.putMark(ctx, next, keys, done, now)
}

// end says what was done, if that has to be known.
func (p *Publisher) end(ctx context.Context, next plan, now int64) error {
	if old := p.mark.put && p.mark.Done <= now-doneEvery; !old && reflect.DeepEqual(p.mark.plan, next) {
		return nil
	}
	return p.putMark(ctx, next, nil, now, now)
}

// putMark puts the next mark. keys are those of files that are about to be put.
func (p *Publisher) putMark(ctx context.Context, to plan, keys []string, done, now int64) error {
	m := &p.mark
	next := mark{Serial: m.Serial + 1, Puts: m.Puts, Since: m.Since, plan: to, Done: done}
	if len(keys) > 0 {
		next.Puts = append(next.Puts[:len(next.Puts):len(next.Puts)], puts{next.Serial, p.name(), now, keys})
	}
	for next.keys() > maxKeys && next.Puts[0].Time <= now-late {
		next.Since, next.Puts = next.Puts[0].Serial, next.Puts[1:]
	}
	body, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("putting %s: %w", markKey, err)
	}
	etag, err := p.Port.Put(ctx, markKey, Object{Body: body, Type: "application/json", Status: 200, Time: now}, m.etag)
	if err != nil {
		return fmt.Errorf("putting %s: %w", markKey, err)
	}
	m.mark, m.etag = next, etag
	return nil
}

// keys is how many there are.
func (m mark) keys() int {
	n := 0
	for _, of := range m.Puts {
		n += len(of.Keys)
	}
	return n
}

// LastMark returns when a publisher last put its mark (UTC seconds), and whether it left work
// that takes several passes, such as making all files anew. ErrNotFound: there is no mark.
func LastMark(ctx context.Context, port Port) (put int64, more bool, err error) {
	o, _, err := port.Get(ctx, markKey)
	if err != nil {
		return 0, false, fmt.Errorf("reading %s: %w", markKey, err)
	}
	var m mark
	if err := json.Unmarshal(o.Body, &m); err != nil {
		return 0, false, fmt.Errorf("reading %s: %w", markKey, err)
	}
	return o.Time, m.more(), nil
}
