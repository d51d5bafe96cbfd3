// Package page writes down what package site knows: HTML, feeds, the JSON that status
// aggregators read, badges and plain text. Everything here is a pure function from a site to
// bytes: the same site gives the same bytes.
package page

import "tocsin/internal/site"

// A File is what one public address answers.
type File struct {
	Path   string // of the address, "/monitors/api" or "/de/"; it begins with a slash
	Type   string // content type
	Status int    // 200, 404 or 410
	Body   []byte

	// Every is for how many seconds figures may stay as they are, while nothing that a reader
	// has to know at once has changed (see site.Site.Still).
	Every int64
}

// How often figures move.
const (
	Soon   = 5 * 60  // of the home page and of the JSON that tells of the whole
	Hourly = 60 * 60 // of all else
)

// Languages are those that the pages are in. The first one is at /, each other one below its
// code: /de/.
var Languages = []string{"en", "de"}

// Files are all files that are made of the site alone: all but the pages of single incidents
// and of months.
func Files(s *site.Site) []File { return append(htmlFiles(s), machineFiles(s)...) }
