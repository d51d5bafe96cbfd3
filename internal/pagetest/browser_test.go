//go:build browser

package pagetest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"tocsin/internal/dynamotest"
)

// A mode is a way to look at a page.
type mode struct {
	name   string
	width  int64   // CSS pixels
	zoom   float64 // device pixels a CSS pixel
	media  string  // "print" or "", the screen
	dark   bool
	forced bool   // colours, as high contrast modes have them
	plain  bool   // without JavaScript
	own    bool   // the page has files of the site's own
	until  string // expression that is waited for
}

var modes = []mode{
	{name: "light", width: 1200, zoom: 1},
	{name: "dark", width: 1200, zoom: 1, dark: true},
	{name: "phone", width: 390, zoom: 2},
	{name: "narrow", width: 320, zoom: 1},
	{name: "zoomed", width: 640, zoom: 2}, // a window of 1280 pixels at 200 %
	{name: "forced", width: 1200, zoom: 1, forced: true},
	{name: "plain", width: 1200, zoom: 1, plain: true},
	{name: "print", width: 794, zoom: 1, media: "print"}, // A4
}

// A browser is a Chromium that runs for all tests.
type browser struct {
	ctx context.Context
	axe string // axe-core's script
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	root := dynamotest.Root(t)
	script, err := os.ReadFile(filepath.Join(root, ".local", "test-page", "npm", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatalf("the tests need axe-core: make test-page fetches it: %v", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU)
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), append(options, chromedp.ExecPath(chromium(t)))...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("Chromium does not start: %v", err)
	}
	return &browser{ctx, string(script)}
}

// chromium is the path of the program.
func chromium(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("CHROMIUM"); path != "" {
		return path
	}
	for _, path := range []string{"/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Fatal("the tests need Chromium, and none is here: install it (Debian: apt-get install chromium), or say where it is, CHROMIUM=/path/to/chromium")
	return ""
}

// A look is what a browser shows and does.
type look struct {
	Text     string   // of the page, as it is laid out
	Width    int64    // of the content, CSS pixels
	Elements int64    //
	Cookies  string   //
	Found    []string // what axe-core finds wrong
	Passed   int      // rules of axe-core
	Requests []string // addresses
	Problems []string // messages of the console that tell of mistakes
	Picture  []byte   // PNG
}

// look opens an address. The browser believes that it is now (UTC seconds), and in that zone.
func (b *browser) look(t *testing.T, address string, m mode, now int64, zone string) look {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	defer cancel()
	ctx, stop := context.WithTimeout(ctx, 2*time.Minute)
	defer stop()
	var l look
	var mu sync.Mutex
	err := chromedp.Listen(ctx, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, "data:") {
				l.Requests = append(l.Requests, e.Request.URL)
			}
		case *log.EventEntryAdded:
			// A page that tells of an error is answered with one.
			if e.Entry.Level == log.EntryLevelError && !strings.Contains(e.Entry.Text, "the server responded with a status of") {
				l.Problems = append(l.Problems, e.Entry.Text)
			}
		case *runtime.EventExceptionThrown:
			l.Problems = append(l.Problems, e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			l.Problems = append(l.Problems, fmt.Sprint(e.Type, " to the console"))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	setting := func(name, value string, on bool) *emulation.MediaFeature {
		if !on {
			value = ""
		}
		return &emulation.MediaFeature{Name: name, Value: value}
	}
	scheme := "light"
	if m.dark {
		scheme = "dark"
	}
	must(t, address, call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: m.media, Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, setting("forced-colors", "active", m.forced),
	}}))
	must(t, address, call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: m.plain}))
	must(t, address, call(ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: zone}))
	must(t, address, call(ctx, network.Enable, network.EnableParams{}))
	must(t, address, call(ctx, log.Enable, empty{}))
	must(t, address, call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: fmt.Sprintf("Date.now = () => %d", now*1000)}))
	must(t, address, chromedp.Do(ctx, chromedp.EmulateViewport(m.width, 900, chromedp.EmulateScale(m.zoom)), chromedp.Navigate(address)))
	if m.until != "" {
		_, err := chromedp.Run(ctx, chromedp.Poll[bool](m.until))
		must(t, address, err)
	}
	l.Text = evaluate[string](t, ctx, `document.body.innerText`)
	l.Width = evaluate[int64](t, ctx, `document.documentElement.scrollWidth`)
	l.Elements = evaluate[int64](t, ctx, `document.getElementsByTagName('*').length`)
	l.Cookies = evaluate[string](t, ctx, `document.cookie`)
	l.Picture = picture(t, ctx)
	// The page has been loaded without its script; axe-core needs to run.
	must(t, address, call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: false}))
	l.Found, l.Passed = b.check(t, ctx)
	mu.Lock()
	defer mu.Unlock()
	return l
}

// check lets axe-core look at the page.
func (b *browser) check(t *testing.T, ctx context.Context) (found []string, passed int) {
	t.Helper()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](b.axe+";axe.run({resultTypes:['violations','passes']}).then(r=>JSON.stringify({passed:r.passes.length,found:r.violations.map(v=>v.id+': '+v.nodes.map(n=>n.target.join(' ')+' '+n.failureSummary).join('; '))}))", chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("axe-core: %v", err)
	}
	var result struct {
		Passed int
		Found  []string
	}
	if err := json.Unmarshal([]byte(text), &result); err != nil {
		t.Fatal(err)
	}
	return result.Found, result.Passed
}

// picture is the whole page, however long.
func picture(t *testing.T, ctx context.Context) []byte {
	t.Helper()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	return png
}

func evaluate[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return value
}

func must(t *testing.T, address string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
}

type empty = cdp.Empty

// call runs a command of the browser that answers nothing of interest.
func call[P, R any](ctx context.Context, command cdp.Command[P, R], params P) error {
	_, err := chromedp.Call(ctx, command, params)
	return err
}
