package api_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
	"tocsin/internal/statuspage"
)

var (
	noKey      = answer{401, fail("UNAUTHORIZED", "Missing or invalid authorization header")}
	badKey     = answer{401, fail("UNAUTHORIZED", "Invalid API key")}
	expiredKey = answer{401, fail("UNAUTHORIZED", "API key has expired")}
	emptyList  = answer{200, `{"incidents":[]}`}
)

func TestAuthorizationHeader(t *testing.T) {
	s, _ := start(t)
	unknown := statuspage.NewSecret()
	for _, tt := range []struct {
		name   string
		header http.Header
		want   answer
	}{
		{"as documented", http.Header{"Authorization": {"Bearer " + s.Key}}, emptyList},
		{"scheme in lower case", http.Header{"Authorization": {"bearer " + s.Key}}, emptyList},
		{"scheme in upper case", http.Header{"Authorization": {"BEARER " + s.Key}}, emptyList},
		{"scheme in mixed case", http.Header{"Authorization": {"bEaReR " + s.Key}}, emptyList},
		{"absent", nil, noKey},
		{"empty", http.Header{"Authorization": {""}}, noKey},
		{"scheme alone", http.Header{"Authorization": {"Bearer"}}, noKey},
		{"key alone", http.Header{"Authorization": {s.Key}}, noKey},
		{"other scheme", http.Header{"Authorization": {"Basic " + s.Key}}, noKey},
		{"longer scheme", http.Header{"Authorization": {"Bearers " + s.Key}}, noKey},
		{"scheme with a colon", http.Header{"Authorization": {"Bearer: " + s.Key}}, noKey},
		{"two spaces", http.Header{"Authorization": {"Bearer  " + s.Key}}, noKey},
		{"three parts", http.Header{"Authorization": {"Bearer " + s.Key + " x"}}, noKey},
		{"tab", http.Header{"Authorization": {"Bearer\t" + s.Key}}, noKey},
		{"no-break space", http.Header{"Authorization": {"Bearer\u00a0" + s.Key}}, noKey},
		{"comma for a space", http.Header{"Authorization": {"Bearer," + s.Key}}, noKey},
		{"two headers", http.Header{"Authorization": {"Bearer " + s.Key, "Bearer " + s.Key}}, noKey},
		{"a good header after a bad one", http.Header{"Authorization": {"x", "Bearer " + s.Key}}, noKey},
		{"another header", http.Header{"X-Api-Key": {s.Key}}, noKey},
		{"proxy's header", http.Header{"Proxy-Authorization": {"Bearer " + s.Key}}, noKey},
		{"cookie", http.Header{"Cookie": {"Authorization=Bearer " + s.Key}}, noKey},
		{"unknown key", http.Header{"Authorization": {"Bearer " + unknown}}, badKey},
		{"cut key", http.Header{"Authorization": {"Bearer " + s.Key[:len(s.Key)-1]}}, badKey},
		{"longer key", http.Header{"Authorization": {"Bearer " + s.Key + "0"}}, badKey},
		{"key in upper case", http.Header{"Authorization": {"Bearer " + strings.ToUpper(s.Key)}}, badKey},
		{"digits in upper case", http.Header{"Authorization": {"Bearer kener_" + strings.ToUpper(s.Key[6:])}}, badKey},
		{"no prefix", http.Header{"Authorization": {"Bearer " + s.Key[6:]}}, badKey},
		{"comma after the key", http.Header{"Authorization": {"Bearer " + s.Key + ","}}, badKey},
		{"key with another header's comma", http.Header{"Authorization": {"Bearer " + s.Key, "x"}}, badKey},
		{"quoted key", http.Header{"Authorization": {`Bearer "` + s.Key + `"`}}, badKey},
		{"hash of the key", http.Header{"Authorization": {"Bearer kener_" + statuspage.HashSecret(s.Key)}}, badKey},
		{"any word", http.Header{"Authorization": {"Bearer x"}}, badKey},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := s.DoWith("GET", "/api/v4/incidents", "", tt.header)
			if diff := cmp.Diff(tt.want, answer{got.Status, got.Body}); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			checkHeaders(t, got)
		})
	}
	t.Run("no key in the query", func(t *testing.T) {
		for _, query := range []string{"?key=", "?api_key=", "?access_token=", "?Authorization=Bearer%20"} {
			got := s.DoWith("GET", "/api/v4/incidents"+query+s.Key, "", nil)
			if diff := cmp.Diff(noKey, answer{got.Status, got.Body}); diff != "" {
				t.Errorf("%s (-want +got):\n%s", query, diff)
			}
		}
	})
}

func TestScopes(t *testing.T) {
	s, _ := start(t)
	path := routed(t, s)
	allows := map[string]map[string]bool{ // by the key's scopes, then the route's
		"":                                 {},
		"incidents:read":                   {"incidents:read": true},
		"incidents:write":                  {"incidents:read": true, "incidents:write": true},
		"monitors:read":                    {"monitors:read": true},
		"monitors:write":                   {"monitors:read": true, "monitors:write": true, "status:write": true},
		"admin":                            {"incidents:read": true, "incidents:write": true, "monitors:read": true, "monitors:write": true, "status:write": true, "pages:read": true, "pages:write": true, "integrations:read": true, "integrations:write": true},
		"incidents:read monitors:write":    {"incidents:read": true, "monitors:read": true, "monitors:write": true, "status:write": true},
		"incidents:write monitors:read":    {"incidents:read": true, "incidents:write": true, "monitors:read": true},
		"incidents:read incidents:write":   {"incidents:read": true, "incidents:write": true},
		"monitors:read admin":              {"incidents:read": true, "incidents:write": true, "monitors:read": true, "monitors:write": true, "status:write": true, "pages:read": true, "pages:write": true, "integrations:read": true, "integrations:write": true},
		"pages:read":                       {"pages:read": true},
		"pages:write":                      {"pages:read": true, "pages:write": true},
		"integrations:read":                {"integrations:read": true},
		"integrations:write":               {"integrations:read": true, "integrations:write": true},
		"status:write":                     {"status:write": true},
		"status:write monitors:read":       {"status:write": true, "monitors:read": true},
		"incidents:nonsense write *:write": {}, // no scopes of ours
	}
	before := records(t, s)
	for scopes, allowed := range allows {
		n := statuspage.NewAPIKey{Name: scopes}
		for _, scope := range strings.Fields(scopes) {
			n.Scopes = append(n.Scopes, statuspage.Scope(scope))
		}
		key := s.NewKey(n)
		header := http.Header{"Authorization": {"Bearer " + key}}
		for _, route := range everyRoute {
			area, needsKey := "monitors", strings.HasPrefix(route.path, "/api/")
			if strings.Contains(route.path, "incidents") {
				area = "incidents"
			}
			if strings.HasPrefix(route.path, pagesPath) || strings.HasPrefix(route.path, sitePath) {
				area = "pages"
			}
			if strings.HasPrefix(route.path, integrationsPath) {
				area = "integrations"
			}
			for _, method := range []string{"GET", "HEAD", "POST", "PATCH", "DELETE"} {
				if !strings.Contains(route.allow, method) {
					continue
				}
				need := area + ":write"
				if method == "GET" || method == "HEAD" {
					need = area + ":read"
				}
				switch {
				case route.path == "/api/v4/status":
					need = "status:write"
				case strings.HasSuffix(route.path, "/signals"):
					need = "incidents:write"
				case strings.HasSuffix(route.path, "/test"):
					need = "integrations:read"
				}
				t.Run(fmt.Sprintf("key with %q, %s %s", scopes, method, route.path), func(t *testing.T) {
					p, body := path(route.path), ""
					switch method {
					case "POST", "PATCH":
						body = "{" // enough to see whether the handler was reached
					case "DELETE":
						p = strings.NewReplacer("/incidents/", "/incidents/99", "earth", "pluto", "/alert-rules/", "/alert-rules/99", "~home", "none", "/integrations/1", "/integrations/99").Replace(p)
					}
					got := s.DoWith(method, p, body, header)
					want := answer{403, fail("FORBIDDEN", "API key lacks the scope '"+need+"'")}
					switch {
					case allowed[need] || !needsKey:
						want = answer{map[string]int{"GET": 200, "HEAD": 200, "POST": 400, "PATCH": 400, "DELETE": 404}[method], got.Body}
					case method == "HEAD":
						want.Body = ""
					}
					if diff := cmp.Diff(want, answer{got.Status, got.Body}); diff != "" {
						t.Errorf("answer (-want +got):\n%s", diff)
					}
					if !publicPages[route.path] { // which have headers of their own
						checkHeaders(t, got)
					}
				})
			}
		}
	}
	after := records(t, s)
	for k := range after {
		if strings.HasPrefix(k, "APIKEY#") || after[k]["record"] == "API_KEY" {
			delete(after, k)
			delete(before, k)
		}
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("refused requests have written (-before +after):\n%s", diff)
	}
}

// everyFunction is a path of each function, which all remember keys on their own.
var everyFunction = []string{"/api/v4/incidents", "/api/v4/incidents/99/comments", "/api/v4/monitors", "/api/v4/site", "/api/v4/nothing"}

// tryKey sends a request with the key to every function and returns what it is
// answered; "" is an answer that is no 401.
func tryKey(s *apitest.Server, key string) []string {
	var out []string
	for _, path := range everyFunction {
		got := s.DoWith("GET", path, "", http.Header{"Authorization": {"Bearer " + key}})
		if got.Status == http.StatusUnauthorized {
			out = append(out, got.Body)
		} else {
			out = append(out, "")
		}
	}
	return out
}

func TestKeysEnd(t *testing.T) {
	s, clock := start(t)
	store := s.Table.Store(nil)
	revoke := func(t *testing.T, key string) {
		t.Helper()
		k, err := store.APIKeyByHash(t.Context(), statuspage.HashSecret(key))
		if err == nil {
			_, err = store.RevokeAPIKey(t.Context(), k.ID, clock.seconds.Load())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	expect := func(t *testing.T, what, key, want string) {
		t.Helper()
		if diff := cmp.Diff(slices.Repeat([]string{want}, len(everyFunction)), tryKey(s, key)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	t.Run("by expiry, also while the key is remembered", func(t *testing.T) {
		clock.seconds.Store(testStart)
		key := s.NewKey(statuspage.NewAPIKey{Name: "k", Scopes: statuspage.Scopes(), Expires: new(int64(testStart + 30))})
		expect(t, "at first", key, "")
		clock.seconds.Store(testStart + 29)
		expect(t, "a second before", key, "")
		clock.seconds.Store(testStart + 30)
		expect(t, "at the expiry", key, expiredKey.Body)
		clock.seconds.Store(testStart + 3000)
		expect(t, "long after", key, expiredKey.Body)
		revoke(t, key)
		clock.seconds.Add(60)
		expect(t, "revoked and expired", key, badKey.Body)
	})
	t.Run("a key that had expired before its first use", func(t *testing.T) {
		clock.seconds.Store(testStart)
		expect(t, "at once", s.NewKey(statuspage.NewAPIKey{Name: "k", Scopes: statuspage.Scopes(), Expires: new(int64(testStart))}), expiredKey.Body)
	})
	t.Run("by revocation, within 60 seconds", func(t *testing.T) {
		clock.seconds.Store(testStart)
		key := s.NewKey(statuspage.NewAPIKey{Name: "k", Scopes: statuspage.Scopes()})
		expect(t, "before", key, "")
		clock.seconds.Add(30)
		expect(t, "still before", key, "")
		revoke(t, key)
		// Using it all the time must not prolong its life.
		for range 6 {
			clock.seconds.Add(10)
			tryKey(s, key)
		}
		expect(t, "60 seconds after", key, badKey.Body)
	})
	t.Run("a revoked key that nobody used lately", func(t *testing.T) {
		clock.seconds.Store(testStart)
		key := s.NewKey(statuspage.NewAPIKey{Name: "k", Scopes: statuspage.Scopes()})
		revoke(t, key)
		expect(t, "at once", key, badKey.Body)
	})
	t.Run("a key that was tried before it existed works after 10 seconds", func(t *testing.T) {
		clock.seconds.Store(testStart)
		key := statuspage.NewSecret()
		expect(t, "before", key, badKey.Body)
		if _, err := store.CreateAPIKey(t.Context(), key, statuspage.NewAPIKey{Name: "k", Scopes: statuspage.Scopes()}, testStart, nil); err != nil {
			t.Fatal(err)
		}
		clock.seconds.Add(10)
		expect(t, "10 seconds after", key, "")
	})
	t.Run("the keys of others go on", func(t *testing.T) {
		clock.seconds.Store(testStart + 100_000)
		expect(t, "the first key", s.Key, "")
	})
}

// rawRequest sends a request as it is: no client has touched the path.
func rawRequest(t *testing.T, s *apitest.Server, method, target, key string) (int, string) {
	t.Helper()
	address := strings.TrimPrefix(s.URL, "http://")
	conn, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	request := method + " " + target + " HTTP/1.1\r\nHost: " + address + "\r\nConnection: close\r\n"
	if key != "" {
		request += "Authorization: Bearer " + key + "\r\n"
	}
	body := ""
	if method == "POST" || method == "PATCH" {
		body = `{"title":"changed","start_date_time":0,"comment":"changed","state":"RESOLVED","name":"changed","tag":"changed"}`
		request += fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	if _, err := io.WriteString(conn, request+"\r\n"+body); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%s %q: %v", method, target, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %q: %v", method, target, err)
	}
	return resp.StatusCode, string(text)
}

// spellings are ways to write a path that something on the way may take for it.
func spellings(path string) []string {
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	last := len(segments) - 1
	encoded := func(s, format string) string {
		var b strings.Builder
		for i := range len(s) {
			fmt.Fprintf(&b, format, s[i])
		}
		return b.String()
	}
	with := func(i int, segment string) string {
		out := append([]string(nil), segments...)
		out[i] = segment
		return "/" + strings.Join(out, "/")
	}
	all := []string{
		path, path + "/", path + "//", path + "/.", path + "/./", path + "/%2e", path + "?", path + "?x=1", path + "#", path + ";", path + ";a=b",
		path + "/../" + segments[last], path + "/%2e%2e/" + segments[last], path + "/x/..", path + "/x/%2E%2E", path + "%2F", path + "%2f", path + "%5C", path + `\`,
		path + "%00", path + "%00.json", path + "%20", path + "%09", path + "%0a", path + "%0d%0a", path + ".json", path + "%2500", path + "%c0%af", path + "%e0%80%af",
		path + "%ef%bc%8f", "/" + path, "//x" + path, "/." + path, "/x/.." + path, "/%2e" + path, "/%2e%2e" + path, "/%2F" + path[1:], "/%00" + path,
		"/x;" + path, "http://elsewhere.example" + path, "//elsewhere.example" + path, "/$default" + path, "/prod" + path, "/healthcheck/.." + path, "/healthcheck%2f.." + path,
		"/healthcheck" + path, "/healthcheck/%2e%2e" + path, strings.ToUpper(path), strings.ReplaceAll(path, "/", "//"), strings.ReplaceAll(path, "/", "/./"),
		"/" + strings.ReplaceAll(path[1:], "/", `\`), "/" + strings.ReplaceAll(path[1:], "/", "%2F"), "/" + strings.ReplaceAll(path[1:], "/", "%5c"), strings.ReplaceAll(path, "/", "/%2e/"),
		"/" + strings.ReplaceAll(path[1:], "/", "%c0%af"), "/" + strings.ReplaceAll(path[1:], "/", "%252F"), strings.ReplaceAll(path, "/", "/%20"), strings.ReplaceAll(path, "/", "/%00"),
		"/" + encoded(path[1:], "%%%02x"), "/" + encoded(path[1:], "%%%02X"), "/" + encoded(path[1:], "%%25%02x"),
	}
	for i, s := range segments {
		if s == "" {
			continue
		}
		all = append(all,
			with(i, encoded(s, "%%%02x")), with(i, encoded(s[:1], "%%%02X")+s[1:]), with(i, s[:len(s)-1]+encoded(s[len(s)-1:], "%%%02x")), with(i, encoded(s, "%%25%02x")),
			with(i, strings.ToUpper(s)), with(i, strings.ToUpper(s[:1])+s[1:]), with(i, s+"/"), with(i, s+"/."), with(i, "./"+s), with(i, "x/../"+s), with(i, "%2e/"+s), with(i, "x/%2e%2e/"+s),
			with(i, s+"%00"), with(i, "%00"+s), with(i, s+"%20"), with(i, "%20"+s), with(i, s+";x"), with(i, "%2f"+s), with(i, s+"%2f"), with(i, "%ef%bb%bf"+s), with(i, "%e2%80%8b"+s),
			// The first letter as two bytes where one would do, and as its lookalike.
			with(i, fmt.Sprintf("%%%02x%%%02x", 0xc0|s[0]>>6, 0x80|s[0]&0x3f)+s[1:]), with(i, "%ef%bd%"+fmt.Sprintf("%02x", 0x81+s[0]%26)+s[1:]))
	}
	return all
}

func TestNoSpellingOfAPathNeedsNoKey(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	const marker = "nobody-may-read-this"
	made(t, s, "/api/v4/monitors", `{"tag":"earth","name":"`+marker+`"}`)
	i := made(t, s, "/api/v4/incidents", `{"title":"`+marker+`","start_date_time":600,"monitors":[{"monitor_tag":"earth"}]}`)
	c := made(t, s, incidentPath(i)+"/comments", `{"comment":"`+marker+`","state":"MONITORING"}`)
	incidents := []string{"/api/v4/incidents", incidentPath(i), incidentPath(i) + "/comments", fmt.Sprintf("%s/comments/%d", incidentPath(i), c)}
	monitors := []string{"/api/v4/monitors", "/api/v4/monitors/earth"}
	keys := map[string]string{"no key": "", "an unknown key": statuspage.NewSecret()}
	for _, scope := range statuspage.Scopes() {
		keys[string(scope)] = s.NewKey(statuspage.NewAPIKey{Name: "k", Scopes: []statuspage.Scope{scope}})
	}
	before := records(t, s)
	for _, path := range append(incidents, monitors...) {
		if status, body := rawRequest(t, s, "GET", path, s.Key); status != 200 || !strings.Contains(body, marker) {
			t.Fatalf("GET %s with a key: %d %s", path, status, body)
		}
	}

	for _, tt := range []struct {
		key   string
		paths []string
		// A key is good for some methods, or none.
		methods []string
	}{
		{"no key", append(incidents, monitors...), []string{"GET"}},
		{"no key", []string{incidents[1], monitors[1]}, []string{"DELETE"}},
		{"an unknown key", incidents[1:2], []string{"GET", "PATCH"}},
		{"monitors:write", incidents[1:2], []string{"GET", "DELETE"}},
		{"incidents:write", monitors[1:], []string{"GET", "DELETE"}},
		{"incidents:read", incidents[1:2], []string{"PATCH"}},
		{"monitors:read", monitors[1:], []string{"PATCH"}},
	} {
		t.Run(tt.key, func(t *testing.T) {
			for _, path := range tt.paths {
				targets := spellings(path)
				// Mixtures of two of them. The seed is fixed, so that a failure comes again.
				random := rand.New(rand.NewPCG(1, 2))
				for range 15 {
					inner := targets[random.IntN(len(targets))]
					if strings.HasPrefix(inner, "/") && !strings.ContainsAny(inner, "?#") {
						mixed := spellings(strings.TrimRight(inner, "/"))
						targets = append(targets, mixed[random.IntN(len(mixed))])
					}
				}
				for _, target := range targets {
					for _, method := range tt.methods {
						status, body := rawRequest(t, s, method, target, keys[tt.key])
						if strings.Contains(body, marker) {
							t.Errorf("%s %q shows data: %d %.200s", method, target, status, body)
						}
						// 400 of net/http for what is no HTTP, 308 for a slash at the end.
						if status < 300 || status >= 500 {
							t.Errorf("%s %q: %d %.200s", method, target, status, body)
						}
						// A path that does not begin with /api is a page, which nobody needs a key for.
						page := status == 404 && body == "Not found\n" || status == 405 && body == "Method not allowed\n"
						if (tt.key == "no key" || tt.key == "an unknown key") && status != 401 && status != 308 && !page && !(status == 400 && strings.HasPrefix(body, "400 Bad Request")) {
							t.Errorf("%s %q: %d %.200s, want 401", method, target, status, body)
						}
					}
				}
			}
		})
	}
	if diff := cmp.Diff(before, records(t, s)); diff != "" {
		t.Errorf("refused requests have written (-before +after):\n%s", diff)
	}
}
