package apihooks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/internal/apihooks"
	"tocsin/internal/delivery"
	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// secret is the token that every integration of fakeStore takes.
const secret = "7f3a0c9be1d24658a0b1c2d3e4f50617"

// fakeStore has one integration and takes whatever comes.
type fakeStore struct {
	apihooks.PreviewStore
	web.Store
	kind statuspage.IntegrationKind

	mu         sync.Mutex
	deliveries []statuspage.Delivery
	errors     []string
}

func (s *fakeStore) IntegrationByToken(_ context.Context, hash string, _ int64) (statuspage.Integration, error) {
	if hash != statuspage.HashSecret(secret) {
		return statuspage.Integration{}, statuspage.ErrNoIntegrationToken
	}
	return statuspage.Integration{ID: 2, Kind: s.kind, Active: true, Tokens: []statuspage.IntegrationToken{{Hash: hash}}, Options: `{"fields":{"dedup_key":"id","status":"state"}}`}, nil
}

func (s *fakeStore) TakeSignals(_ context.Context, _ statuspage.Integration, signals []statuspage.Signal, _ int64, _ func(statuspage.Taken)) (statuspage.Taken, error) {
	for _, signal := range signals {
		if signal.Key == "" || len(signal.Key) > 300 {
			return statuspage.Taken{}, fmt.Errorf("a signal has the key %q", signal.Key)
		}
		signal.Guesses = nil // which are not kept
		if strings.Contains(fmt.Sprintf("%+v", signal), secret) {
			return statuspage.Taken{}, fmt.Errorf("a signal has the token: %+v", signal)
		}
	}
	return statuspage.Taken{Received: len(signals), Opened: len(signals)}, nil
}

func (s *fakeStore) RecordDelivery(_ context.Context, d statuspage.Delivery) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deliveries = append(s.deliveries, d)
	return nil
}

func (s *fakeStore) NoteIntegrationSeen(_ context.Context, _ statuspage.Integration, _ int64, lastError *string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if lastError != nil {
		s.errors = append(s.errors, *lastError)
	}
	return nil
}

func (s *fakeStore) Ping(context.Context, statuspage.Integration, statuspage.Ping) error { return nil }

func (s *fakeStore) PingMonitor(context.Context, string, string, int64) error {
	return statuspage.ErrNoPingedMonitor
}

func (s *fakeStore) PinTopic(context.Context, int64, string, int64) error { return nil }

// FuzzHooks sends anything to the routes: the answer is never a failure, a redirect or a 429, and is
// the one that the delivery notes. No token is in an answer or in what is kept.
func FuzzHooks(f *testing.F) {
	kinds := statuspage.IntegrationKinds()
	files, err := filepath.Glob("../inbound/testdata/*/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		kind := slices.Index(kinds, statuspage.IntegrationKind(filepath.Base(filepath.Dir(file))))
		f.Add("POST", "/hooks/"+secret, "", string(body), uint8(max(kind, 0)))
	}
	event := `{"routing_key":"` + secret + `","event_action":"trigger","dedup_key":"` + secret + `","payload":{"summary":"` + secret + `","source":"s","severity":"error"}}`
	for n, path := range []string{"/v2/enqueue", "/v2/change/enqueue", "/hooks", "/hooks/" + secret + "/", "/generic/2010-04-15/create_event.json"} {
		f.Add("POST", path, "", event, uint8(n))
	}
	said := `{"dedup_key":"` + secret + `","status":"firing","title":"` + secret + `","message":"curl /hooks/` + secret + `","link":"https://e/` + secret + `","severity":"` + secret + `","monitors":["` + secret + `"],"labels":{"` + secret + `":"` + secret + `"}}`
	f.Add("POST", "/hooks/"+secret, "", said, uint8(slices.Index(kinds, statuspage.KindGeneric)))
	f.Add("POST", "/v2/alerts", "GenieKey "+secret, `{"message":"m"}`, uint8(1))
	f.Add("PUT", "/v2/alerts/a//b/../message", "GenieKey "+secret, `{"message":"m"}`, uint8(1))
	f.Add("POST", "/v2/alerts/a/close", "Basic OjdmM2EwYzliZTFkMjQ2NThhMGIxYzJkM2U0ZjUwNjE3", ``, uint8(1))
	f.Add("GET", "/ping/"+secret+"/17", "", "", uint8(len(kinds)-1))
	f.Add("GET", "/ext/heartbeat/tag:"+secret, "", "", uint8(len(kinds)-1))
	f.Add("GET", "/hooks?token="+secret+"&monitorID=1&alertType=1", "", "", uint8(10))
	f.Fuzz(func(t *testing.T, method, target, authorization, body string, kind uint8) {
		u, err := url.Parse(target)
		if err != nil || u.Host != "" || !strings.HasPrefix(u.Path, "/") {
			return
		}
		store := &fakeStore{kind: kinds[int(kind)%len(kinds)]}
		server := web.New(web.Inbound, web.Config{Store: store, Now: func() time.Time { return time.Unix(now, 0) }},
			apihooks.Routes(store, delivery.Receiver{Store: store, Log: slog.New(slog.DiscardHandler)}, &sns{}))
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Method, r.URL = method, u
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		if w.Code >= 500 || w.Code == 429 || w.Code/100 == 3 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if text := w.Body.String(); strings.Contains(text, secret) && !strings.Contains(body, secret) && !strings.Contains(target, secret) {
			t.Errorf("the answer has the token: %s", text)
		}
		if w.Body.Len() > 0 && !json.Valid(w.Body.Bytes()) && !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
			t.Errorf("the answer is no JSON: %s", w.Body)
		}
		for _, d := range store.deliveries {
			if d.Outcome.Status != w.Code {
				t.Errorf("answered %d, noted %d", w.Code, d.Outcome.Status)
			}
			if strings.Contains(d.Body+d.Reason+strings.Join(store.errors, ""), secret) {
				t.Errorf("the token is kept: %+v, %q", d, store.errors)
			}
		}
	})
}
