package sitetest

import (
	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

// Branded is a site whose settings say something about all that they can, with two further pages.
// Its images are /assets/logo.svg and /assets/icon.svg.
func Branded() *site.Site {
	s := Sample(14, 8)
	s.Name, s.URL = "Northwind Cloud", "https://status.northwind.example"
	names := []string{
		"API", "Dashboard", "Checkout", "Webhooks", "Object storage", "Search", "Mail delivery", "Sign-in", "Mobile push", "Documentation", "Frankfurt", "Dublin", "São Paulo", "Singapore",
	}
	groups := []string{"Products", "Regions"}
	n := 0
	for g := range s.Groups {
		s.Groups[g].Name = groups[g]
		for m := range s.Groups[g].Monitors {
			s.Groups[g].Monitors[m].Name = names[n]
			n++
		}
	}
	s.Groups[0].Monitors[5].Status = site.Degraded
	s.Groups[1].Monitors[2].Status, s.Groups[1].Status, s.Groups[1].Partial = site.UnderMaintenance, site.UnderMaintenance, true
	s.Open[0].Title, s.Open[0].Affected[0].Name = "Dashboard does not load", "Dashboard"
	for i := range s.Past {
		s.Past[i].Affected[0].Name = "Dashboard"
	}
	storage := []site.Affected{{MonitorID: 13, Tag: "service-12", Name: "São Paulo", Status: site.UnderMaintenance}}
	maintenance := func(id, start, hours int64, title string, state statuspage.OccurrenceState) site.Maintenance {
		start = statuspage.FloorHour(Now) + start*hour
		return site.Maintenance{
			ID: id, Of: id, Title: title, Start: start, End: start + hours*hour, State: state, Status: site.UnderMaintenance, Affected: storage,
			Schedule: statuspage.Schedule{Start: start, Rule: "FREQ=MINUTELY;COUNT=1", Duration: hours * hour},
		}
	}
	s.Maintenances = []site.Maintenance{
		maintenance(1, -20, 2, "Certificates renewed", statuspage.Completed),
		maintenance(2, -1, 3, "Database upgrade in São Paulo", statuspage.Ongoing),
		maintenance(3, 50, 1, "Network maintenance", statuspage.Scheduled),
	}
	s.Ended = s.Maintenances[:1]
	s.Settings = site.Settings{
		Logo: "/assets/logo.svg", Favicon: "/assets/icon.svg", SocialImage: "/assets/social.png", MetaTitle: "Northwind status", Description: "How Northwind Cloud is doing.",
		Nav:    []site.Link{{Name: "Docs", URL: "https://docs.northwind.example", Icon: "/assets/icon.svg"}, {Name: "Support", URL: "/support"}},
		Footer: `<p>© 2026 Northwind Cloud · <a href="https://northwind.example/imprint">Imprint</a> · <a href="mailto:help@northwind.example">Help</a></p>`,
		Colours: map[string]string{
			"UP": "#67ab95", "DEGRADED": "#e6ca61", "DOWN": "#ca3038", "MAINTENANCE": "#6679cc", "ACCENT": "#f4f4f5", "ACCENT_FOREGROUND": "#e96e2d",
		},
		DarkColours: map[string]string{"ACCENT": "#2b2320"},
		CSS:         ".logo{border-radius:.25rem}\n",
		Notice: &site.Notice{
			Title: "We move to a new data centre on 12 December", Text: "Please add the new addresses to your allow-list before that day.", Kind: "WARNING", Closable: true, Again: 24,
			ActionURL: "https://northwind.example/move", ActionOf: "What to do",
		},
	}
	s.Page = site.Page{
		ID: 1, Title: "Everything", Header: "Northwind Cloud status", Subheader: "Products and regions, minute by minute.", MobileDays: 30,
		Events: site.Events{Past: &site.Range{Most: 3, Days: 30}, Ended: &site.Range{Most: 5, Days: 7}},
	}
	pages := []site.Page{
		s.Page,
		{ID: 2, Path: "products", Title: "Products", Header: "Products", Logo: "/assets/icon.svg", Layout: site.Layout{Compact: true}},
		{ID: 3, Path: "regions", Title: "Regions", Header: "Regions", Layout: site.Layout{Grid: true}, Days: 60, MobileDays: 14, MetaTitle: "Northwind regions", Description: "The regions of Northwind Cloud."},
		{ID: 4, Path: "wall", Title: "Wall", Layout: site.Layout{Grid: true, Compact: true}, Events: site.Events{Open: new(false), Running: new(false), Past: &site.Range{}, Planned: &site.Range{}}},
	}
	s.Siblings = pages
	for _, p := range pages[1:] {
		other := *s
		other.Page, other.Pages = p, nil
		s.Pages = append(s.Pages, &other)
	}
	return s
}
