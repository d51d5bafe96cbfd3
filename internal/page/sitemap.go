package page

import (
	"encoding/xml"
	"slices"

	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

const sitemapPath = "/sitemap.xml"

type sitemapXML struct {
	XMLName xml.Name        `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 urlset"`
	URLs    []sitemapURLXML `xml:"url"`
}

type sitemapURLXML struct {
	Location string `xml:"loc"`
	Changed  string `xml:"lastmod,omitempty"`
}

// sitemapFile lists the pages for search engines, in all languages: the main pages, the
// monitors, and the incidents that the site knows with the months that they went on in. A
// sitemap has to have whole addresses. If the site's URL is not known there is none, and the
// answer is a 404.
func sitemapFile(s *site.Site) File {
	if s.URL == "" {
		return File{Path: sitemapPath, Type: textType, Status: 404, Body: []byte("There is no sitemap, because the address of this site is not set.\n"), Every: Hourly}
	}
	var x sitemapXML
	add := func(path, changed string) {
		for _, lang := range Languages {
			x.URLs = append(x.URLs, sitemapURLXML{link(s, localPath(lang, path)), changed})
		}
	}
	add("/", "")
	add("/history", "")
	for _, m := range s.Monitors() {
		add(monitorPath(m.Tag), "")
	}
	incidents := s.Incidents()
	for _, i := range incidents {
		add(incidentPath(i.ID), machineTime(i.Updated))
	}
	for _, month := range monthsOf(incidents) {
		if hasBegun(s, month) {
			add(MonthPath(month), "")
		}
	}
	return xmlFile(sitemapPath, "application/xml; charset=utf-8", x)
}

// monthsOf are the first seconds of the months in which the incidents began and ended, the
// newest first.
func monthsOf(incidents []site.Incident) []int64 {
	var all []int64
	for _, i := range incidents {
		all = append(all, statuspage.FloorMonth(i.Start))
		if i.End != nil {
			all = append(all, statuspage.FloorMonth(*i.End))
		}
	}
	slices.Sort(all)
	slices.Reverse(all)
	return slices.Compact(all)
}
