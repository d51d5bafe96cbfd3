package apiv4

import (
	"context"
	"encoding/json"
	"net/http"

	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// SiteStore keeps the settings of the site that somebody has set.
type SiteStore interface {
	// SiteSettings lists them by key.
	SiteSettings(ctx context.Context) ([]statuspage.SiteSetting, error)

	// SiteSetting returns one. One that nobody has set has nothing but its key.
	SiteSetting(ctx context.Context, key string) (statuspage.SiteSetting, error)

	// SetSiteSetting sets one to a value that it can have. It returns ErrSettingChanged when
	// it is not as expected.
	SetSiteSetting(ctx context.Context, key, value string, now int64, expected statuspage.SitePrecondition) (statuspage.SiteSetting, error)
}

type site struct{ store SiteStore }

// Site returns the routes of the site's settings. None can be deleted.
func Site(store SiteStore) []web.Route {
	h := site{store}
	return []web.Route{
		{Group: web.Settings, Path: "/api/v4/site", Methods: []web.Method{
			web.GET(statuspage.ScopePagesRead, h.list()),
		}},
		{Group: web.Settings, Path: "/api/v4/site/{key}", Methods: []web.Method{
			web.GET(statuspage.ScopePagesRead, web.Acts(siteKey, h.get, showSetting)),
			web.PATCH(statuspage.ScopePagesWrite, web.Acts(readSetting, h.set, showSetting)),
		}},
	}
}

var errValueRequired = bad("Value is required")

const siteCursor = "s"

// siteQuery says which part of the list of settings is asked for.
type siteQuery struct {
	after int // how many of statuspage.SiteKeys are passed over
}

func (h site) list() web.Handler {
	return web.List[siteQuery, statuspage.SiteSetting, int64]{
		Name: "site_data",
		Query: func(r *web.Request) (q siteQuery, limit int, err error) {
			limit, after, err := r.Query().Page(siteCursor)
			q.after = int(min(after, int64(len(statuspage.SiteKeys()))))
			return q, limit, err
		},
		Read: func(ctx context.Context, q siteQuery, take func(statuspage.SiteSetting) bool) (int64, error) {
			all, err := h.store.SiteSettings(ctx)
			if err != nil {
				return 0, err
			}
			set := map[string]statuspage.SiteSetting{}
			for _, v := range all {
				set[v.Key] = v
			}
			for n, k := range statuspage.SiteKeys()[q.after:] {
				v, is := set[k.Key]
				if !is {
					v.Key = k.Key
				}
				if (is || k.Default != nil) && !take(v) {
					return int64(q.after + n), nil
				}
			}
			return 0, nil
		},
		Show:   func(r *web.Request, v statuspage.SiteSetting) any { return shownSetting(r, v) },
		Cursor: web.IDCursor(siteCursor),
	}.Handler()
}

func siteKey(r *web.Request) (statuspage.SiteKey, error) {
	k, there := statuspage.SiteKeyOf(r.PathValue("key"))
	if !there {
		return k, statuspage.SiteKeyUnknown(r.PathValue("key"))
	}
	return k, nil
}

func (h site) get(r *web.Request, k statuspage.SiteKey) (statuspage.SiteSetting, error) {
	v, err := h.store.SiteSetting(r.Context(), k.Key)
	if err == nil && v.Version == 0 && k.Default == nil {
		err = statuspage.SiteSettingNotFound(k.Key)
	}
	return v, err
}

// settingPatch is what a PATCH sets a setting to.
type settingPatch struct{ key, value string }

func readSetting(r *web.Request) (p settingPatch, err error) {
	k, err := siteKey(r)
	if err != nil {
		return p, err
	}
	f, err := web.DecodeBody(r.Content)
	if err != nil {
		if kind := web.KindOf(r.Content); kind != web.KindNull && json.Valid(r.Content) {
			err = errValueRequired // Kener looks for a value in a number, a text and an array too
		}
		return p, err
	}
	if f.Kind("value") == web.KindAbsent {
		return p, errValueRequired
	}
	p.key = k.Key
	p.value, err = settingValue(k, f)
	return p, err
}

// settingValue is the value as it is kept: of a text what ECMAScript's String makes of it.
func settingValue(k statuspage.SiteKey, f web.Fields) (string, error) {
	raw, err := f.JSON("value")
	if err != nil {
		return "", err
	}
	value := string(raw)
	if k.Type == statuspage.TextData {
		value = web.ECMAText(raw)
	}
	return value, k.Check(value)
}

func (h site) set(r *web.Request, p settingPatch) (statuspage.SiteSetting, error) {
	seen := ifMatch(r, func(v statuspage.SiteSetting) string { return entityTag(shownSetting(r, v)) })
	expected := func(v statuspage.SiteSetting) bool {
		k, _ := statuspage.SiteKeyOf(v.Key)
		there := v.Version > 0 || k.Default != nil
		return seen == nil || there && seen(v)
	}
	return h.store.SetSiteSetting(r.Context(), p.key, p.value, r.Now, expected)
}

// settingJSON is a setting of the site (docs/api.md, Site).
type settingJSON struct {
	Key   string              `json:"key"`
	Value json.RawMessage     `json:"value"`
	Type  statuspage.DataType `json:"data_type"`
}

// shownSetting is the setting, with its default when nobody has set it: those of the site's
// name and address are what the service was deployed with.
func shownSetting(r *web.Request, v statuspage.SiteSetting) settingJSON {
	if v.Version == 0 {
		k, _ := statuspage.SiteKeyOf(v.Key)
		v.Value = *k.Default
		switch v.Key {
		case statuspage.SiteNameKey:
			v.Value = r.SiteName()
		case statuspage.SiteURLKey:
			v.Value = r.SiteURL()
		}
	}
	return toSettingJSON(v)
}

func toSettingJSON(v statuspage.SiteSetting) settingJSON {
	k, _ := statuspage.SiteKeyOf(v.Key)
	j := settingJSON{Key: v.Key, Value: json.RawMessage(v.Value), Type: k.Type}
	if k.Type == statuspage.TextData {
		j.Value = web.Encode(v.Value)
	}
	if v.Version == 0 && k.DefaultType != "" {
		j.Type = k.DefaultType
	}
	return j
}

func showSetting(r *web.Request, v statuspage.SiteSetting) web.Answer {
	shown := shownSetting(r, v)
	a := web.JSON(http.StatusOK, web.Encode(shown))
	a.ETag = entityTag(shown)
	return a
}
