package pagehttp

import "html"

// sorry is the page for the time when no page can be read. unmade: none was ever made, since
// the stack has no place for them.
func sorry(name string, unmade bool) []byte {
	if name == "" {
		name = "Status"
	}
	name = html.EscapeString(name)
	says := "<p>The status page can&#39;t be read at the moment. Please try again in half a minute.</p>"
	if unmade {
		says = "<p>There is no status page here yet: this function has no place to read it from, since the environment variable <code>SITE_BUCKET</code> is empty.</p>" +
			"<p><code>make run</code> serves the page on your own machine. The API is there: see <a href=\"/docs\">/docs</a>.</p>"
	}
	return []byte(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>` + name + `: not available</title>
<h1>` + name + `</h1>
` + says + `
</html>
`)
}
