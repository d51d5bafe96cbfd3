package pagehttp

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"tocsin/internal/page"
	"tocsin/internal/publish"
	"tocsin/internal/site"
	"tocsin/internal/web"
)

// drawn returns what the query asks to be drawn another way than the file of the address: a
// badge with other words or colours, or an embed with another theme or fewer days. Both are
// made of the monitor's published data. ok is false where a query changes nothing.
func (h *Handler) drawn(r *http.Request) (o publish.Object, ok bool, err error) {
	if r.URL.RawQuery == "" {
		return o, false, nil
	}
	if base, rest, is := cutPrefix(r.URL.Path, "/badge/"); is {
		tag, kind, _ := strings.Cut(rest, "/")
		return h.badge(r, base, tag, kind)
	}
	if tag, is := strings.CutPrefix(r.URL.Path, "/embed/monitor-"); is {
		return h.embed(r, tag)
	}
	return o, false, nil
}

// badge draws one that is below base, the address of a page.
func (h *Handler) badge(r *http.Request, base, tag, kind string) (o publish.Object, ok bool, err error) {
	data, ok, err := h.data(r.Context(), base, tag)
	if !ok {
		return o, false, err
	}
	svg, ok := page.Badge(kind, data, r.URL.Query())
	return publish.Object{Status: http.StatusOK, Type: "image/svg+xml; charset=utf-8", Body: svg}, ok, nil
}

func (h *Handler) embed(r *http.Request, tag string) (o publish.Object, ok bool, err error) {
	data, ok, err := h.data(r.Context(), "", tag)
	if !ok {
		return o, false, err
	}
	query := r.URL.Query()
	theme := query.Get("theme")
	if theme != "light" && theme != "dark" {
		theme = ""
	}
	days, err := strconv.Atoi(query.Get("days"))
	if err != nil || days < 1 || days > site.Days {
		days = site.Days
	}
	return publish.Object{Status: http.StatusOK, Type: web.TypeHTML, Body: page.Embed(data, theme, days)}, true, nil
}

// data returns the data below base of the monitor with the tag, of all for _; ok is false when
// there is none.
func (h *Handler) data(ctx context.Context, base, tag string) (d page.Data, ok bool, err error) {
	o, err := h.get(ctx, base+"/data/"+tag+".json")
	if isNotFound(err) || err == nil && o.Status != http.StatusOK {
		return d, false, nil
	}
	if err != nil {
		return d, false, err
	}
	d, err = page.ParseData(o.Body)
	return d, err == nil, err
}
