package api_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
)

// dataBefore are the PATCHes of the monitoring data that a recorded case met, where it
// met any: path below the monitor's and body.
var dataBefore = map[string][][2]string{
	"data.patch.overwrite.after": {
		{"/data", `{"start_ts":1699999980,"end_ts":1700000280,"status":"UP","latency":100}`},
		{"/data/1700000040", `{"status":"DOWN","latency":0}`},
		{"/data/1700000580", `{"status":"UP","latency":100}`},
	},
	"data.one.get":                {{"/data/1699999980", `{"status":"UP","latency":100}`}},
	"data.one.get_not_minute":     {{"/data/1699999980", `{"status":"UP","latency":100}`}},
	"data.one.patch_latency_only": {{"/data/1699999980", `{"status":"DEGRADED","latency":7.5}`}},
	"data.one.delete":             {{"/data/1699999980", `{"status":"UP","latency":100}`}},
}

// dataDepartures are the answers of ours that differ, with the rule of the contract.
var dataDepartures = map[string]departure{
	"data.get.unknown_monitor": {
		"no table is read before the checks of the request", http.StatusBadRequest,
		`{"error":{"code":"BAD_REQUEST","message":"start_ts must be less than end_ts"}}`,
	},
	"data.one.delete": {
		"errors are JSON for every path and every client", http.StatusMethodNotAllowed,
		`{"error":{"code":"METHOD_NOT_ALLOWED","message":"DELETE method not allowed"}}`,
	},
}

// TestRecordedData replays what Kener answered about monitoring data, each case
// on a monitor of its own.
func TestRecordedData(t *testing.T) {
	t.Parallel()
	f, err := os.Open("testdata/recorded-data.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := apitest.New(t, apitest.Options{Now: func() time.Time { return time.Unix(recordedAt, 0) }})
	const monitor = "/api/v4/monitors/dat"
	must := func(method, path, body string) {
		t.Helper()
		if got := s.Do(method, path, body); got.Status >= http.StatusBadRequest {
			t.Fatalf("%s %s: %d %s", method, path, got.Status, got.Body)
		}
	}
	cases := 0
	for lines := bufio.NewScanner(f); lines.Scan(); cases++ {
		var r recording
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		must("POST", "/api/v4/monitors", `{"tag":"dat","name":"Data","default_status":"DEGRADED"}`)
		for _, patch := range dataBefore[r.Case] {
			must("PATCH", monitor+patch[0], patch[1])
		}
		body := r.Request.BodyText
		if len(r.Request.Body) > 0 {
			body = string(r.Request.Body)
		}
		got := s.Do(r.Request.Method, r.Request.Template, body)
		plain := func(_, value string) string { return value }
		answer := exchange{got.Status, got.Header.Get("Content-Type"), got.Header.Get("Allow"), "", flatten([]byte(got.Body), plain)}
		want := recordedExchange(r)
		if ours, departs := dataDepartures[r.Case]; departs {
			want = ours.exchange(want)
		}
		if d := cmp.Diff(want, answer); d != "" {
			t.Errorf("%s (-want +got):\n%s", r.Case, d)
		}
		must("DELETE", monitor, "")
	}
	if cases != 31 {
		t.Errorf("%d recordings, want 31", cases)
	}
}
