package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
	"tocsin/internal/dynamotest"
	"tocsin/internal/statuspage"
)

// keyText is an API key as lists show it, made at the test's start. The last three
// are JSON.
func keyText(id int, name, scopes, expires, lastUsed, revoked string) string {
	return fmt.Sprintf(`{"id":%d,"name":%q,"scopes":%s,"created_at":"%s","expires_at":%s,"last_used_at":%s,"revoked_at":%s}`,
		id, name, scopes, testStartText, expires, lastUsed, revoked)
}

const (
	allScopes = `["incidents:read","incidents:write","monitors:read","monitors:write","status:write","admin"]`
	thisHour  = `"2026-01-15T10:00:00.000Z"`
)

// startWithKey is start with the test's key made at the test's start too.
func startWithKey(t *testing.T) (*apitest.Server, *clock) {
	t.Helper()
	s, clock := start(t)
	secret := statuspage.NewSecret()
	if _, err := s.Table.Store(nil).CreateAPIKey(t.Context(), secret, statuspage.NewAPIKey{Name: "admin", Scopes: []statuspage.Scope{statuspage.ScopeAdmin}}, testStart, nil); err != nil {
		t.Fatal(err)
	}
	s.Key = secret
	return s, clock
}

// newKey makes a key over HTTP and returns it and the answer without it.
func newKey(t *testing.T, s *apitest.Server, body string) (secret, rest string) {
	t.Helper()
	got := s.Do(http.MethodPost, "/api/v4/keys", body)
	if got.Status != http.StatusCreated {
		t.Fatalf("POST %s: %d %s", body, got.Status, got.Body)
	}
	var envelope struct {
		Key struct{ Key string } `json:"api_key"`
	}
	if err := json.Unmarshal([]byte(got.Body), &envelope); err != nil {
		t.Fatal(err)
	}
	if !statuspage.ValidSecret(envelope.Key.Key) {
		t.Fatalf("the key is %q", envelope.Key.Key)
	}
	return envelope.Key.Key, strings.Replace(got.Body, `,"key":"`+envelope.Key.Key+`"`, "", 1)
}

func TestKeysOverHTTP(t *testing.T) {
	s, clock := startWithKey(t)

	t.Log("a key is made, shown once, and works at once, for its scopes alone")
	reader, text := newKey(t, s, `{"name":" page <1> ","scopes":["monitors:read","incidents:read","monitors:read"],"expires_at":1768471290.9,"x":1}`)
	page := keyText(3, "page <1>", `["incidents:read","monitors:read"]`, "1768471290", "null", "null")
	if want := `{"api_key":` + page + `}`; text != want {
		t.Errorf("answer %s, want %s", text, want)
	}
	asReader := func(method, path, body string) apitest.Response {
		return s.DoWith(method, path, body, http.Header{"Authorization": {"Bearer " + reader}})
	}
	if got := asReader(http.MethodGet, "/api/v4/incidents", ""); got.Status != http.StatusOK {
		t.Errorf("GET with the new key: %d %s", got.Status, got.Body)
	}
	for _, r := range []attempt{
		{"", "GET", "/api/v4/keys", ``, 403, fail("FORBIDDEN", "API key lacks the scope 'admin'")},
		{"", "POST", "/api/v4/keys", `{`, 403, fail("FORBIDDEN", "API key lacks the scope 'admin'")},
		{"", "DELETE", "/api/v4/keys/x", ``, 403, fail("FORBIDDEN", "API key lacks the scope 'admin'")},
		{"", "PATCH", "/api/v4/keys/1", ``, 405, fail("METHOD_NOT_ALLOWED", "PATCH method not allowed")},
	} {
		if got := asReader(r.method, r.path, r.body); got.Status != r.status || got.Body != r.want {
			t.Errorf("%s %s with a key that may not: %d %s", r.method, r.path, got.Status, got.Body)
		}
	}

	t.Log("the list is the newest first, with the hour of the last use")
	list := func(keys ...string) {
		t.Helper()
		got := s.Do(http.MethodGet, "/api/v4/keys?limit=2", "")
		if want := `{"keys":[` + strings.Join(keys, ",") + `],"next_cursor":"`; got.Status != http.StatusOK || !strings.HasPrefix(got.Body, want) {
			t.Errorf("list %d %s, want %s", got.Status, got.Body, want)
		}
	}
	page = keyText(3, "page <1>", `["incidents:read","monitors:read"]`, "1768471290", thisHour, "null")
	admin := keyText(2, "admin", `["admin"]`, "null", thisHour, "null")
	list(page, admin)

	t.Log("a revoked key stays in the list and ends elsewhere within a minute, here at once")
	clock.seconds.Add(30)
	for range 2 {
		if got := s.Do(http.MethodDelete, "/api/v4/keys/3", ""); got.Status != http.StatusOK || got.Body != `{"message":"API key with id '3' revoked successfully"}` {
			t.Errorf("revoking: %d %s", got.Status, got.Body)
		}
		clock.seconds.Add(1)
	}
	list(strings.Replace(page, `"revoked_at":null`, `"revoked_at":"2026-01-15T10:01:00.000Z"`, 1), admin)
	if got := asReader(http.MethodGet, "/api/v4/nothing", ""); got.Status != http.StatusUnauthorized || got.Body != badKey.Body {
		t.Errorf("the revoked key at the function that revoked it: %d %s", got.Status, got.Body)
	}
	clock.seconds.Add(60)
	if got := asReader(http.MethodGet, "/api/v4/incidents", ""); got.Status != http.StatusUnauthorized || got.Body != badKey.Body {
		t.Errorf("the revoked key a minute later: %d %s", got.Status, got.Body)
	}

	t.Log("a key can revoke itself")
	if got := s.Do(http.MethodDelete, "/api/v4/keys/02", ""); got.Status != http.StatusOK {
		t.Errorf("revoking itself: %d %s", got.Status, got.Body)
	}
	if got := s.Do(http.MethodGet, "/api/v4/keys", ""); got.Status != http.StatusUnauthorized {
		t.Errorf("after that: %d %s", got.Status, got.Body)
	}
	if strings.Contains(s.Log.String(), "kener_") {
		t.Error("a key is in the log")
	}
}

func TestKeyRefusals(t *testing.T) {
	s, _ := startWithKey(t)
	const (
		noName = "Name is required and must be a non-empty string"
		scopes = "scopes must be a non-empty array"
		expiry = "expires_at must be a valid timestamp (UTC seconds)"
		oneOf  = ". Must be one of: incidents:read, incidents:write, monitors:read, monitors:write, status:write, pages:read, pages:write, integrations:read, integrations:write, admin"
	)
	s.Do(http.MethodGet, "/api/v4/keys", "") // notes the hour
	var rows []attempt
	for _, r := range [][2]string{
		{`[]`, "Invalid JSON body"},
		{`{}`, noName},
		{`{"name":5}`, noName},
		{`{"name":" \ufeff"}`, noName},
		{`{"name":"` + strings.Repeat("n", 256) + `"}`, "Name must be at most 255 characters"},
		{`{"name":"n"}`, scopes},
		{`{"name":"n","scopes":null}`, scopes},
		{`{"name":"n","scopes":"admin"}`, scopes},
		{`{"name":"n","scopes":{"0":"admin"}}`, scopes},
		{`{"name":"n","scopes":[]}`, scopes},
		{`{"name":"n","scopes":["admin","Admin"]}`, "Invalid scope 'Admin'" + oneOf},
		{`{"name":"n","scopes":[""]}`, "Invalid scope ''" + oneOf},
		{`{"name":"n","scopes":[5]}`, "Invalid scope '5'" + oneOf},
		{`{"name":"n","scopes":[null]}`, "Invalid scope 'null'" + oneOf},
		{`{"name":"n","scopes":[["admin"]]}`, `Invalid scope '["admin"]'` + oneOf},
		{`{"name":"n","scopes":["admin"],"expires_at":"2027-01-31"}`, expiry},
		{`{"name":"n","scopes":["admin"],"expires_at":""}`, expiry},
		{`{"name":"n","scopes":["admin"],"expires_at":false}`, expiry},
		{`{"name":"n","scopes":["admin"],"expires_at":-1}`, expiry},
		{`{"name":"n","scopes":["admin"],"expires_at":253402300800}`, expiry},
		{`{"name":"n","scopes":["admin"],"expires_at":0}`, "expires_at must be in the future"},
		{`{"name":"n","scopes":["admin"],"expires_at":` + fmt.Sprint(testStart) + `}`, "expires_at must be in the future"},
	} {
		rows = append(rows, attempt{r[0][:min(len(r[0]), 60)], "POST", "/api/v4/keys", r[0], 400, badRequest(r[1])})
	}
	rows = append(rows,
		attempt{"", "DELETE", "/api/v4/keys/abc", "", 400, badRequest("Key ID must be a valid integer")},
		attempt{"", "DELETE", "/api/v4/keys/99", "", 404, notFound("API key with id '99' not found")},
		attempt{"", "DELETE", "/api/v4/keys/-1", "", 404, notFound("API key with id '-1' not found")},
		attempt{"", "DELETE", "/api/v4/keys/99999999999999999999", "", 404, notFound("API key with id '100000000000000000000' not found")},
		attempt{"", "GET", "/api/v4/keys/1", "", 405, fail("METHOD_NOT_ALLOWED", "GET method not allowed")},
		attempt{"", "GET", "/api/v4/keys?limit=0", "", 400, badRequest("limit must be an integer between 1 and 1000")},
		attempt{"", "GET", "/api/v4/keys?cursor=bS4x", "", 400, badRequest("Invalid cursor")},
		attempt{"", "GET", "/api/v4/keys?cursor=ay4w", "", 400, badRequest("Invalid cursor")},
	)
	refusals(t, s, 0, rows)
}

// All keys are in the pages of a list, each once.
func TestPagesOfKeys(t *testing.T) {
	s, _ := startWithKey(t)
	const many = 25
	for n := range many {
		s.NewKey(statuspage.NewAPIKey{Name: fmt.Sprint(n), Scopes: statuspage.Scopes()})
	}
	for _, limit := range []int{1, 7, many + 2, 1000} {
		var ids []int
		for cursor := ""; ; {
			got := s.Do(http.MethodGet, fmt.Sprintf("/api/v4/keys?limit=%d&cursor=%s", limit, cursor), "")
			var list struct {
				Keys []struct{ ID int }
				Next string `json:"next_cursor"`
			}
			if err := json.Unmarshal([]byte(got.Body), &list); err != nil || got.Status != http.StatusOK || len(list.Keys) > limit {
				t.Fatalf("%d %s, %v", got.Status, got.Body, err)
			}
			for _, k := range list.Keys {
				ids = append(ids, k.ID)
			}
			if cursor = list.Next; cursor == "" {
				break
			}
		}
		var want []int
		for id := many + 2; id > 0; id-- {
			want = append(want, id)
		}
		if diff := cmp.Diff(want, ids); diff != "" {
			t.Errorf("limit %d (-want +got):\n%s", limit, diff)
		}
	}
}

// The hour of a key's last use is written once, whatever number of requests there
// are and of functions that serve them, and never by a request that asks nothing of
// the table. Whether it could be written is not the request's concern.
func TestLastUse(t *testing.T) {
	var mu sync.Mutex
	fault := dynamotest.None
	set := func(f dynamotest.Fault) {
		mu.Lock()
		defer mu.Unlock()
		fault = f
	}
	marks := 0
	writesKey := dynamotest.Writes("APIKEY#")
	client := &dynamotest.Client{Inject: func(operation string, body []byte) dynamotest.Fault {
		if !writesKey(operation, body) || !strings.Contains(string(body), "last_used") {
			return dynamotest.None
		}
		mu.Lock()
		defer mu.Unlock()
		marks++
		return fault
	}}
	clock := &clock{}
	clock.seconds.Store(testStart)
	s := apitest.New(t, apitest.Options{HTTPClient: client, Now: clock.now})
	lastUsed := func() string {
		t.Helper()
		k, err := s.Table.Store(nil).APIKeyByHash(t.Context(), statuspage.HashSecret(s.Key))
		if err != nil {
			t.Fatal(err)
		}
		if k.LastUsed == nil {
			return "never"
		}
		return fmt.Sprint(*k.LastUsed - testStart)
	}
	expect := func(what, want string, tries int) {
		t.Helper()
		if got := lastUsed(); got != want || marks != tries {
			t.Errorf("%s: used at %s after %d tries to write it, want %s after %d", what, got, marks, want, tries)
		}
	}
	for _, r := range []attempt{
		{method: "GET", path: "/api/v4/nothing", status: 404}, {method: "PUT", path: "/api/v4/incidents", status: 405},
		{method: "POST", path: "/api/v4/incidents", body: "{", status: 400}, {method: "GET", path: "/api/v4/incidents/x", status: 400},
	} {
		if got := s.Do(r.method, r.path, r.body); got.Status != r.status {
			t.Errorf("%s %s: %d %s", r.method, r.path, got.Status, got.Body)
		}
	}
	expect("after requests that ask nothing of the table", "never", 0)
	get := func() {
		t.Helper()
		for _, path := range []string{"/api/v4/incidents", "/api/v4/incidents", "/api/v4/monitors", "/api/v4/keys"} {
			if got := s.Do("GET", path, ""); got.Status != 200 {
				t.Errorf("GET %s: %d %s", path, got.Status, got.Body)
			}
		}
	}
	get()
	expect("in the first hour", "-30", 2) // the third function reads the key when its use is noted
	clock.seconds.Store(testStart + 59*60)
	get()
	expect("at its end", "-30", 2)
	clock.seconds.Store(testStart + 60*60)
	set(dynamotest.Conflict)
	before := marks
	get()
	if got := lastUsed(); got != "-30" || marks < before+3 {
		t.Errorf("in the second hour, refused: used at %s after %d more tries, want -30 after one of each function at least", got, marks-before)
	}
	before = marks
	clock.seconds.Add(60)
	set(dynamotest.Hang)
	get()
	expect("a minute later, without an answer", "-30", before+3)
	clock.seconds.Add(60)
	set(dynamotest.None)
	get()
	if got := lastUsed(); got != "3570" {
		t.Errorf("at last: used at %s", got)
	}
}
