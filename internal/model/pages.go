package model

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"tocsin/internal/statuspage"
)

// Page implements apiv4.PageStore.
func (s *Store) Page(_ context.Context, path string) (statuspage.Page, error) {
	p, there := s.pages[path]
	switch {
	case there:
		return p, nil
	case path == "":
		return statuspage.DefaultHome(), nil
	}
	return statuspage.Page{}, statuspage.PageNotFound(path)
}

// Pages implements apiv4.PageStore.
func (s *Store) Pages(ctx context.Context, q statuspage.PageQuery, take func(statuspage.Page) bool) (int64, error) {
	home, err := s.Page(ctx, "")
	if err != nil {
		return 0, err
	}
	all := map[int64]statuspage.Page{home.ID: home}
	for _, p := range s.pages {
		all[p.ID] = p
	}
	last := q.After
	for _, id := range slices.Sorted(maps.Keys(all)) {
		if id <= q.After {
			continue
		}
		if !take(all[id]) {
			return last, nil
		}
		last = id
	}
	return 0, nil
}

// pageMonitors finds the monitors of the tags.
func (s *Store) pageMonitors(tags []string) ([]statuspage.PageMonitor, error) {
	var monitors []statuspage.PageMonitor
	for _, tag := range tags {
		m := s.monitors[tag]
		if m == nil {
			return nil, statuspage.UnknownPageMonitor(tag)
		}
		monitors = append(monitors, statuspage.PageMonitor{MonitorID: m.ID, Tag: tag})
	}
	return monitors, nil
}

// CreatePage implements apiv4.PageStore.
func (s *Store) CreatePage(ctx context.Context, n statuspage.NewPage, now int64, once *statuspage.Once[statuspage.Page]) (statuspage.Page, error) {
	if _, taken := s.pages[n.Path]; taken || n.Path == "" {
		return statuspage.Page{}, statuspage.PageExists(n.Path)
	}
	monitors, err := s.pageMonitors(n.Tags)
	if err != nil {
		return statuspage.Page{}, err
	}
	var id int64
	_, err = s.reference.Pages(ctx, statuspage.PageQuery{Limit: statuspage.MaxPages}, func(p statuspage.Page) bool {
		id = max(id, p.ID)
		return true
	})
	if err != nil {
		return statuspage.Page{}, err
	}
	used := map[int64]bool{statuspage.HomePageID: true}
	for _, p := range s.pages {
		used[p.ID] = true
	}
	p := n.Made(fresh(used, id), monitors, now)
	s.pages[p.Path] = p
	keep(s, once, p)
	return p, nil
}

// UpdatePage implements apiv4.PageStore.
func (s *Store) UpdatePage(ctx context.Context, path string, patch statuspage.PagePatch, now int64, expected statuspage.PagePrecondition) (statuspage.Page, error) {
	old, err := s.Page(ctx, path)
	if err != nil {
		return statuspage.Page{}, err
	}
	monitors, unknown := s.pageMonitors(patch.Monitors.Or(nil))
	next, err := old.Patched(patch, monitors, now)
	if err != nil {
		return statuspage.Page{}, err
	}
	if _, taken := s.pages[next.Path]; taken && next.Path != path {
		return statuspage.Page{}, statuspage.PageExists(next.Path)
	}
	if unknown != nil {
		return statuspage.Page{}, unknown
	}
	if expected != nil && !expected(old) {
		return statuspage.Page{}, statuspage.ErrPageChanged
	}
	delete(s.pages, path)
	s.pages[next.Path] = next
	return next, nil
}

// DeletePage implements apiv4.PageStore.
func (s *Store) DeletePage(ctx context.Context, path string, _ int64, expected statuspage.PagePrecondition) error {
	if path == "" {
		return statuspage.ErrHomePageStays
	}
	p, err := s.Page(ctx, path)
	if err != nil {
		return err
	}
	if expected != nil && !expected(p) {
		return statuspage.ErrPageChanged
	}
	delete(s.pages, path)
	return nil
}

// SiteSettings implements apiv4.SiteStore.
func (s *Store) SiteSettings(context.Context) ([]statuspage.SiteSetting, error) {
	return slices.SortedFunc(maps.Values(s.settings), func(a, b statuspage.SiteSetting) int { return cmp.Compare(a.Key, b.Key) }), nil
}

// SiteSetting implements apiv4.SiteStore.
func (s *Store) SiteSetting(_ context.Context, key string) (statuspage.SiteSetting, error) {
	v, there := s.settings[key]
	if !there {
		v.Key = key
	}
	return v, nil
}

// SetSiteSetting implements apiv4.SiteStore.
func (s *Store) SetSiteSetting(ctx context.Context, key, value string, now int64, expected statuspage.SitePrecondition) (statuspage.SiteSetting, error) {
	v, err := s.SiteSetting(ctx, key)
	if err != nil {
		return v, err
	}
	if expected != nil && !expected(v) {
		return statuspage.SiteSetting{}, statuspage.ErrSettingChanged
	}
	if v.Version == 0 {
		v.Created = now
	}
	v.Value, v.Updated = value, now
	v.Version++
	s.settings[key] = v
	return v, nil
}
