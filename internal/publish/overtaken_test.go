package publish_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/opt"
	"tocsin/internal/publish"
	"tocsin/internal/statuspage"
)

// heldUp is a Port one of whose calls, counted from 0, is held up until what is done meanwhile
// is done.
type heldUp struct {
	publish.Port
	mu        sync.Mutex
	calls, at int
	meanwhile func()
}

func (h *heldUp) count() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.calls == h.at {
		h.meanwhile()
	}
	h.calls++
}

func (h *heldUp) Get(ctx context.Context, key string) (publish.Object, string, error) {
	h.count()
	return h.Port.Get(ctx, key)
}

func (h *heldUp) Put(ctx context.Context, key string, o publish.Object, etag string) (string, error) {
	h.count()
	return h.Port.Put(ctx, key, o, etag)
}

// Wherever a publisher is held up, while something is changed and another publisher tells of
// it: the files stay at what is newer.
func TestOvertaken(t *testing.T) {
	for name, step := range map[string]int{"with memory": 3, "without memory": 10} {
		t.Run(name, func(t *testing.T) {
			remembers := name == "with memory"
			store, now := dynamotest.NewTable(t).Store(nil), start()
			monitorNamed(t, store, "api", now)
			port := openFolder(t)
			id := incidentOn(t, store, "Version 0.", now, now, "api")
			other := &publish.Publisher{Store: store, Config: config, Port: port}
			run(t, other, now)
			version := 0
			change := func() {
				version++
				retitle(t, store, id, fmt.Sprintf("Version %d.", version), now)
			}
			held := &publish.Publisher{Store: store, Config: config}
			for call, over := 0, false; !over; call += step {
				if !remembers {
					held = &publish.Publisher{Store: store, Config: config}
				}
				change()
				p := &heldUp{Port: port, at: call, meanwhile: func() { change(); run(t, other, now) }}
				held.Port = p
				run(t, held, now)
				over = p.calls <= call
				want := fmt.Sprintf("Version %d.", version)
				for _, address := range []string{"/", "/de/", fmt.Sprintf("/incidents/%d", id), "/monitors/api", "/api/v2/summary.json", "/rss.xml", "/history"} {
					if o := at(t, port, address); !strings.Contains(string(o.Body), want) {
						t.Fatalf("held up before call %d: %s does not say %s", call, address, want)
					}
				}
			}
		})
	}
}

func retitle(t *testing.T, store *dynamo.Store, id int64, title string, now int64) {
	t.Helper()
	if _, err := store.UpdateIncident(t.Context(), id, statuspage.IncidentPatch{Title: opt.Value(title)}, now, nil); err != nil {
		t.Fatal(err)
	}
}

// A change is taken back, and a put that tells of it is done after that, when its publisher is
// gone: the file still has the ETag that the put asks for. Other publishers mend it a minute
// later.
func TestTakenBack(t *testing.T) {
	for _, address := range []string{"/incidents/1", "/", "/de/", "/api/v2/summary.json", "/monitors/api", "/rss.xml", "/history"} {
		t.Run(address, func(t *testing.T) {
			store, now := dynamotest.NewTable(t).Store(nil), start()
			monitorNamed(t, store, "api", now)
			port := openFolder(t)
			id := incidentOn(t, store, "First", now, now, "api")
			other := &publish.Publisher{Store: store, Config: config, Port: port}
			run(t, other, now)
			key, _ := publish.Key(address)
			late := &latePut{Port: port, key: key}
			retitle(t, store, id, "Second", now)
			if _, err := (&publish.Publisher{Store: store, Config: config, Port: late}).Run(t.Context(), now); !errors.Is(err, errEnded) {
				t.Fatal(err)
			}
			retitle(t, store, id, "First", now)
			run(t, other, now)
			if err := late.put(); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(at(t, port, address).Body), "Second") {
				t.Fatal("this tests nothing")
			}
			run(t, other, now+minute)
			if strings.Contains(string(at(t, port, address).Body), "Second") {
				t.Errorf("it tells of what was taken back")
			}
		})
	}
}

// A put of a publisher whose run began before an incident did is done when another one has told
// that it has begun.
func TestBegunMeanwhile(t *testing.T) {
	store, now := dynamotest.NewTable(t).Store(nil), start()
	port := openFolder(t)
	id := incidentOn(t, store, "Planned", now+minute, now)
	other := &publish.Publisher{Store: store, Config: config, Port: port}
	run(t, other, now+minute)
	address := fmt.Sprintf("/de/incidents/%d", id)
	begun := at(t, port, address).Body
	key, _ := publish.Key(address)
	late := &latePut{Port: port, key: key}
	if _, err := (&publish.Publisher{Store: store, Config: config, Port: late}).Run(t.Context(), now); !errors.Is(err, errEnded) {
		t.Fatal(err)
	}
	run(t, other, now+minute)
	if err := late.put(); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(at(t, port, address).Body, begun) {
		t.Fatal("this tests nothing")
	}
	run(t, other, now+minute)
	if body := at(t, port, address).Body; !bytes.Equal(body, begun) {
		t.Errorf("it still says that it is to come: %s", body)
	}
}

// latePut is a Port whose user ends when it puts a certain file, which is put later.
type latePut struct {
	publish.Port
	key string
	put func() error
}

func (l *latePut) Put(ctx context.Context, key string, o publish.Object, etag string) (string, error) {
	if key != l.key {
		return l.Port.Put(ctx, key, o, etag)
	}
	l.put = func() error {
		_, err := l.Port.Put(context.WithoutCancel(ctx), key, o, etag)
		return err
	}
	return "", errEnded
}

// A monitor goes down and comes back, of which no change tells. Publishers take turns: each
// remembers the pages as they were before the other one's pass.
func TestTakingTurns(t *testing.T) {
	store, now := dynamotest.NewTable(t).Store(nil), statuspage.FloorHour(start())
	monitorNamed(t, store, "api", now-hour)
	port := openFolder(t)
	one := &publish.Publisher{Store: store, Config: config, Port: port}
	two := &publish.Publisher{Store: store, Config: config, Port: port}
	for n, by := range []*publish.Publisher{one, two, one, two, two, one, one, two} {
		now += minute
		point, says := statuspage.Point{Time: now, Status: statuspage.StatusUp, Source: statuspage.SourceAPI}, "Operational"
		if n%2 == 1 {
			point.Status, says = statuspage.StatusDown, "Down"
		}
		if err := store.RecordPoint(t.Context(), "api", point, now); err != nil {
			t.Fatal(err)
		}
		run(t, by, now)
		for _, address := range []string{"/status.txt", "/badge/api/status", "/monitors/api"} {
			if !strings.Contains(string(at(t, port, address).Body), says) {
				t.Errorf("%d: %s does not say %s", n, address, says)
			}
		}
	}
}
