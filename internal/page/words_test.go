package page

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"tocsin/internal/site"
)

// messages reads a language file as a translator sees it: what stands at an id.
func messages(t *testing.T, lang string) map[string]any {
	t.Helper()
	b, err := os.ReadFile("locales/" + lang + ".json")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]any{}
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatalf("locales/%s.json: %v", lang, err)
	}
	return all
}

// usedWords are the ids that the program surely asks for, which are arguments of say and its
// kin and what stands in lists and maps of words, and all its strings, which may be ids.
func usedWords(t *testing.T) (used, mentioned map[string]bool) {
	t.Helper()
	used, mentioned = map[string]bool{}, map[string]bool{}
	note := func(e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			s, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			used[s] = true
		}
	}
	isWord := func(e ast.Expr) bool {
		id, ok := e.(*ast.Ident)
		return ok && id.Name == "word"
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				sel, ok := n.Fun.(*ast.SelectorExpr)
				switch {
				case isWord(n.Fun):
					note(n.Args[0])
				case ok && slices.Contains([]string{"say", "tell", "with", "count", "counted"}, sel.Sel.Name):
					note(n.Args[0])
				}
			case *ast.BasicLit:
				mentioned[strings.Trim(n.Value, `"`)] = true
			case *ast.CompositeLit:
				list, ok := n.Type.(*ast.ArrayType)
				if ok && isWord(list.Elt) {
					for _, e := range n.Elts {
						note(e)
					}
				}
				m, ok := n.Type.(*ast.MapType)
				if ok && isWord(m.Value) {
					for _, e := range n.Elts {
						note(e.(*ast.KeyValueExpr).Value)
					}
				}
			}
			return true
		})
	}
	return used, mentioned
}

// forms are the plural forms and texts of a message.
func forms(message any) map[string]string {
	if s, ok := message.(string); ok {
		return map[string]string{"other": s}
	}
	all := map[string]string{}
	for form, text := range message.(map[string]any) {
		if form != "description" {
			all[form] = text.(string)
		}
	}
	return all
}

// pluralForms are those that the language has for whole numbers.
func pluralForms(lang string) []string {
	names := map[plural.Form]string{plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many", plural.Other: "other"}
	all := map[string]bool{"other": true}
	for n := range 200 {
		all[names[plural.Cardinal.MatchPlural(language.MustParse(lang), n, 0, 0, 0, 0)]] = true
	}
	return slices.Sorted(maps.Keys(all))
}

var places = regexp.MustCompile(`{{\.\w+}}`)

// Each language has all words that the program uses, and no others, with the same plural
// forms and places as the English ones.
func TestEveryWordIsTranslatedAndUsed(t *testing.T) {
	used, mentioned := usedWords(t)
	english := messages(t, "en")
	for _, lang := range Languages {
		all := messages(t, lang)
		for id := range used {
			if _, ok := all[id]; !ok {
				t.Errorf("locales/%s.json: %q is not translated", lang, id)
			}
		}
		for id, message := range all {
			if !mentioned[id] {
				t.Errorf("locales/%s.json: %q is not used", lang, id)
			}
			if english[id] == nil {
				continue
			}
			for form, text := range forms(message) {
				if strings.TrimSpace(text) == "" {
					t.Errorf("locales/%s.json: %q (%s) is empty", lang, id, form)
				}
				want := places.FindAllString(forms(english[id])["other"], -1)
				got := places.FindAllString(text, -1)
				slices.Sort(want)
				slices.Sort(got)
				if !slices.Equal(got, want) {
					t.Errorf("locales/%s.json: %q (%s) has the places %q, not %q", lang, id, form, got, want)
				}
			}
			want := []string{"other"}
			if len(forms(english[id])) > 1 {
				want = pluralForms(lang)
			}
			if got := slices.Sorted(maps.Keys(forms(message))); !slices.Equal(got, want) {
				t.Errorf("locales/%s.json: %q has the plural forms %q, not %q", lang, id, got, want)
			}
		}
	}
}

func TestWords(t *testing.T) {
	en, de := wordsIn("en"), wordsIn("de")
	const at = 1795747341 // 2026-11-27T02:42:21Z
	for _, c := range []struct{ got, want string }{
		{en.status(site.Up), "Operational"},
		{de.status(site.Down), "Ausgefallen"},
		{en.status("BROKEN"), "No data"},
		{wordsIn("tlh").status(site.Up), "Operational"},
		{en.instant(at), "27 November 2026, 02:42 UTC"},
		{de.instant(at), "27. November 2026, 02:42 UTC"},
		{de.dayOfYear(at), "27. November"},
		{en.daysOfMonth(at-4*day, at-2*day), "23 to 25 November"},
		{de.daysOfMonth(at-4*day, at-2*day), "23. bis 25. November"},
		{en.daysOfMonth(at, at), "27 November"},
		{en.month(at), "November 2026"},
		{en.duration(0), "1 minute"},
		{en.duration(55 * minute), "55 minutes"},
		{de.duration(hour), "1 Stunde"},
		{en.duration(2*hour + minute + 59), "2 hours 1 minute"},
		{en.duration(day + 3*hour + 4*minute), "1 day 3 hours"},
		{de.duration(10 * day), "10 Tage"},
		{en.milliseconds(82.6), "83\u00a0ms"},
		{de.milliseconds(12340), "12,3\u00a0s"},
		{de.percent("99.954"), "99,954\u00a0%"},
		{en.with("DateTimeShort", fields{"Date": "{{.Time}}", "Time": "{{.Date}}"}), "{{.Time}}, {{.Date}}"},
		{en.counted("Affected", 1, fields{"N": 1, "All": 3}), "1 of 3 services has a problem."},
		{machineTime(at), "2026-11-27T02:42:21Z"},
		{machineDay(at), "2026-11-27"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
