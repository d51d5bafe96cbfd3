package statuspage_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

func TestPagePath(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"team": "team", " Big  Page! ": "big-page", "a/b": "ab", "éclair": "clair", "~home": "home", "!!!": "", " \t": "", "A_b-C": "a_b-c", "x\ny": "x-y",
	} {
		if got := statuspage.PagePath(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		path := statuspage.PagePath(rapid.String().Draw(t, "text"))
		if again := statuspage.PagePath(path); again != path || strings.ContainsAny(path, "/~ %?#.") {
			t.Errorf("%q becomes %q", path, again)
		}
	})
}

func TestReservedPath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{"monitors": true, "api": true, "de": true, "zz": true, "a": false, "a1": false, "abc": false, "": false, "monitor": false} {
		if got := statuspage.ReservedPath(path); got != want {
			t.Errorf("%q: %t", path, got)
		}
	}
}

// Settings of a page lie over those that count where it has none.
func TestPageSettings(t *testing.T) {
	t.Parallel()
	site := statuspage.DefaultPageSettings()
	site.PastMaintenances.Max, site.Incidents = 9, false
	want := site
	want.ResolvedIncidents = statuspage.PastEvents{Show: false, Max: 0, Days: 100_000}
	want.OngoingMaintenances, want.UpcomingMaintenances.Days, want.Layout, want.DaysMobile = false, 1, statuspage.CompactGrid, 365
	want.MetaTitle, want.PreviewImage = new(""), new("/i")
	got := site.With(`{"incidents":{"resolved":{"show":false,"max_count":0,"days_in_past":1e5}},"include_maintenances":{"ongoing":{"show":false,"upcoming":{"days_in_future":1.0}}},
		"monitor_layout_style":"compact-grid","monitor_status_history_days":{"mobile":365},"meta_page_title":"","social_page_preview_image":"/i","x":[1]}`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(site, site.With("")); diff != "" {
		t.Errorf("of a page without any (-want +got):\n%s", diff)
	}
}

func TestPagePatched(t *testing.T) {
	t.Parallel()
	page := statuspage.Page{ID: 2, Path: "team", Title: "T", Settings: `{"a":1}`, Created: 60, Updated: 60, Version: 1}
	if _, err := page.Patched(statuspage.PagePatch{Settings: opt.Value(statuspage.JSONObject(`{"b":"` + strings.Repeat("x", statuspage.MaxPageSettings-14) + `"}`))}, nil, 120); err != nil {
		t.Errorf("as many settings as there can be: %v", err)
	}
	if _, err := page.Patched(statuspage.PagePatch{Settings: opt.Value(statuspage.JSONObject(`{"b":"` + strings.Repeat("x", statuspage.MaxPageSettings-13) + `"}`))}, nil, 120); !errors.Is(err, statuspage.ErrPageTooLarge) {
		t.Errorf("one byte more: %v", err)
	}
	home := statuspage.DefaultHome()
	if _, err := home.Patched(statuspage.PagePatch{Path: opt.Value("start")}, nil, 120); !errors.Is(err, statuspage.ErrHomePagePath) {
		t.Errorf("home's path: %v", err)
	}
	next, err := home.Patched(statuspage.PagePatch{Monitors: opt.Value([]string{})}, nil, 120)
	if want := (statuspage.Page{ID: 1, Title: "Home", Header: "Status", Created: 120, Updated: 120, Version: 1}); err != nil || !cmp.Equal(next, want) {
		t.Errorf("home without monitors: %+v, %v", next, err)
	}
}

func TestRenamed(t *testing.T) {
	t.Parallel()
	names := map[string]string{"old": "new", "b\"": "c"}
	for in, want := range map[statuspage.JSONObject]statuspage.JSONObject{
		`{"a":1,"old":{"old":2},"z":3}`: `{"a":1,"new":{"old":2},"z":3}`,
		`{"old":1,"new":2}`:             `{"old":1,"new":2}`,
		`{"b\"":1}`:                     `{"c":1}`,
		`{}`:                            `{}`,
	} {
		if got := in.Renamed(names); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
