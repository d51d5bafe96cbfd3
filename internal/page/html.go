package page

import "tocsin/internal/site"

// htmlFiles are the pages for people.
func htmlFiles(s *site.Site) []File { return nil }
