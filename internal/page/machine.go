package page

import (
	"slices"

	"tocsin/internal/site"
)

// wholeFiles are what programs read to know how the whole is.
func wholeFiles(s *site.Site) []File {
	return append(wholeJSON(s), File{Path: "/status.txt", Type: textType, Status: 200, Body: statusText(s), Every: Hourly})
}

// machineFiles are what else programs read.
func machineFiles(s *site.Site) []File {
	files := slices.Concat(statuspageFiles(s), feedFiles(s), textFiles(s), []File{calendarFile(s), sitemapFile(s)}, pictureFiles(s), cssFiles(s))
	for _, d := range dataOf(s) {
		files = append(files, d.file())
		files = append(files, badgeFiles(d)...)
	}
	return files
}
