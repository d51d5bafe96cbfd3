package api_test

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
	"tocsin/internal/openapi"
)

// noDatabase is a connection over which nothing can be asked.
type noDatabase struct{}

func (noDatabase) Do(*http.Request) (*http.Response, error) {
	return nil, errors.New("the test has cut the connection")
}

// asked asks for what describes the API, and returns the answer without the headers
// that every answer has.
func asked(t *testing.T, s *apitest.Server, method, path string, header http.Header) apitest.Response {
	t.Helper()
	got := s.DoWith(method, path, "", header)
	for _, own := range []string{"Date", "X-Request-Id", "Apigw-Requestid"} {
		if got.Header.Get(own) == "" {
			t.Errorf("the header %s is missing", own)
		}
		got.Header.Del(own)
	}
	got.Header.Del("Content-Length")
	return got
}

// with are headers of a request: pairs of a name and a value; the value "" is none.
func with(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			h.Add(pairs[i], pairs[i+1])
		}
	}
	return h
}

// descriptions are the descriptions of the API with the headers that are theirs alone.
var descriptions = []struct {
	path   string
	file   openapi.File
	header http.Header
}{
	{"/openapi.json", openapi.JSON, http.Header{"Content-Type": {"application/json"}}},
	{"/docs", openapi.Page, http.Header{
		"Content-Type": {"text/html; charset=utf-8"}, "X-Content-Type-Options": {"nosniff"},
		"Content-Security-Policy": {"default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
	}},
}

// TestDescription asks for what describes the API, with a database that does not
// answer: neither a key nor the table is looked at.
func TestDescription(t *testing.T) {
	s := apitest.New(t, apitest.Options{HTTPClient: noDatabase{}})
	for _, tt := range descriptions {
		tags := map[string]bool{}
		for _, form := range []struct {
			accept, encoding, body string
		}{
			{"", "", string(tt.file.Unpacked())},
			{"br, gzip", "gzip", string(tt.file)},
		} {
			etag := asked(t, s, http.MethodGet, tt.path, with("Accept-Encoding", form.accept)).Header.Get("ETag")
			if !regexp.MustCompile(`^"[0-9a-f]{16}(\.gzip)?"$`).MatchString(etag) || tags[etag] {
				t.Errorf("%s, Accept-Encoding %q: etag %s", tt.path, form.accept, etag)
			}
			tags[etag] = true
			kept := http.Header{"Cache-Control": {"public, max-age=300"}, "Etag": {etag}, "Vary": {"Accept-Encoding"}}
			whole := kept.Clone()
			maps.Copy(whole, tt.header)
			if form.encoding != "" {
				whole.Set("Content-Encoding", form.encoding)
			}
			for _, seen := range []struct {
				tags   string
				status int
			}{
				{"", 200}, {`"another"`, 200}, {strings.Trim(etag, `"`), 200},
				{etag, 304}, {"W/" + etag, 304}, {`"another" , ` + etag, 304}, {"*", 304},
			} {
				for _, method := range []string{http.MethodGet, http.MethodHead} {
					for _, key := range []string{"", "Bearer " + s.Key, "nonsense"} {
						want := apitest.Response{Status: seen.status, Header: whole, Body: form.body}
						if seen.status == http.StatusNotModified {
							want.Header, want.Body = kept, ""
						}
						if method == http.MethodHead {
							want.Body = ""
						}
						got := asked(t, s, method, tt.path, with("Authorization", key, "Accept-Encoding", form.accept, "If-None-Match", seen.tags))
						if diff := cmp.Diff(want, got); diff != "" {
							t.Errorf("%s %s, key %.10q, Accept-Encoding %q, If-None-Match %q (-want +got):\n%.2000s", method, tt.path, key, form.accept, seen.tags, diff)
						}
					}
				}
			}
		}
		// What is not the same bytes is not what the client has.
		for etag := range tags {
			accept := "gzip"
			if strings.Contains(etag, "gzip") {
				accept = "identity"
			}
			if got := asked(t, s, http.MethodGet, tt.path, with("Accept-Encoding", accept, "If-None-Match", etag)); got.Status != http.StatusOK {
				t.Errorf("%s, Accept-Encoding %s, If-None-Match %s: %d", tt.path, accept, etag, got.Status)
			}
		}
	}
}

// TestAcceptEncoding has clients say in many ways whether they take gzip.
func TestAcceptEncoding(t *testing.T) {
	s := apitest.New(t, apitest.Options{HTTPClient: noDatabase{}})
	for accept, packed := range map[string]bool{
		"gzip": true, "GZip": true, "x-gzip": true, "deflate, gzip, br": true, "br;q=1.0, gzip;q=0.001": true, "gzip ; q=0.5\t, deflate": true, "*": true, "*;q=0.1": true,
		"gzip;Q=1": true, "gzip;q=1.000": true, "gzip, identity": true, "gzip, *;q=0": true, "identity;q=0.5, gzip": true, "identity;q=0, *": true, ", ,gzip,": true, "gzip, deflate;q=x": true,
		"identity": false, "deflate, br": false, "gzip;q=0": false, "gzip;q=0.000": false, "x-gzip;q=0": false, "gzip;q=0, *": false, "*;q=0": false, "identity, gzip;q=0.5": false,
		"identity, *;q=0.9": false, "identity;q=0": false, "gzipped": false, "g zip": false, "gzip;q=": false, "gzip;q=2": false, "gzip;q=-1": false, "gzip;q=NaN": false, "gzip;level=9": false, "gzip;q=1;q=0": false, ",": false,
	} {
		want := answer{http.StatusOK, string(openapi.JSON.Unpacked())}
		encoding := ""
		if packed {
			encoding, want.Body = "gzip", string(openapi.JSON)
		}
		got := asked(t, s, http.MethodGet, "/openapi.json", with("Accept-Encoding", accept))
		if diff := cmp.Diff(want, answer{got.Status, got.Body}); diff != "" || got.Header.Get("Content-Encoding") != encoding {
			t.Errorf("%q: encoded %q, want %q (-want +got):\n%.1000s", accept, got.Header.Get("Content-Encoding"), encoding, diff)
		}
	}
	// Lines of one header are one list.
	if got := asked(t, s, http.MethodGet, "/docs", http.Header{"Accept-Encoding": {"br", "gzip"}}); got.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("two lines: %v", got.Header)
	}
	if got := asked(t, s, http.MethodGet, "/docs", http.Header{"Accept-Encoding": {""}}); got.Header.Get("Content-Encoding") != "" {
		t.Errorf("an empty line: %v", got.Header)
	}
}

// TestNoDescription turns the description off: its paths are like any other that does
// not exist, for every method.
func TestNoDescription(t *testing.T) {
	s := apitest.New(t, apitest.Options{Parameters: map[string]string{"ApiDocs": "false"}})
	for _, path := range []string{"/openapi.json", "/docs", "/api/nothing"} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			for key, want := range map[string]answer{
				"Bearer " + s.Key: {404, notFound("No API route matches '" + path + "'")},
				"":                {401, fail("UNAUTHORIZED", "Missing or invalid authorization header")},
			} {
				r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header = with("Authorization", key, "Accept-Encoding", "gzip", "If-None-Match", "*")
				resp, err := http.DefaultClient.Do(r) // not the kit: the document says that the paths are there
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				text, err := io.ReadAll(resp.Body)
				if err != nil {
					t.Fatal(err)
				}
				if method == http.MethodHead {
					want.Body = ""
				}
				if diff := cmp.Diff(want, answer{resp.StatusCode, string(text)}); diff != "" {
					t.Errorf("%s %s, key %.10q (-want +got):\n%s", method, path, key, diff)
				}
				checkHeaders(t, apitest.Response{Status: resp.StatusCode, Header: resp.Header})
				for _, name := range []string{"Etag", "Vary", "Content-Encoding"} {
					if resp.Header[name] != nil {
						t.Errorf("%s %s, key %.10q has the header %s", method, path, key, name)
					}
				}
			}
		}
	}
	if got := s.Do(http.MethodGet, "/healthcheck", ""); got.Status != http.StatusOK {
		t.Errorf("the health check answers %d", got.Status)
	}
}
