package page

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"image/color"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/site"
	"tocsin/internal/site/sitetest"
)

// A drawing is what a test wants to know of an SVG.
type drawing struct {
	Width, Height int
	Says          string   // its aria-label
	Title         string   // for the eye
	Texts         []string // what is written in it
	Fills         []string // of its areas
	Inks          []string // of its texts
	Animated      bool
}

func parseSVG(t *testing.T, svg []byte) drawing {
	t.Helper()
	var x struct {
		Width  int    `xml:"width,attr"`
		Height int    `xml:"height,attr"`
		Role   string `xml:"role,attr"`
		Says   string `xml:"aria-label,attr"`
		Title  string `xml:"title"`
		Style  string `xml:"style"`
		Areas  []struct {
			Fill  string `xml:"fill,attr"`
			Texts []struct {
				Fill string `xml:"fill,attr"`
				Text string `xml:",chardata"`
			} `xml:"text"`
		} `xml:",any"`
	}
	if err := xml.Unmarshal(svg, &x); err != nil {
		t.Fatalf("%v: %s", err, svg)
	}
	if x.Role != "img" {
		t.Errorf("the role is %q", x.Role)
	}
	d := drawing{Width: x.Width, Height: x.Height, Says: x.Says, Title: x.Title, Animated: x.Style != ""}
	for _, a := range x.Areas {
		if a.Fill != "" && !strings.HasPrefix(a.Fill, "url") {
			d.Fills = append(d.Fills, a.Fill)
		}
		for _, text := range a.Texts {
			d.Texts, d.Inks = append(d.Texts, text.Text), append(d.Inks, text.Fill)
		}
	}
	return d
}

func shopData(t *testing.T, tag string) Data {
	t.Helper()
	for _, d := range dataOf(shop()) {
		if d.Monitor.Tag == tag {
			return d
		}
	}
	t.Fatalf("no data of %s", tag)
	return Data{}
}

// TestBadge looks at what a badge says and in which colours, by what is asked.
func TestBadge(t *testing.T) {
	down, degraded, maintenance := hexColour(palettes{}.statusColour(site.Down)), hexColour(palettes{}.statusColour(site.Degraded)), hexColour(palettes{}.statusColour(site.UnderMaintenance))
	for _, c := range []struct {
		tag, kind, query string
		texts            []string
		fills            []string
	}{
		{"checkout", "status", "", []string{"Checkout & pay", "Down"}, []string{"#333333", down}},
		{"api", "status", "", []string{"API", "Degraded"}, []string{"#333333", degraded}},
		{"search", "status", "", []string{"Search", "Maintenance"}, []string{"#333333", maintenance}},
		{"_", "status", "", []string{"Example Shop", "Down"}, []string{"#333333", down}},
		{"api", "status", "locale=de", []string{"API", "Beeinträchtigt"}, nil},
		{"api", "status", "locale=xx", []string{"API", "Degraded"}, nil},
		{"api", "status", "label=Our+API&labelColor=navy&color=fc0", []string{"Our API", "Degraded"}, []string{"#000080", "#ffcc00"}},
		{"api", "status", "color=%23ABCDEF", nil, []string{"#333333", "#abcdef"}},
		{"api", "status", "label=", []string{"API", "Degraded"}, nil},
		{"api", "status", "label=%00%1b%E2%80%AE", []string{"Degraded"}, []string{degraded}},
		{"api", "status", "labelColor=url(%23x)&color=red%22/%3E%3Cscript%3E", []string{"API", "Degraded"}, []string{"#333333", degraded}},
		{"api", "status", "color=12345&labelColor=-1", nil, []string{"#333333", degraded}},
		{"api", "status", "color=ff000080&labelColor=%2bfffff", nil, []string{"#333333", degraded}},
		{"api", "status", "style=for-the-badge", []string{"API", "DEGRADED"}, nil},

		{"api", "uptime", "", []string{"API 90d", "99.969%"}, []string{"#333333", "#0b5fc0"}},
		{"_", "uptime", "", []string{"Example Shop 90d", "99.969%"}, nil},
		{"api", "uptime", "locale=de", []string{"API 90d", "99,969\u00a0%"}, nil},
		{"api", "uptime", "hideDuration=true", []string{"API", "99.969%"}, nil},
		{"api", "uptime", "hideDuration=1", []string{"API 90d", "99.969%"}, nil},
		{"api", "uptime", "sinceLast=3600", []string{"API 1h", "100.000%"}, nil},
		{"api", "uptime", "sinceLast=59", []string{"API 90d", "99.969%"}, nil},
		{"api", "uptime", "sinceLast=60", []string{"API 1h", "100.000%"}, nil},
		{"api", "uptime", "sinceLast=7201", []string{"API 3h", "100.000%"}, nil},
		{"api", "uptime", "sinceLast=86400", []string{"API 1d", "100.000%"}, nil},
		{"api", "uptime", "sinceLast=172800", []string{"API 2d", "100.000%"}, nil},
		{"api", "uptime", "sinceLast=172801", []string{"API 3d", "100.000%"}, nil},
		{"api", "uptime", "sinceLast=691200", []string{"API 8d", "99.652%"}, nil},
		{"api", "uptime", "sinceLast=99999999", []string{"API 90d", "99.969%"}, nil},
		{"api", "uptime", "sinceLast=x", []string{"API 90d", "99.969%"}, nil},
		{"api", "uptime", "sinceLast=-5", []string{"API 90d", "99.969%"}, nil},

		{"api", "latency", "", []string{"API 90d", "81\u00a0ms"}, nil},
		{"api", "latency", "metric=maximum", []string{"API 90d", "160\u00a0ms"}, nil},
		{"api", "latency", "metric=minimum", []string{"API 90d", "80\u00a0ms"}, nil},
		{"api", "latency", "metric=median", []string{"API 90d", "81\u00a0ms"}, nil},
		{"api", "latency", "metric=minimum&sinceLast=7200&hideDuration=true&label=x", []string{"x", "116\u00a0ms"}, nil},

		{"api", "dot", "", nil, []string{degraded}},
		{"api", "dot", "animate=ping", nil, []string{degraded, degraded}},
		{"api", "dot", "fillColor=hotpink", nil, []string{"#ff69b4"}},
		{"api", "dot", "fillColor=hotpink%22&color=red", nil, []string{degraded}},
	} {
		t.Run(c.tag+"/"+c.kind+"?"+c.query, func(t *testing.T) {
			q, err := url.ParseQuery(c.query)
			if err != nil {
				t.Fatal(err)
			}
			svg, ok := Badge(c.kind, shopData(t, c.tag), q)
			if !ok {
				t.Fatal("there is none")
			}
			d := parseSVG(t, svg)
			if c.texts != nil && !slices.Equal(d.Texts, c.texts) {
				t.Errorf("it says %q, want %q", d.Texts, c.texts)
			}
			if c.fills != nil && !slices.Equal(d.Fills, c.fills) {
				t.Errorf("it is %q, want %q", d.Fills, c.fills)
			}
			if c.kind != badgeDot && c.query != "style=for-the-badge" && d.Says != strings.Join(d.Texts, ": ") || d.Title != d.Says || d.Says == "" {
				t.Errorf("it is read as %q, %q", d.Says, d.Title)
			}
			if d.Animated != strings.Contains(c.query, "ping") {
				t.Errorf("animated: %v", d.Animated)
			}
		})
	}
}

func TestBadgeOfAnotherKind(t *testing.T) {
	for _, kind := range []string{"", "Status", "dots", "status.json"} {
		if svg, ok := Badge(kind, shopData(t, "api"), nil); ok {
			t.Errorf("%q is %s", kind, svg)
		}
	}
}

// TestBadgeStyles looks that each style draws the same words, at its own height.
func TestBadgeStyles(t *testing.T) {
	for style, height := range map[string]int{"": 20, "flat": 20, "flat-square": 20, "plastic": 18, "social": 20, "for-the-badge": 28, "unknown": 20} {
		svg, _ := Badge(badgeStatus, shopData(t, "api"), url.Values{"style": {style}})
		d := parseSVG(t, svg)
		if d.Height != height || d.Says != "API: Degraded" || d.Width < 60 || d.Width > 160 {
			t.Errorf("%q: %d × %d, %q", style, d.Width, d.Height, d.Says)
		}
		if len(svg) > 1024 {
			t.Errorf("%q has %d bytes", style, len(svg))
		}
	}
}

// TestBadgesWithoutData looks that what isn't known is said to be so.
func TestBadgesWithoutData(t *testing.T) {
	d := Data{Monitor: site.Monitor{Tag: "x", Status: site.NoData}}
	for kind, want := range map[string]string{"status": "x: No data", "uptime": "x 90d: No data", "latency": "x 90d: No data", "dot": "x: No data"} {
		svg, _ := Badge(kind, d, nil)
		if got := parseSVG(t, svg).Says; got != want {
			t.Errorf("%s says %q, want %q", kind, got, want)
		}
	}
}

// TestBadgeSize looks that a plain badge is small, whatever the name.
func TestBadgeSize(t *testing.T) {
	for name, limit := range map[string]int{"Service number 12345": 1024, strings.Repeat("long name ", 25): 1024, strings.Repeat("\U0001F525", 127): 1280} {
		for _, kind := range []string{badgeStatus, badgeUptime, badgeLatency, badgeDot} {
			d := shopData(t, "search")
			d.Monitor.Name = name
			if svg, _ := Badge(kind, d, nil); len(svg) > limit {
				t.Errorf("%s of %.20q has %d bytes", kind, name, len(svg))
			}
		}
	}
}

// TestBadgeContrast looks that the words can be read on any colour, and the colours of our own seen on white.
func TestBadgeContrast(t *testing.T) {
	d := shopData(t, "api")
	for _, c := range []string{"", "fff", "000", "777777", "767676", "ff0", "red", "lime", "0079ff", "hotpink", "808080", "teal", "c80"} {
		svg, _ := Badge(badgeStatus, d, url.Values{"color": {c}, "labelColor": {c}})
		got := parseSVG(t, svg)
		for n, ink := range got.Inks {
			a, _ := parseColour(ink)
			b, _ := parseColour(got.Fills[n])
			if ratio := contrast(a, b); ratio < 4.3 {
				t.Errorf("%s on %s has a contrast of %.2f", ink, got.Fills[n], ratio)
			}
		}
	}
	for _, status := range site.Statuses {
		if ratio := contrast(palettes{}.statusColour(status), white); ratio < 4.5 {
			t.Errorf("%s has a contrast of %.2f to white", status, ratio)
		}
	}
}

func TestContrast(t *testing.T) {
	for _, c := range []struct {
		a, b color.RGBA
		want float64
	}{
		{white, color.RGBA{0, 0, 0, 255}, 21},
		{white, white, 1},
		{color.RGBA{0x76, 0x76, 0x76, 255}, white, 4.54},
	} {
		if got := contrast(c.a, c.b); got < c.want-0.01 || got > c.want+0.01 || got != contrast(c.b, c.a) {
			t.Errorf("%v, %v: got %.3f, want %.2f", c.a, c.b, got, c.want)
		}
	}
}

// TestBadgePlainFiles looks that the badge of a query without anything is the file.
func TestBadgePlainFiles(t *testing.T) {
	for _, kind := range []string{badgeStatus, badgeUptime, badgeLatency, badgeDot} {
		svg, _ := Badge(kind, shopData(t, "api"), url.Values{})
		if f := fileAt(t, shop(), "/badge/api/"+kind); !bytes.Equal(f.Body, svg) || f.Type != "image/svg+xml; charset=utf-8" {
			t.Errorf("%s: %s %s", kind, f.Type, f.Body)
		}
	}
}

func TestShield(t *testing.T) {
	var got map[string]any
	if err := json.Unmarshal(fileAt(t, shop(), "/badge/api/uptime.json").Body, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"schemaVersion": 1.0, "label": "API 90d", "message": "99.969%", "color": "#0b5fc0", "cacheSeconds": 300.0}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestBadgeOfAll looks that an open incident without an impact is not called operational.
func TestBadgeOfAll(t *testing.T) {
	s := sitetest.Sample(1, 0)
	s.Open = []site.Incident{{ID: 1, Global: true, Status: site.NoData}}
	svg, _ := Badge(badgeStatus, dataOf(s)[0], nil)
	if got := parseSVG(t, svg).Says; got != "Example: Degraded" {
		t.Errorf("got %q", got)
	}
}

var badgeShape = regexp.MustCompile(`^<svg xmlns="http://www\.w3\.org/2000/svg" width="\d+" height="\d+" role="img" aria-label="[^"<>]*"><title>[^<>]*</title>`)

// FuzzBadge looks that no parameter gets into the drawing but as text or as a colour.
func FuzzBadge(f *testing.F) {
	f.Add("status", `"><script>`, "red", "#fff", "flat", "de", "3600", "maximum", "ping")
	f.Add("dot", "\x00\xff]]>", "url(#g)", "12345", "social", "xx", "-1", "", "")
	f.Add("latency", "{}", "&#34;", "hotpink", "for-the-badge", "en", "9999999999999999999", "minimum", "")
	data := dataOf(shop())
	f.Fuzz(func(t *testing.T, kind, label, color, labelColor, style, locale, sinceLast, metric, animate string) {
		q := url.Values{
			"label": {label}, "color": {color}, "labelColor": {labelColor}, "fillColor": {color}, "style": {style}, "locale": {locale},
			"sinceLast": {sinceLast}, "metric": {metric}, "animate": {animate},
		}
		for _, d := range data {
			svg, ok := Badge(kind, d, q)
			if !ok {
				continue
			}
			if err := wellFormed(svg); err != nil || !badgeShape.Match(svg) || len(svg) > 3000 {
				t.Errorf("%v: %s", err, svg)
			}
			harmless, _ := Badge(kind, d, url.Values{"label": {"x"}, "style": q["style"], "animate": q["animate"]})
			if a, b := tags(svg), tags(harmless); labelText(label) != "" && a != b {
				t.Errorf("its tags are %s, not %s", a, b)
			}
		}
	})
}

// tags are the names of the elements of a drawing, in order.
func tags(svg []byte) string {
	var all []string
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := d.Token()
		if err != nil {
			return strings.Join(all, " ")
		}
		if e, ok := token.(xml.StartElement); ok {
			all = append(all, e.Name.Local)
		}
	}
}
