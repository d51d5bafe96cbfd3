package page

import (
	"slices"

	"tocsin/internal/site"
)

// machineFiles are what machines read.
func machineFiles(s *site.Site) []File {
	files := slices.Concat(statuspageFiles(s), feedFiles(s), textFiles(s), []File{sitemapFile(s)}, pictureFiles(s))
	for _, d := range dataOf(s) {
		files = append(files, d.file())
		files = append(files, badgeFiles(d)...)
	}
	return files
}
