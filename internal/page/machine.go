package page

import (
	"slices"

	"tocsin/internal/site"
)

// machineFiles are what machines read.
func machineFiles(s *site.Site) []File {
	return slices.Concat(statuspageFiles(s), feedFiles(s))
}
