//go:build browser

package pagetest

import (
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mmcdole/gofeed"
)

// server is the address of a tocsin serve with demo data, which make test-page starts.
func server(t *testing.T) string {
	t.Helper()
	origin := os.Getenv("TOCSIN_PAGES")
	if origin == "" {
		t.Fatal("the tests need a server with demo data: make test-page starts one and says where it is in TOCSIN_PAGES")
	}
	return origin
}

// TestServerLinks follows every link of the server: nothing is missing.
func TestServerLinks(t *testing.T) {
	found := crawl(t, server(t), public, func(string, string) {})
	for _, path := range []string{"/de/", "/monitors/checkout", "/de/monitors/email", "/incidents/1", "/incidents/3", "/maintenances/1", "/de/maintenances/m/1", "/monitors/api/rss.xml"} {
		if !slices.Contains(found, path) {
			t.Errorf("nothing leads to %s", path)
		}
	}
	t.Logf("%d addresses", len(found))
}

// TestServerFeeds reads the feeds as a reader of feeds does. While nothing happens they are
// the same to the byte.
func TestServerFeeds(t *testing.T) {
	origin := server(t)
	for path, title := range map[string]string{
		"/rss.xml": "E-mails arrive late", "/atom.xml": "E-mails arrive late", "/feed.json": "E-mails arrive late",
		"/monitors/checkout/rss.xml": "Database upgrade", "/monitors/checkout/atom.xml": "Database upgrade", "/monitors/checkout/feed.json": "Database upgrade",
		"/monitors/email/rss.xml": "E-mails arrive late",
	} {
		text := get(t, origin+path)
		feed, err := gofeed.NewParser().ParseString(text)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if len(feed.Items) == 0 || !strings.Contains(feed.Items[0].Title, title) {
			t.Errorf("%s begins with %+v", path, feed.Items)
		}
		for _, i := range feed.Items {
			at := i.PublishedParsed
			if at == nil {
				at = i.UpdatedParsed
			}
			if at == nil || at.After(time.Now()) || i.GUID == "" || !strings.HasPrefix(i.Link, origin+"/incidents/") && !strings.HasPrefix(i.Link, origin+"/maintenances/") {
				t.Errorf("%s has the item %+v", path, i)
			}
		}
		if again := get(t, origin+path); again != text {
			t.Errorf("%s is another one the second time:\n%s\n%s", path, text, again)
		}
	}
}

func get(t *testing.T, address string) string {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", address, resp.Status, err)
	}
	return string(body)
}

// TestServerInBrowser looks at the server's pages as TestPages does at others.
func TestServerInBrowser(t *testing.T) {
	origin, b := server(t), newBrowser(t)
	for name, path := range map[string]string{"home": "/", "monitor": "/monitors/accounts", "incident": "/incidents/3"} {
		for _, m := range modes[:2] {
			l := b.look(t, origin+path, m, time.Now().Unix(), "UTC")
			keep(t, "server-"+name+"-"+m.name, l.Picture)
			l.verify(t, m, origin, path)
			if !strings.Contains(l.Text, "Otterbrook") {
				t.Errorf("%s: the text is %s", path, l.Text)
			}
		}
	}
}
