// Package pagetest has the tests of the public pages as a reader sees them: in a browser, with
// the build tag browser, and by crawling all that is published.
package pagetest
