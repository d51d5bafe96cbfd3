package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/ddb"
	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

// pagesOf lists the pages by requests for so many at a time.
func pagesOf(t testing.TB, s *dynamo.Store, limit int) []statuspage.Page {
	t.Helper()
	var all []statuspage.Page
	for q := (statuspage.PageQuery{Limit: limit}); ; {
		taken := 0
		next, err := s.Pages(context.Background(), q, func(p statuspage.Page) bool {
			if taken == limit {
				return false
			}
			taken++
			all = append(all, p)
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		if q.After = next; next == 0 {
			return all
		}
	}
}

func fieldsOf(row dynamotest.Attributes) []string {
	r := ddb.Reader{Item: ddb.Item(row)}
	fields := r.Set("fields")
	slices.Sort(fields)
	return fields
}

func TestPages(t *testing.T) {
	ctx := context.Background()
	tb := dynamotest.NewTable(t)
	s := tb.Store(nil)
	for _, tag := range []string{"mars", "earth"} {
		if _, err := s.CreateMonitor(ctx, newMonitor(tag), now, nil); err != nil {
			t.Fatal(err)
		}
	}
	home := statuspage.DefaultHome()
	for _, limit := range []int{1, 2, 10} {
		if diff := cmp.Diff([]statuspage.Page{home}, pagesOf(t, s, limit)); diff != "" {
			t.Errorf("a new table's pages (-want +got):\n%s", diff)
		}
	}
	team, err := s.CreatePage(ctx, statuspage.NewPage{
		Path: "team", Title: "Team", Header: "All of it", Subheader: new("sub"), Logo: new(""), Settings: `{"x":1}`, Tags: []string{"earth", "mars"},
	}, now, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := statuspage.Page{
		ID: 2, Path: "team", Title: "Team", Header: "All of it", Subheader: new("sub"), Logo: new(""), Settings: `{"x":1}`,
		Monitors: []statuspage.PageMonitor{{MonitorID: 2, Tag: "earth"}, {MonitorID: 1, Tag: "mars"}}, Created: now, Updated: now, Version: 1,
	}
	if diff := cmp.Diff(want, team); diff != "" {
		t.Errorf("the page that was made (-want +got):\n%s", diff)
	}
	other, err := s.CreatePage(ctx, statuspage.NewPage{Path: "other", Title: "O", Header: "H"}, now, nil)
	if err != nil || other.ID != 3 {
		t.Fatalf("%v, %v", other, err)
	}
	for _, limit := range []int{1, 2, 3} {
		if diff := cmp.Diff([]statuspage.Page{home, team, other}, pagesOf(t, s, limit)); diff != "" {
			t.Errorf("by %d (-want +got):\n%s", limit, diff)
		}
	}

	t.Run("what is refused", func(t *testing.T) {
		create := func(path string, tags ...string) error {
			_, err := s.CreatePage(ctx, statuspage.NewPage{Path: path, Title: "T", Header: "H", Tags: tags}, later, nil)
			return err
		}
		patch := func(path string, p statuspage.PagePatch, expected statuspage.PagePrecondition) error {
			_, err := s.UpdatePage(ctx, path, p, later, expected)
			return err
		}
		to := func(path string) statuspage.PagePatch { return statuspage.PagePatch{Path: opt.Value(path)} }
		never := func(statuspage.Page) bool { return false }
		for name, tt := range map[string]struct{ got, want error }{
			"a path twice":                  {create("team", "pluto"), statuspage.PageExists("team")},
			"home's path":                   {create(""), statuspage.PageExists("")},
			"a monitor that is not there":   {create("new", "earth", "pluto", "venus"), statuspage.UnknownPageMonitor("pluto")},
			"a page that is not there":      {patch("nothing", statuspage.PagePatch{Monitors: opt.Value([]string{"pluto"})}, never), statuspage.PageNotFound("nothing")},
			"a path that no page can have":  {patch("Team", statuspage.PagePatch{}, nil), statuspage.PageNotFound("Team")},
			"another's path":                {patch("team", to("other"), never), statuspage.PageExists("other")},
			"home's path for another":       {patch("team", to(""), nil), statuspage.PageExists("")},
			"another path for home":         {patch("", to("start"), nil), statuspage.ErrHomePagePath},
			"an unknown monitor in a patch": {patch("team", statuspage.PagePatch{Title: opt.Value("not kept"), Monitors: opt.Value([]string{"pluto"})}, never), statuspage.UnknownPageMonitor("pluto")},
			"a page that is not as seen":    {patch("team", statuspage.PagePatch{Title: opt.Value("not kept")}, never), statuspage.ErrPageChanged},
			"deletion of home":              {s.DeletePage(ctx, "", later, nil), statuspage.ErrHomePageStays},
			"deletion of nothing":           {s.DeletePage(ctx, "nothing", later, nil), statuspage.PageNotFound("nothing")},
			"deletion of a changed page":    {s.DeletePage(ctx, "team", later, never), statuspage.ErrPageChanged},
		} {
			if !errors.Is(tt.got, tt.want) {
				t.Errorf("%s: %v, want %v", name, tt.got, tt.want)
			}
		}
		if diff := cmp.Diff([]statuspage.Page{home, team, other}, pagesOf(t, s, 10)); diff != "" {
			t.Errorf("afterwards (-want +got):\n%s", diff)
		}
	})

	// A page moves, with all that it has; its old path is free.
	moved, err := s.UpdatePage(ctx, "team", statuspage.PagePatch{
		Path: opt.Value("crew"), Subheader: opt.Null[string](), Settings: opt.Value[statuspage.JSONObject](`{"y":{"z":2}}`), Monitors: opt.Value([]string{"mars"}),
	}, later, func(p statuspage.Page) bool { return cmp.Equal(p, team) })
	want.Path, want.Subheader, want.Settings, want.Monitors, want.Updated, want.Version = "crew", nil, `{"x":1,"y":{"z":2}}`, want.Monitors[1:], later, 2
	if diff := cmp.Diff(want, moved); err != nil || diff != "" {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}
	if p, err := s.Page(ctx, "team"); !errors.Is(err, statuspage.PageNotFound("team")) {
		t.Errorf("at the old path: %v, %v", p, err)
	}

	// Home is there for good once it is changed.
	home.Header, home.Monitors, home.All = "We are", nil, false
	home.Created, home.Updated, home.Version = later, later, 1
	changed, err := s.UpdatePage(ctx, "", statuspage.PagePatch{Path: opt.Value(""), Header: opt.Value("We are"), Monitors: opt.Value([]string{})}, later, nil)
	if diff := cmp.Diff(home, changed); err != nil || diff != "" {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}

	if err := s.DeletePage(ctx, "other", later, nil); err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{1, 10} {
		if diff := cmp.Diff([]statuspage.Page{home, moved}, pagesOf(t, s, limit)); diff != "" {
			t.Errorf("by %d (-want +got):\n%s", limit, diff)
		}
	}

	// A deleted monitor leaves the pages.
	if err := s.DeleteMonitor(ctx, "mars", later); err != nil {
		t.Fatal(err)
	}
	moved.Monitors, moved.Version = nil, 3
	if p, err := s.Page(ctx, "crew"); err != nil || !cmp.Equal(p, moved) {
		t.Errorf("%v, %v, want %v", p, err, moved)
	}

	c := tb.Contents(t)
	if problems := c.Check(); problems != nil {
		t.Error(problems)
	}
	var got []string
	for _, row := range c.Changes {
		if row.Text("record") == string(statuspage.RecordPage) {
			got = append(got, fmt.Sprintf("%s %s %s version %d of %s", row.Text("what"), row.Text("id"), row.Text("tag"), row.Num("version"), fieldsOf(row)))
		}
	}
	slices.Sort(got)
	wantRows := []string{
		"CREATED 2 team version 1 of []",
		"CREATED 3 other version 1 of []",
		"DELETED 3 other version -1 of []",
		"UPDATED 1 ~home version 1 of [monitors page_header]",
		"UPDATED 2 crew version 2 of [monitors page_path page_settings page_subheader]",
		"UPDATED 2 crew version 3 of [monitors]",
	}
	if diff := cmp.Diff(wantRows, got); diff != "" {
		t.Errorf("change rows (-want +got):\n%s", diff)
	}
}

func TestMostPages(t *testing.T) {
	ctx := context.Background()
	tb := dynamotest.NewTable(t)
	d := tb.Dump(nil)
	for n := range int64(statuspage.MaxPages - 1) {
		if _, err := d.ImportPage(ctx, statuspage.Page{ID: n + 2, Path: fmt.Sprintf("p%d", n), Title: "T", Header: "H", Created: now, Updated: now, Version: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.RaiseIDs(ctx, statuspage.LastIDs{Page: statuspage.MaxPages}); err != nil {
		t.Fatal(err)
	}
	s := tb.Store(nil)
	if p, err := s.CreatePage(ctx, statuspage.NewPage{Path: "last", Title: "T", Header: "H"}, now, nil); err != nil || p.ID != statuspage.MaxPages+1 {
		t.Fatal(p, err)
	}
	if _, err := s.CreatePage(ctx, statuspage.NewPage{Path: "toomany", Title: "T", Header: "H"}, now, nil); !errors.Is(err, statuspage.ErrTooManyPages) {
		t.Error(err)
	}
	if all := pagesOf(t, s, statuspage.MaxPages+1); len(all) != statuspage.MaxPages+1 || !all[0].Home() {
		t.Errorf("%d pages", len(all))
	}
}

func TestSiteSettings(t *testing.T) {
	ctx := context.Background()
	tb := dynamotest.NewTable(t)
	s := tb.Store(nil)
	if v, err := s.SiteSetting(ctx, "nav"); err != nil || v != (statuspage.SiteSetting{Key: "nav"}) {
		t.Errorf("not set: %v, %v", v, err)
	}
	if all, err := s.SiteSettings(ctx); err != nil || all != nil {
		t.Errorf("none set: %v, %v", all, err)
	}
	set := func(key, value string, at int64, expected statuspage.SitePrecondition, want statuspage.SiteSetting) {
		t.Helper()
		if got, err := s.SetSiteSetting(ctx, key, value, at, expected); err != nil || got != want {
			t.Errorf("%v, %v, want %v", got, err, want)
		}
	}
	first := statuspage.SiteSetting{Key: "nav", Value: "[]", Created: now, Updated: now, Version: 1}
	set("nav", "[]", now, func(v statuspage.SiteSetting) bool { return v == statuspage.SiteSetting{Key: "nav"} }, first)
	name := statuspage.SiteSetting{Key: "siteName", Value: "Ours", Created: now, Updated: now, Version: 1}
	set("siteName", "Ours", now, nil, name)
	next := statuspage.SiteSetting{Key: "nav", Value: `[{"name":"a","url":"/"}]`, Created: now, Updated: later, Version: 2}
	set("nav", next.Value, later, func(v statuspage.SiteSetting) bool { return v == first }, next)
	if _, err := s.SetSiteSetting(ctx, "nav", "[]", later, func(v statuspage.SiteSetting) bool { return v == first }); !errors.Is(err, statuspage.ErrSettingChanged) {
		t.Errorf("a setting that is not as seen: %v", err)
	}
	name.Version, name.Updated = 2, later
	set("siteName", "Ours", later, nil, name)
	if all, err := s.SiteSettings(ctx); err != nil || !slices.Equal(all, []statuspage.SiteSetting{next, name}) {
		t.Errorf("%v, %v", all, err)
	}
	c := tb.Contents(t)
	if problems := c.Check(); problems != nil {
		t.Error(problems)
	}
	var got []string
	for _, row := range c.Changes {
		got = append(got, fmt.Sprintf("%s %s %s version %d of %s", row.Text("record"), row.Text("what"), row.Text("tag"), row.Num("version"), fieldsOf(row)))
	}
	slices.Sort(got)
	want := []string{
		"SITE_SETTING UPDATED nav version 1 of [value]",
		"SITE_SETTING UPDATED nav version 2 of [value]",
		"SITE_SETTING UPDATED siteName version 1 of [value]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("change rows (-want +got):\n%s", diff)
	}
}
