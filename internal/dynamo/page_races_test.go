package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tocsin/internal/dynamo"
	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

// page adds a page of the monitors, and returns its path.
func (w *world) page(tags ...string) string {
	path := fmt.Sprintf("page%d", len(w.pages))
	w.pages = append(w.pages, statuspage.NewPage{Path: path, Title: "Page", Header: "Header", Tags: tags})
	return path
}

// path returns a path that no page has.
func (w *world) path() string {
	w.tags++
	return fmt.Sprintf("path%d", w.tags)
}

// setting returns the key of a setting that can be any text. They take turns, since there are
// fewer of them than there are races; those at the same time have different ones.
func (w *world) setting() (key string, n int) {
	var keys []string
	for _, k := range statuspage.SiteKeys() {
		if k.Check(`"x"`) == nil {
			keys = append(keys, k.Key)
		}
	}
	w.settings++
	return keys[w.settings%len(keys)], w.settings
}

func patchPage(path string, p statuspage.PagePatch) op {
	return func(ctx context.Context, s *dynamo.Store) error {
		_, err := s.UpdatePage(ctx, path, p, later, nil)
		return err
	}
}

func postPage(path string) op {
	return func(ctx context.Context, s *dynamo.Store) error {
		_, err := s.CreatePage(ctx, statuspage.NewPage{Path: path, Title: "New", Header: "New"}, later, nil)
		return err
	}
}

func deletePage(path string) op {
	return func(ctx context.Context, s *dynamo.Store) error { return s.DeletePage(ctx, path, later, nil) }
}

// setAsSeen sets a setting that has none of the values.
func setAsSeen(key, value string, not ...string) op {
	return func(ctx context.Context, s *dynamo.Store) error {
		_, err := s.SetSiteSetting(ctx, key, value, later, func(v statuspage.SiteSetting) bool { return !slices.Contains(not, v.Value) })
		return err
	}
}

func (r *result) page(path string) statuspage.Page {
	r.t.Helper()
	p, err := r.store.Page(context.Background(), path)
	if err != nil {
		r.errorf("page %s: %v", path, err)
	}
	return p
}

func (r *result) pageGone(path string) {
	r.t.Helper()
	if p, err := r.store.Page(context.Background(), path); !errors.Is(err, statuspage.PageNotFound(path)) {
		r.errorf("page %s is there: %v, %v", path, p, err)
	}
}

// oneTaken asks that one of the two succeeded, and the other was told that the path is taken.
func (r *result) oneTaken(path string) {
	r.t.Helper()
	r.oneOf(r.a, statuspage.PageExists(path))
	r.oneOf(r.b, statuspage.PageExists(path))
	if (r.a == nil) == (r.b == nil) {
		r.errorf("not exactly one has the path %s", path)
	}
}

var (
	pageTitle = statuspage.PagePatch{Title: opt.Value("New")}
	pageLeaf  = statuspage.PagePatch{Settings: opt.Value[statuspage.JSONObject](`{"incidents":{"enabled":false}}`)}
)

// pageScenarios are the pairs of writers to pages and to settings of the site.
var pageScenarios = []scenario{
	{"PATCH title, PATCH settings of a page", false, func(w *world) race {
		path := w.page(w.monitor())
		return race{patchPage(path, pageTitle), patchPage(path, pageLeaf), func(r *result) {
			r.bothStand()
			p := r.page(path)
			r.diff("title, settings, monitors, version", []any{"New", statuspage.JSONObject(`{"incidents":{"enabled":false}}`), 1, int64(3)}, []any{p.Title, p.Settings, len(p.Monitors), p.Version})
		}}
	}},
	{"PATCH, PATCH of leaves of settings", false, func(w *world) race {
		path := w.page()
		other := statuspage.PagePatch{Settings: opt.Value[statuspage.JSONObject](`{"incidents":{"ongoing":{"show":false}}}`)}
		return race{patchPage(path, pageLeaf), patchPage(path, other), func(r *result) {
			r.bothStand()
			s := statuspage.DefaultPageSettings().With(r.page(path).Settings)
			r.diff("what both have set", []bool{false, false}, []bool{s.Incidents, s.OngoingIncidents})
		}}
	}},
	{"PATCH, DELETE of a page", false, func(w *world) race {
		path := w.page()
		return race{patchPage(path, pageTitle), deletePage(path), func(r *result) {
			r.oneOf(r.a, statuspage.PageNotFound(path))
			r.oneOf(r.b)
			r.pageGone(path)
		}}
	}},
	{"DELETE, DELETE of a page", true, func(w *world) race {
		path := w.page()
		return race{deletePage(path), deletePage(path), func(r *result) {
			r.oneOf(r.a, statuspage.PageNotFound(path))
			r.oneOf(r.b, statuspage.PageNotFound(path))
			if r.a != nil && r.b != nil {
				r.errorf("nobody deleted it")
			}
			r.pageGone(path)
		}}
	}},
	{"a page moves, PATCH of its title", false, func(w *world) race {
		path, to := w.page(w.monitor()), w.path()
		return race{patchPage(path, statuspage.PagePatch{Path: opt.Value(to)}), patchPage(path, pageTitle), func(r *result) {
			r.oneOf(r.a)
			r.oneOf(r.b, statuspage.PageNotFound(path))
			r.pageGone(path)
			p, title := r.page(to), "New"
			if r.b != nil {
				title = "Page"
			}
			r.diff("title, monitors", []any{title, 1}, []any{p.Title, len(p.Monitors)})
		}}
	}},
	{"a page moves, DELETE of it", false, func(w *world) race {
		path, to := w.page(), w.path()
		return race{patchPage(path, statuspage.PagePatch{Path: opt.Value(to)}), deletePage(path), func(r *result) {
			r.oneOf(r.a, statuspage.PageNotFound(path))
			r.oneOf(r.b, statuspage.PageNotFound(path))
			r.pageGone(path)
			if (r.a == nil) == (r.b == nil) {
				r.errorf("not exactly one was first")
			}
			if r.b == nil {
				r.pageGone(to)
			} else {
				r.page(to)
			}
		}}
	}},
	{"a page moves to where another is made", false, func(w *world) race {
		path, to := w.page(), w.path()
		return race{patchPage(path, statuspage.PagePatch{Path: opt.Value(to)}), postPage(to), func(r *result) {
			r.oneTaken(to)
			r.page(to)
			if r.a == nil {
				r.pageGone(path)
			} else {
				r.diff("the page that could not move", int64(1), r.page(path).Version)
			}
		}}
	}},
	{"two pages move to one path", false, func(w *world) race {
		one, other, to := w.page(), w.page(), w.path()
		move := statuspage.PagePatch{Path: opt.Value(to)}
		return race{patchPage(one, move), patchPage(other, move), func(r *result) {
			r.oneTaken(to)
			left, gone := other, one
			if r.a != nil {
				left, gone = one, other
			}
			r.diff("the page that could not move", int64(1), r.page(left).Version)
			r.pageGone(gone)
			r.page(to)
		}}
	}},
	{"POST, POST of one path", false, func(w *world) race {
		path := w.path()
		return race{postPage(path), postPage(path), func(r *result) {
			r.oneTaken(path)
			r.page(path)
		}}
	}},
	{"a page as it was seen, twice", false, func(w *world) race {
		path := w.page()
		asSeen := func(title string) op {
			return func(ctx context.Context, s *dynamo.Store) error {
				_, err := s.UpdatePage(ctx, path, statuspage.PagePatch{Title: opt.Value(title)}, later, func(p statuspage.Page) bool { return p.Version == 1 })
				return err
			}
		}
		return race{asSeen("a"), asSeen("b"), func(r *result) {
			r.oneOf(r.a, statuspage.ErrPageChanged)
			r.oneOf(r.b, statuspage.ErrPageChanged)
			if (r.a == nil) == (r.b == nil) {
				r.errorf("not exactly one was first")
			}
			r.diff("version", int64(2), r.page(path).Version)
		}}
	}},
	{"PATCH monitors of a page, DELETE of the monitor", false, func(w *world) race {
		gone, stays := w.monitor(), w.monitor()
		path := w.page(gone)
		return race{patchPage(path, statuspage.PagePatch{Monitors: opt.Value([]string{gone, stays})}), deleteMonitor(gone), func(r *result) {
			r.oneOf(r.a, statuspage.UnknownPageMonitor(gone))
			r.oneOf(r.b)
			// The one that is gone goes some minutes later at the latest, which checkFinished
			// waits for.
			if p := r.page(path); r.a == nil && p.Monitors[len(p.Monitors)-1].Tag != stays {
				r.errorf("the page has %v", p.Monitors)
			}
		}}
	}},
	{"PATCH title of a page, DELETE of its monitor", false, func(w *world) race {
		gone, stays := w.monitor(), w.monitor()
		path := w.page(gone, stays)
		return race{patchPage(path, pageTitle), deleteMonitor(gone), func(r *result) {
			r.bothStand()
			p := r.page(path)
			r.diff("title, monitors", []any{"New", 1, stays}, []any{p.Title, len(p.Monitors), p.Monitors[0].Tag})
		}}
	}},
	{"a page moves, DELETE of its monitor", false, func(w *world) race {
		gone, stays := w.monitor(), w.monitor()
		path, to := w.page(gone, stays), w.path()
		return race{patchPage(path, statuspage.PagePatch{Path: opt.Value(to)}), deleteMonitor(gone), func(r *result) {
			r.bothStand()
			if p := r.page(to); p.Monitors[len(p.Monitors)-1].Tag != stays {
				r.errorf("the page has %v", p.Monitors)
			}
		}}
	}},
	{"a setting as it was seen, twice", false, func(w *world) race {
		key, n := w.setting()
		one, other := fmt.Sprintf(`"one %d"`, n), fmt.Sprintf(`"other %d"`, n)
		return race{setAsSeen(key, one, other), setAsSeen(key, other, one), func(r *result) {
			r.oneOf(r.a, statuspage.ErrSettingChanged)
			r.oneOf(r.b, statuspage.ErrSettingChanged)
			want := one
			if r.a != nil {
				want = other
			}
			v, err := r.store.SiteSetting(context.Background(), key)
			if (r.a == nil) == (r.b == nil) || err != nil || v.Value != want {
				r.errorf("the setting is %v, %v", v, err)
			}
		}}
	}},
}
