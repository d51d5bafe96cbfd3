package page

import "tocsin/internal/site"

// machineFiles are what machines read.
func machineFiles(s *site.Site) []File { return nil }
