// Package page writes down what package site knows: HTML, feeds, the JSON that status
// aggregators read, badges and plain text. Everything here is a pure function from a site to
// bytes: the same site gives the same bytes.
package page

import (
	"strings"

	"tocsin/internal/site"
)

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

// Homes are the addresses of the home page, one a language.
func Homes() []string { return everywhere("/") }

// IncidentPaths are the addresses of the page of the incident with the id, one a language.
func IncidentPaths(id int64) []string { return everywhere(incidentPath(id)) }

// everywhere are the addresses of a page in all languages.
func everywhere(path string) []string {
	var all []string
	for _, lang := range Languages {
		all = append(all, localPath(lang, path))
	}
	return all
}

// MissingPath is the address of the page that says, in the language of the path, that nothing is
// there.
func MissingPath(path string) string {
	for _, lang := range Languages[1:] {
		if strings.HasPrefix(path, localPath(lang, "/")) {
			return localPath(lang, missing)
		}
	}
	return missing
}

// Files are all files that are made of the site alone: all but the pages of single incidents
// and of months.
func Files(s *site.Site) []File { return append(htmlFiles(s), machineFiles(s)...) }
