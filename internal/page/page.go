// Package page writes down what package site knows: HTML, feeds, the JSON that status
// aggregators read, badges and plain text. Everything here is a pure function from a site to
// bytes: the same site gives the same bytes.
package page

import (
	"cmp"
	"slices"
	"strings"

	"tocsin/internal/site"
)

// A File is what one public address answers.
type File struct {
	Path   string // of the address, "/monitors/api" or "/de/"; it begins with a slash
	Type   string // content type
	Status int    // 200, 404 or 410
	Body   []byte

	// Gone says that the page is not there any more: the file stands in place of it, if it was.
	Gone bool

	// Every is for how many seconds figures may stay as they are, while nothing that a reader
	// has to know at once has changed (see site.Site.Still).
	Every int64
}

// How often figures move, in seconds.
const (
	Soon   = 5 * 60  // of the home page and of the JSON that tells of the whole
	Hourly = 60 * 60 // of all else, and of the whole when nobody posts anything and nothing is open

	// Slowly is for files about a monitor that is up, or of which nothing is known. Its uptime
	// hardly moves, and when its status changes they are put anyway.
	Slowly = 6 * 60 * 60
)

// LeadEvery is how often the figures of home and of the JSON beside it move; those of a further
// page each hour.
func LeadEvery(s *site.Site) int64 {
	if s.Page.Path != "" {
		return Hourly
	}
	if len(s.Open) > 0 {
		return Soon
	}
	for _, m := range s.Monitors() {
		if s.AsOf-m.Newest < hour {
			return Soon
		}
	}
	return Hourly
}

// every is how often the figures of a monitor with the status move.
func every(s site.Status) int64 {
	if isProblem(known(s)) {
		return Hourly
	}
	return Slowly
}

// Languages are those that pages can be in. A site has some of them, see languagesOf: its first
// one is at /, each other one below its code: /de/.
var Languages = []string{"en", "de"}

// languagesOf are the languages that the site's pages are in, the first one at the addresses
// without a language. There is at least one.
func languagesOf(s *site.Site) []string {
	known := slices.DeleteFunc(slices.Clone(s.Settings.Languages), func(lang string) bool { return !slices.Contains(Languages, lang) })
	if len(known) == 0 {
		return Languages
	}
	return known
}

// mainLanguage is that of the addresses without a language, and of what only programs read.
func mainLanguage(s *site.Site) string { return languagesOf(s)[0] }

// prefix is where the addresses in the language begin: "/de", or "" in the main language.
func prefix(s *site.Site, lang string) string {
	if lang == mainLanguage(s) {
		return ""
	}
	return "/" + lang
}

// Prefixes are where the addresses of pages begin: in each language of the site.
func Prefixes(s *site.Site) []string {
	var all []string
	for _, lang := range languagesOf(s) {
		all = append(all, prefix(s, lang))
	}
	return all
}

// address is where a page of the site is in the language. path is below the address of the
// site's page.
func address(s *site.Site, lang, path string) string {
	return below(s.Page.Base(), prefix(s, lang), path)
}

// shared is where a page is in the language that there is once for all pages of the site.
func shared(s *site.Site, lang, path string) string { return prefix(s, lang) + path }

// below is an address below a page and the prefix of a language. There is no slash at its end
// but at that of home pages: /, /de/, /team, /team/de.
func below(base, prefix, path string) string {
	if path == "/" && base != "" {
		return base + prefix
	}
	return base + prefix + path
}

// Homes are the addresses that a home page can have, whatever languages a site has.
func Homes() []string {
	homes := []string{"/"}
	for _, lang := range Languages {
		homes = append(homes, "/"+lang+"/")
	}
	return homes
}

// LeadPaths are the addresses of the lead files of a site whose pages begin with the prefixes;
// nil: those of all languages.
func LeadPaths(prefixes []string) []string {
	if prefixes == nil {
		prefixes = Prefixes(&site.Site{})
	}
	var all []string
	for _, p := range prefixes {
		all = append(all, p+"/")
	}
	return append(all, "/api/v2/status.json", "/api/v2/summary.json", "/status.txt")
}

// IncidentPaths are the addresses of the page of the incident with the id, one a language.
func IncidentPaths(s *site.Site, id int64) []string { return everywhere(s, incidentPath(id)) }

// everywhere are the addresses of a shared page in all languages, and where it is to be taken
// away.
func everywhere(s *site.Site, path string) []string {
	var all []string
	for _, p := range slices.Concat(Prefixes(s), s.Taken) {
		all = append(all, p+path)
	}
	return all
}

// inEachLanguage makes the file of a page in each language, and those that stand where it was
// in others.
func inEachLanguage(s *site.Site, file func(lang string) File) []File {
	var files []File
	for _, lang := range languagesOf(s) {
		files = append(files, file(lang))
	}
	if len(s.Taken) > 0 {
		path := strings.TrimPrefix(files[0].Path, s.Page.Base())
		for _, p := range s.Taken {
			files = append(files, NotFound(s, below(s.Page.Base(), p, cmp.Or(path, "/"))))
		}
	}
	return files
}

// MissingPath is the address of the page that says, in the language of the path, that nothing is
// there.
func MissingPath(path string) string {
	if lang := languageIn(path); lang != "" {
		return "/" + lang + missing
	}
	return missing
}

// NotFound is that page in place of what was at another address.
func NotFound(s *site.Site, path string) File {
	lang := languageIn(path)
	if !slices.Contains(languagesOf(s), lang) {
		lang = mainLanguage(s)
	}
	f := missingPage(s, lang)
	f.Path, f.Gone = path, true
	return f
}

// languageIn is the language that a path names, as /de/history and /team/de do; "" none.
func languageIn(path string) string {
	for n, part := range strings.Split(strings.TrimPrefix(path, "/"), "/") {
		if n < 2 && slices.Contains(Languages, part) {
			return part
		}
	}
	return ""
}

// Files are all files that are made of the site alone: all but the pages of single incidents
// and of months.
func Files(s *site.Site) []File { return append(LeadFiles(s), OtherFiles(s)...) }

// LeadFiles are those that tell of the whole: home, the JSON that programs read first, and
// plain text. Readers see them first, and they are few whatever is shown.
func LeadFiles(s *site.Site) []File {
	files := inEachLanguage(s, func(lang string) File { return homePage(s, lang) })
	return append(files, wholeFiles(s)...)
}

// OtherFiles are those of Files that are no LeadFiles, those of the site's other pages included.
func OtherFiles(s *site.Site) []File {
	files := append(htmlFiles(s), machineFiles(s)...)
	for _, other := range s.Pages {
		files = append(files, PageFiles(other)...)
	}
	return files
}

// PageFiles are all files of a page that is not the home page, below its address.
func PageFiles(s *site.Site) []File {
	files := inEachLanguage(s, func(lang string) File { return homePage(s, lang) })
	files = append(files, inEachLanguage(s, func(lang string) File { return historyPage(s, lang) })...)
	all := dataAbout(s, together(s))
	for _, f := range slices.Concat(wholeFiles(s), statuspageFiles(s), []File{all.file()}, badgeFiles(all)) {
		f.Path = s.Page.Base() + f.Path
		files = append(files, f)
	}
	files = append(files, wholeFeed(s).files()...) // which are below the page as they are
	return files
}
