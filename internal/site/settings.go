package site

// Settings are what the settings of the site say about the pages (docs/api.md, Site). The zero
// value is a site that nobody has said anything about.
type Settings struct {
	Logo        string // path or https URL of an image; "" none
	Favicon     string // likewise
	SocialImage string // likewise; "" a picture of the state
	MetaTitle   string // stands for the site's name in titles; "" none
	Description string // for search engines; "" what the page says of itself
	Nav         []Link
	Footer      string // HTML as it was given, of which the pages take what is harmless
	Theme       string // "light", "dark" or "", which is that of the reader's system
	Colours     map[string]string
	DarkColours map[string]string // by name, such as "UP"; those of Colours count where there is none
	CSS         string
	Notice      *Notice
	Languages   []string // codes, the first one is that of the addresses without a language; nil: all that there are
	Formats     Formats

	NoFeeds, NoBadges, NoEmbeds bool // the pages don't lead to them
	NoSwitcher                  bool // the pages don't lead to one another
	Exclusive                   bool // months too tell only of what concerns the monitors of the home page
	Sitemap                     Sitemap
}

// A Link is one of the navigation.
type Link struct{ Name, URL, Icon string }

// A Notice is what the operator announces above everything, in plain text.
type Notice struct {
	Title, Text         string
	Kind                string // "INFO", "WARNING" or "ERROR"
	Closable            bool
	Again               int64  // hours after which one that was closed is shown again; 0: never
	ActionURL, ActionOf string // a link and its text; "" none
}

// Formats are patterns of Unicode (UTS #35) for times; "" is the language's own.
type Formats struct{ DateAndTime, Date, Time string }

// A Sitemap says what is in it.
type Sitemap struct {
	Off  bool
	URLs []string // in place of the pages; nil: these
}

// A Page is what one of the pages says of itself, and how it shows what it has. The zero value
// is a home page that nobody has said anything about.
type Page struct {
	ID                                  int64
	Path                                string // "team"; "" of the home page
	Title, Header, Subheader, Logo      string // "" none
	Layout                              Layout
	Days, MobileDays                    int // that the bars show, at most Days; 0: all
	MetaTitle, Description, SocialImage string
	Events                              Events
}

// Base is where the addresses of the page begin: "/team", or "" of the home page.
func (p Page) Base() string {
	if p.Path == "" {
		return ""
	}
	return "/" + p.Path
}

// A Layout is how a page shows its monitors.
type Layout struct {
	Grid    bool // two columns
	Compact bool // a line each
}

// Events say which incidents and maintenances a home page shows; nil: as it comes.
type Events struct {
	Open    *bool  // incidents that are open
	Past    *Range // incidents that are over
	Running *bool  // maintenances that are on
	Ended   *Range // maintenances that are over
	Planned *Range // maintenances to come
}

// A Range is how much is shown: at most so many, within so many days.
type Range struct{ Most, Days int64 }
