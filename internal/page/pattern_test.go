package page

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"
	"golang.org/x/net/html"

	"tocsin/internal/site"
	"tocsin/internal/site/sitetest"
)

const (
	early = 1795747341 // 2026-11-27T02:42:21Z
	late  = 1772323199 // 2026-02-28T23:59:59Z
)

// dateFns are what date-fns 4 writes for some patterns in UTC: early and late with its locales
// en-US and de.
var dateFns = []struct{ pattern, early, earlyGerman, late, lateGerman string }{
	{"P", "11/27/2026", "27.11.2026", "02/28/2026", "28.02.2026"},
	{"PP", "Nov 27, 2026", "27. Nov. 2026", "Feb 28, 2026", "28. Feb. 2026"},
	{"PPP", "November 27th, 2026", "27. November 2026", "February 28th, 2026", "28. Februar 2026"},
	{"PPPP", "Friday, November 27th, 2026", "Freitag, 27. November 2026", "Saturday, February 28th, 2026", "Samstag, 28. Februar 2026"},
	{"PPPPP", "Friday, November 27th, 2026", "Freitag, 27. November 2026", "Saturday, February 28th, 2026", "Samstag, 28. Februar 2026"},
	{"p", "2:42 AM", "02:42", "11:59 PM", "23:59"},
	{"pp", "2:42:21 AM", "02:42:21", "11:59:59 PM", "23:59:59"},
	{"ppp", "2:42:21 AM GMT+0", "02:42:21 GMT+0", "11:59:59 PM GMT+0", "23:59:59 GMT+0"},
	{"pppp", "2:42:21 AM GMT+00:00", "02:42:21 GMT+00:00", "11:59:59 PM GMT+00:00", "23:59:59 GMT+00:00"},
	{"Pp", "11/27/2026, 2:42 AM", "27.11.2026 02:42", "02/28/2026, 11:59 PM", "28.02.2026 23:59"},
	{"PPp", "Nov 27, 2026, 2:42 AM", "27. Nov. 2026 02:42", "Feb 28, 2026, 11:59 PM", "28. Feb. 2026 23:59"},
	{"PPpp", "Nov 27, 2026, 2:42:21 AM", "27. Nov. 2026 02:42:21", "Feb 28, 2026, 11:59:59 PM", "28. Feb. 2026 23:59:59"},
	{"PPPp", "November 27th, 2026 at 2:42 AM", "27. November 2026 um 02:42", "February 28th, 2026 at 11:59 PM", "28. Februar 2026 um 23:59"},
	{"PPPpp", "November 27th, 2026 at 2:42:21 AM", "27. November 2026 um 02:42:21", "February 28th, 2026 at 11:59:59 PM", "28. Februar 2026 um 23:59:59"},
	{"PPPPp", "Friday, November 27th, 2026 at 2:42 AM", "Freitag, 27. November 2026 um 02:42", "Saturday, February 28th, 2026 at 11:59 PM", "Samstag, 28. Februar 2026 um 23:59"},
	{"PPPPpppp", "Friday, November 27th, 2026 at 2:42:21 AM GMT+00:00", "Freitag, 27. November 2026 um 02:42:21 GMT+00:00", "Saturday, February 28th, 2026 at 11:59:59 PM GMT+00:00", "Samstag, 28. Februar 2026 um 23:59:59 GMT+00:00"},
	{"PP p", "Nov 27, 2026 2:42 AM", "27. Nov. 2026 02:42", "Feb 28, 2026 11:59 PM", "28. Feb. 2026 23:59"},
	{"yyyy-MM-dd HH:mm", "2026-11-27 02:42", "2026-11-27 02:42", "2026-02-28 23:59", "2026-02-28 23:59"},
	{"dd.MM.yyyy", "27.11.2026", "27.11.2026", "28.02.2026", "28.02.2026"},
	{"EEE d MMM y", "Fri 27 Nov 2026", "Fr. 27 Nov. 2026", "Sat 28 Feb 2026", "Sa. 28 Feb. 2026"},
	{"EEEE, do MMMM yyyy", "Friday, 27th November 2026", "Freitag, 27. November 2026", "Saturday, 28th February 2026", "Samstag, 28. Februar 2026"},
	{"h:mm a", "2:42 AM", "2:42 vorm.", "11:59 PM", "11:59 nachm."},
	{"hh:mm aaa", "02:42 am", "02:42 vorm.", "11:59 pm", "11:59 nachm."},
	{"h aaaa", "2 a.m.", "2 vormittags", "11 p.m.", "11 nachmittags"},
	{"d. MMMM yyyy 'um' HH:mm 'Uhr'", "27. November 2026 um 02:42 Uhr", "27. November 2026 um 02:42 Uhr", "28. February 2026 um 23:59 Uhr", "28. Februar 2026 um 23:59 Uhr"},
	{"yy/M/d H:m:s", "26/11/27 2:42:21", "26/11/27 2:42:21", "26/2/28 23:59:59", "26/2/28 23:59:59"},
	{"HH 'o''clock'", "02 o'clock", "02 o'clock", "23 o'clock", "23 o'clock"},
	{"''yy", "'26", "'26", "'26", "'26"},
	{"LLL LLLL L LL", "Nov November 11 11", "Nov November 11 11", "Feb February 2 02", "Feb Februar 2 02"},
	{"K:mm k:mm KK kk", "2:42 2:42 02 02", "2:42 2:42 02 02", "11:59 23:59 11 23", "11:59 23:59 11 23"},
	{"HH:mm:ss.SSS", "02:42:21.000", "02:42:21.000", "23:59:59.000", "23:59:59.000"},
	{"yyyy-MM-dd'T'HH:mm:ssXXX", "2026-11-27T02:42:21Z", "2026-11-27T02:42:21Z", "2026-02-28T23:59:59Z", "2026-02-28T23:59:59Z"},
	{"O OOOO z zzzz", "GMT+0 GMT+00:00 GMT+0 GMT+00:00", "GMT+0 GMT+00:00 GMT+0 GMT+00:00", "GMT+0 GMT+00:00 GMT+0 GMT+00:00", "GMT+0 GMT+00:00 GMT+0 GMT+00:00"},
	{"E EE", "Fri Fri", "Fr. Fr.", "Sat Sat", "Sa. Sa."},
	{"d日", "27日", "27日", "28日", "28日"},
	{"1d1 _", "1271 _", "1271 _", "1281 _", "1281 _"},
}

func TestPatterns(t *testing.T) {
	for _, c := range dateFns {
		for _, is := range []struct {
			lang string
			at   int64
			want string
		}{{"en", early, c.early}, {"de", early, c.earlyGerman}, {"en", late, c.late}, {"de", late, c.lateGerman}} {
			p, ok := wordsIn(is.lang).parse(c.pattern)
			if got := p.text(time.Unix(is.at, 0).UTC()); !ok || got != is.want {
				t.Errorf("%s, %s: got %q, %v, want %q", is.lang, c.pattern, got, ok, is.want)
			}
		}
	}
}

// TestPatternsInScript has the script write times in other zones: each is as it is here, and says
// in which zone it is.
func TestPatternsInScript(t *testing.T) {
	here := time.Local
	t.Cleanup(func() { time.Local = here })
	vm := goja.New()
	for _, name := range []string{"Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "Pacific/Chatham"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		time.Local = zone // which the JavaScript takes
		for _, lang := range Languages {
			for _, c := range dateFns {
				p, _ := wordsIn(lang).parse(c.pattern)
				for _, at := range []int64{early, late, early - 180*day} {
					want := p.text(time.Unix(at, 0))
					if !p.zoned() {
						want += " " + shortZone.text(time.Unix(at, 0))
					}
					if err := vm.Set("seconds", at); err != nil {
						t.Fatal(err)
					}
					got, err := vm.RunString("(at => " + p.javascript() + ")(new Date(seconds * 1000))")
					if err != nil || got.String() != want {
						t.Errorf("%s, %s, %s, %d: got %v, %v, want %q", name, lang, c.pattern, at, got, err, want)
					}
				}
			}
		}
	}
}

// TestSenselessPatterns looks that a site with one has the forms of its language.
func TestSenselessPatterns(t *testing.T) {
	for _, pattern := range []string{"", " ", "''", "'at'", "-", "日", "Q", "yyyy-QQ", "hello", "MMMMM", "EEEEE", "ddd", "HHH", "mo", "x", "X", "b", "'d", strings.Repeat("yyyy ", 21)} {
		s := shop()
		s.Settings.Formats = site.Formats{DateAndTime: pattern, Date: pattern, Time: pattern}
		w := wordsOf(s, "de")
		for _, c := range []struct{ got, want string }{
			{w.instant(early), "27. November 2026, 02:42 UTC"}, {w.date(early), "27. November 2026"}, {w.until(early, early+hour), "03:42 UTC"},
		} {
			if c.got != c.want {
				t.Errorf("%q: got %q, want %q", pattern, c.got, c.want)
			}
		}
		if got, want := homePage(s, "de"), homePage(shop(), "de"); string(got.Body) != string(want.Body) {
			t.Errorf("%q makes another page", pattern)
		}
	}
}

// TestFormats looks at the times of a site that has formats.
func TestFormats(t *testing.T) {
	s := shop()
	s.Settings.Formats = site.Formats{DateAndTime: "PPpp", Date: "dd.MM.yyyy", Time: "h:mm a"}
	en, de := wordsOf(s, "en"), wordsOf(s, "de")
	for _, c := range []struct{ got, want string }{
		{en.instant(early), "Nov 27, 2026, 2:42:21 AM UTC"},
		{de.instant(early), "27. Nov. 2026 02:42:21 UTC"},
		{en.date(early), "27.11.2026"},
		{en.until(early, early+hour), "3:42 AM UTC"},
		{en.until(early, early+day), "Nov 28, 2026, 2:42:21 AM UTC"},
		{en.span(early, early+hour), "Nov 27, 2026, 2:42:21 AM UTC to 3:42 AM UTC"},
		{en.dayOfYear(early), "27 November"},
		{en.schedule(weekly), "Every Friday, 3:42 AM to 5:42 AM, Berlin time"},
		{wordsIn("en").instant(early), "27 November 2026, 02:42 UTC"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	for _, path := range []string{"/status.txt", "/rss.xml", "/feed.json", "/monitors/api/atom.xml"} {
		if body := string(fileAt(t, s, path).Body); !strings.Contains(body, "Nov 27, 2026, 2:") || strings.Contains(body, "27 November 2026, 02:") {
			t.Errorf("%s has other times:\n%s", path, body)
		}
	}
	for _, f := range htmlOf(s) {
		checkPage(t, f)
		if strings.Contains(string(f.Body), "November 2026, ") && !strings.Contains(f.Path, "/events/") {
			t.Errorf("%s has other times:\n%s", f.Path, f.Body)
		}
	}
	d, err := ParseData(fileAt(t, s, "/data/api.json").Body)
	if body := string(Embed(d, "", 7)); err != nil || !strings.Contains(body, ">27.11.2026<") || strings.Contains(body, "November") {
		t.Errorf("an embed has other dates, %v:\n%s", err, body)
	}
	s.Settings.Formats = site.Formats{DateAndTime: "HH:mm:ss zzzz"}
	if got := wordsOf(s, "en").instant(early); got != "02:42:21 GMT+00:00" {
		t.Errorf("a zone is said twice: %q", got)
	}
}

// TestOwnScript looks that the script of a site with a format runs, and that no pattern gets out
// of it.
func TestOwnScript(t *testing.T) {
	if strings.Count(script, zonedTime) != 1 {
		t.Fatalf("the script has no %s", zonedTime)
	}
	for _, pattern := range []string{"PPPPpppp", "yyyy-MM-dd HH:mm", "d '</script><script>alert(1)'", "d '\"]+alert(1)+[\"'", "d '\\'", "d '`${alert(1)}`'", "d\u2028\u0000\xff"} {
		s := sitetest.Sample(2, 1)
		s.Settings.Formats.DateAndTime = pattern
		for _, lang := range Languages {
			f := homePage(s, lang)
			checkPage(t, f)
			all := elements(parse(t, f))
			n := slices.IndexFunc(all, func(n *html.Node) bool { return n.Data == "script" })
			own := all[n].FirstChild.Data
			if own == script || own != (&page{words: wordsOf(s, lang)}).script() {
				t.Errorf("%q: the script is %s", pattern, own)
			}
			if _, err := goja.Compile("page.js", own, true); err != nil {
				t.Errorf("%q: %v in %s", pattern, err, own)
			}
		}
	}
}

func FuzzPattern(f *testing.F) {
	for _, c := range dateFns {
		f.Add(c.pattern, int64(early))
	}
	f.Add("d '</script>'", int64(late))
	vm := goja.New()
	f.Fuzz(func(t *testing.T, s string, at int64) {
		at %= 4_000 * 365 * day
		for _, lang := range Languages {
			p, ok := wordsIn(lang).parse(s)
			if !ok {
				continue
			}
			if p.utc(at) == "" {
				t.Errorf("%q writes nothing", s)
			}
			code := p.javascript()
			if strings.Contains(code, "<") {
				t.Errorf("%q is %s in a script", s, code)
			}
			if _, err := vm.RunString("(at => " + code + ")(new Date(0))"); err != nil {
				t.Errorf("%q: %v in %s", s, err, code)
			}
		}
	})
}
