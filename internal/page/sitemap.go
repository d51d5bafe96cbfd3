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

// hasSitemap reports whether there is one. It has to have whole addresses.
func hasSitemap(s *site.Site) bool { return s.URL != "" && !s.Settings.Sitemap.Off }

// sitemapFile lists addresses for search engines: those that the operator chose, or all pages. If
// there is none the answer is a 404.
func sitemapFile(s *site.Site) File {
	if !hasSitemap(s) {
		why := word("NoSitemapAddress")
		if s.Settings.Sitemap.Off {
			why = "NoSitemap"
		}
		return File{Path: sitemapPath, Type: textType, Status: 404, Body: []byte(mainWords(s).say(why) + "\n"), Every: Hourly}
	}
	x := sitemapXML{URLs: allPages(s)}
	if s.Settings.Sitemap.URLs != nil {
		x.URLs = nil
		for _, address := range s.Settings.Sitemap.URLs {
			x.URLs = append(x.URLs, sitemapURLXML{Location: address})
		}
	}
	return xmlFile(sitemapPath, "application/xml; charset=utf-8", x)
}

// allPages are the site's pages in all languages: the main ones, the monitors, the maintenances
// that are on or to come, and the incidents that the site knows with the months that they went on
// in.
func allPages(s *site.Site) []sitemapURLXML {
	var urls []sitemapURLXML
	addOf := func(of *site.Site, path, changed string) {
		for _, lang := range languagesOf(s) {
			urls = append(urls, sitemapURLXML{link(s, address(of, lang, path)), changed})
		}
	}
	add := func(path, changed string) { addOf(s, path, changed) }
	for _, of := range slices.Concat([]*site.Site{s}, s.Pages) {
		addOf(of, "/", "")
		addOf(of, "/history", "")
	}
	all := s.Everything()
	for _, m := range all.Monitors() {
		add(monitorPath(m.Tag), "")
	}
	for _, m := range site.Next(all.Maintenances) {
		add(seriesPath(m.Of), machineTime(m.Updated))
		add(occurrencePath(m.ID), machineTime(m.Updated))
	}
	incidents := all.Incidents()
	for _, i := range incidents {
		add(incidentPath(i.ID), machineTime(i.Updated))
	}
	for _, month := range monthsOf(incidents) {
		if hasBegun(s, month) {
			add(MonthPath(month), "")
		}
	}
	return urls
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
