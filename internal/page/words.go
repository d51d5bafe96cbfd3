package page

import (
	"embed"
	"fmt"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/nicksnyder/go-i18n/v2/i18n/template"
	"golang.org/x/text/language"

	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

//go:embed locales/*.json
var locales embed.FS

// A word is the id of a message in the files in locales: a word, or a sentence.
type word string

// fields are the values that a message has places for.
type fields map[string]any

// words are all messages in one language.
type words struct {
	lang      string // its code, one of Languages
	localizer *i18n.Localizer
	single    map[word]string // the messages without plural forms
	formats   patterns
}

var languages = readLanguages()

// readLanguages reads the files, which are part of the program: one that can't be read is a
// fault of the program.
func readLanguages() map[string]*words {
	bundle := i18n.NewBundle(language.English)
	all := map[string]*words{}
	for _, lang := range Languages {
		file, err := bundle.LoadMessageFileFS(locales, "locales/"+lang+".json")
		if err != nil {
			panic(err)
		}
		w := &words{lang: lang, localizer: i18n.NewLocalizer(bundle, lang), single: map[word]string{}}
		for _, m := range file.Messages {
			if m.One == "" {
				w.single[word(m.ID)] = m.Other
			}
		}
		w.formats = w.formatsOf(site.Formats{DateAndTime: w.say("DateAndTime"), Date: w.say("Date"), Time: w.say("Time")})
		w.formats.given = false
		all[lang] = w
	}
	return all
}

// wordsIn returns the messages in the language, or the English ones if the pages are not in it.
func wordsIn(lang string) *words {
	if w, ok := languages[lang]; ok {
		return w
	}
	return languages[Languages[0]]
}

// wordsOf are the messages in the language for the site's pages, with times in the site's formats.
func wordsOf(s *site.Site, lang string) *words { return wordsIn(lang).dressed(s.Settings.Formats) }

// dressed are the same messages with times in the formats, as far as there are any.
func (w *words) dressed(f site.Formats) *words {
	if f == (site.Formats{}) {
		return w
	}
	own := *w
	own.formats = w.formatsOf(f)
	return &own
}

// mainWords are those of what only programs read.
func mainWords(s *site.Site) *words { return wordsOf(s, mainLanguage(s)) }

// say returns a message that has no places. One that is not translated comes in English.
func (w *words) say(id word) string {
	if s, ok := w.single[id]; ok {
		return s
	}
	return w.form(&i18n.LocalizeConfig{MessageID: string(id)})
}

// with returns a message with its places filled.
func (w *words) with(id word, f fields) string { return fill(w.say(id), f) }

// count returns a message about so many things, in the plural form that the language has for
// the number. Its place is N.
func (w *words) count(id word, n int64) string { return w.counted(id, n, fields{"N": n}) }

// counted returns a message about so many things that has other places too.
func (w *words) counted(id word, n int64, f fields) string {
	return fill(w.form(&i18n.LocalizeConfig{MessageID: string(id), PluralCount: n}), f)
}

// form is the text of a message with its places as they are. They are filled here and not by a
// text/template, which takes twenty times as long and is not needed for names in braces.
func (w *words) form(c *i18n.LocalizeConfig) string {
	c.TemplateParser = template.IdentityParser{}
	return w.localizer.MustLocalize(c)
}

// fill puts the values into the places of a message. What looks like a place in a value stays.
func fill(message string, f fields) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(message, "{{.")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, _ := strings.Cut(rest, "}}")
		fmt.Fprint(&b, f[name])
		message = after
	}
}

var statusWords = map[site.Status]word{
	site.Up: "Operational", site.Degraded: "Degraded", site.UnderMaintenance: "Maintenance", site.Down: "Down", site.NoData: "NoData",
}

// status says how something is, in a word or two.
func (w *words) status(s site.Status) string { return w.say(statusWords[known(s)]) }

// inText is the same within a text, where English writes it small.
func (w *words) inText(s site.Status) string { return w.say(word(statusName(s))) }

var stateWords = map[statuspage.State]word{
	statuspage.Investigating: "Investigating", statuspage.Identified: "Identified", statuspage.Monitoring: "Monitoring", statuspage.Resolved: "Resolved",
}

// state says how far the work on an incident is.
func (w *words) state(s statuspage.State) string {
	if id, ok := stateWords[s]; ok {
		return w.say(id)
	}
	return string(s)
}

var statusNames = map[site.Status]string{
	site.Up: "up", site.Degraded: "degraded", site.UnderMaintenance: "maintenance", site.Down: "down", site.NoData: "nodata",
}

// statusName is the status in addresses and in the style: "up", "degraded", "maintenance",
// "down" or "nodata".
func statusName(s site.Status) string { return statusNames[known(s)] }

// known returns the status, or NoData for anything that is none.
func known(s site.Status) site.Status {
	if _, ok := statusNames[s]; ok {
		return s
	}
	return site.NoData
}

// decimal writes a number that has a decimal point as the language does.
func (w *words) decimal(number string) string {
	return strings.Replace(number, ".", w.say("DecimalSign"), 1)
}

// percent writes a number that has a decimal point as a percentage.
func (w *words) percent(number string) string {
	return w.with("Percent", fields{"N": w.decimal(number)})
}
