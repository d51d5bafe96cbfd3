package page

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/internal/site"
)

// A pattern is a form of dates and times, written as date-fns does: letters as in UTS #35, such as
// "yyyy-MM-dd HH:mm", texts in quotes, and P to PPPP and p to pppp for the forms of the language,
// "PPp" for a date with its time. Pages are written with it in UTC, and their script writes the
// same in the reader's zone.
type pattern []piece

// A piece is a part of a pattern.
type piece struct {
	text  func(at time.Time) string
	code  string // the same in JavaScript, of the Date at
	tells bool   // of the time: it is no text that is always the same
	zoned bool   // it says in which zone the time is
}

// patterns are the forms of times of a language or of a site.
type patterns struct {
	dateAndTime, date, time pattern
	given                   bool // dateAndTime is the site's
}

// formatsOf are the site's formats where they make sense, and else the language's own.
func (w *words) formatsOf(f site.Formats) patterns {
	all := w.formats
	if p, ok := w.parse(f.DateAndTime); ok {
		all.dateAndTime, all.given = p, true
	}
	if p, ok := w.parse(f.Date); ok {
		all.date = p
	}
	if p, ok := w.parse(f.Time); ok {
		all.time = p
	}
	return all
}

// FormatWarnings say which patterns of the setting dateAndTimeFormat make no sense, so that pages pass
// them over.
func FormatWarnings(formats map[string]string) (warnings []string) {
	for _, name := range []string{"datePlusTime", "dateOnly", "timeOnly"} {
		text := formats[name]
		if _, ok := wordsIn(Languages[0]).parse(text); !ok && text != "" {
			warnings = append(warnings, fmt.Sprintf("dateAndTimeFormat.%s %q is no pattern of a time: the form is the language's own", name, text))
		}
	}
	return warnings
}

// maxPattern is the length limit of a pattern in bytes.
const maxPattern = 100

// parse reads a pattern. One that is too long, that says nothing of a time, or that has a letter
// outside quotes which is none of those here, is not ok.
func (w *words) parse(s string) (p pattern, ok bool) {
	if len(s) > maxPattern {
		return nil, false
	}
	for s != "" {
		var taken string
		switch c := s[0]; {
		case c == '\'':
			taken = quoted(s)
			p = append(p, literal(unquoted(taken)))
		case isLetter(rune(c)):
			taken = run(s)
			switch {
			case c == 'P':
				taken += times(s[len(taken):])
				fallthrough
			case c == 'p':
				long, ok := w.parse(w.long(taken))
				if !ok {
					return nil, false
				}
				p = append(p, long...)
			default:
				if strings.HasPrefix(s, "do") {
					taken = "do"
				}
				field, ok := w.field(taken)
				if !ok {
					return nil, false
				}
				p = append(p, field)
			}
		default:
			taken = s
			if end := strings.IndexFunc(s, func(r rune) bool { return r == '\'' || isLetter(r) }); end > 0 {
				taken = s[:end]
			}
			p = append(p, literal(taken))
		}
		s = s[len(taken):]
	}
	return p, slices.ContainsFunc(p, func(x piece) bool { return x.tells })
}

func isLetter(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }

// run is the first letter of s as often as it stands there.
func run(s string) string { return s[:len(s)-len(strings.TrimLeft(s, s[:1]))] }

// times are the letters p that s begins with.
func times(s string) string { return s[:len(s)-len(strings.TrimLeft(s, "p"))] }

// quoted is the text in quotes that s begins with, or two quotes, which are one. One that is not
// closed goes on to the end.
func quoted(s string) string {
	for n := 1; n < len(s); n++ {
		switch {
		case s[n] != '\'':
		case n+1 < len(s) && s[n+1] == '\'' && n > 1:
			n++
		default:
			return s[:n+1]
		}
	}
	return s
}

func unquoted(s string) string {
	if s == "''" {
		return "'"
	}
	return strings.ReplaceAll(strings.TrimSuffix(s[1:], "'"), "''", "'")
}

// long is the pattern of the language that stands for P, p and both.
func (w *words) long(letters string) string {
	date := strings.TrimRight(letters, "p")
	at := len(letters) - len(date)
	dates, hours := []word{"DateShort", "DateMedium", "DateLong", "DateFull"}, []word{"TimeShort", "TimeMedium", "TimeLong", "TimeFull"}
	pick := func(all []word, n int) word { return all[min(n, len(all))-1] }
	switch {
	case date == "":
		return w.say(pick(hours, at))
	case at == 0:
		return w.say(pick(dates, len(date)))
	}
	both := pick([]word{"DateTimeShort", "DateTimeShort", "DateTimeLong"}, len(date))
	return w.with(both, fields{"Date": w.say(pick(dates, len(date))), "Time": w.say(pick(hours, at))})
}

// A number is a part of a time.
type number struct {
	of   func(time.Time) int
	code string // in JavaScript, of the Date at
}

var (
	yearNumber   = number{time.Time.Year, "at.getFullYear()"}
	monthNumber  = number{func(t time.Time) int { return int(t.Month()) }, "at.getMonth()+1"}
	dayNumber    = number{time.Time.Day, "at.getDate()"}
	hourNumber   = number{time.Time.Hour, "at.getHours()"}
	minuteNumber = number{time.Time.Minute, "at.getMinutes()"}
	secondNumber = number{time.Time.Second, "at.getSeconds()"}
)

// field is what a run of letters stands for.
func (w *words) field(letters string) (piece, bool) {
	least := len(letters)
	switch letters {
	case "yy":
		return yearNumber.after(func(n int) int { return n % 100 }, "%s%%100").digits(2), true
	case "y", "yyy", "yyyy", "u", "uu", "uuu", "uuuu":
		return yearNumber.digits(least), true
	case "M", "MM", "L", "LL":
		return monthNumber.digits(least), true
	case "MMM":
		return month.name(w.names("MonthsShort")), true
	case "LLL":
		return month.name(w.names("MonthsAlone")), true
	case "MMMM", "LLLL":
		return month.name(w.all(monthWords)), true
	case "d", "dd":
		return dayNumber.digits(least), true
	case "do":
		var ordinals []string
		for n := range 31 {
			ordinals = append(ordinals, w.ordinal(n+1))
		}
		return dayNumber.after(func(n int) int { return n - 1 }, "%s-1").name(ordinals), true
	case "E", "EE", "EEE":
		return weekday.name(w.names("WeekdaysShort")), true
	case "EEEE":
		return weekday.name(w.all(weekdayWords)), true
	case "a", "aa":
		return half.name(w.names("HalfDays")), true
	case "aaa":
		return half.name(strings.Split(strings.ToLower(w.say("HalfDays")), ",")), true
	case "aaaa":
		return half.name(w.names("HalfDaysLong")), true
	case "H", "HH":
		return hourNumber.digits(least), true
	case "h", "hh":
		return hourNumber.after(func(n int) int { return (n+11)%12 + 1 }, "(%s+11)%%12+1").digits(least), true
	case "K", "KK":
		return hourNumber.after(func(n int) int { return n % 12 }, "%s%%12").digits(least), true
	case "k", "kk":
		return hourNumber.after(func(n int) int { return (n+23)%24 + 1 }, "(%s+23)%%24+1").digits(least), true
	case "m", "mm":
		return minuteNumber.digits(least), true
	case "s", "ss":
		return secondNumber.digits(least), true
	case "S", "SS", "SSS": // no time here has parts of seconds
		return literal(strings.Repeat("0", least)), true
	}
	z, ok := zones[letters]
	return z, ok
}

var (
	month   = monthNumber.after(func(n int) int { return n - 1 }, "%s-1")
	weekday = number{func(t time.Time) int { return int(t.Weekday()) }, "at.getDay()"}
	half    = hourNumber.after(func(n int) int { return n / 12 }, "%s/12|0")
)

// after is a number that is made of the number; code has its place for it.
func (n number) after(of func(int) int, code string) number {
	return number{func(t time.Time) int { return of(n.of(t)) }, fmt.Sprintf(code, n.code)}
}

// digits writes the number with so many digits or more.
func (n number) digits(least int) piece {
	code := n.code
	if least > 1 {
		code = fmt.Sprintf("(%s+'').padStart(%d,0)", n.code, least)
	}
	return piece{text: func(t time.Time) string { return fmt.Sprintf("%0*d", least, n.of(t)) }, code: code, tells: true}
}

// name writes one of the names, of which the number is the index.
func (n number) name(all []string) piece {
	return piece{text: func(t time.Time) string { return all[n.of(t)] }, code: string(inScript(all)) + "[" + n.code + "]", tells: true}
}

func literal(s string) piece {
	return piece{text: func(time.Time) string { return s }, code: string(inScript(s))}
}

// inScript writes a text or texts in JavaScript, so that they can stand in a page.
func inScript(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // a string can be written, and so can some
	}
	return b
}

// zones say how far the clock is from UTC, by their letters. JavaScript has that at the end of a
// Date's own text, as in "Fri Nov 27 2026 03:42:21 GMT+0100 (CET)".
var zones = map[string]piece{
	"z": shortZone, "zz": shortZone, "zzz": shortZone, "O": shortZone, "OO": shortZone, "OOO": shortZone,
	"zzzz": longZone, "OOOO": longZone,
	"xx": zone("-0700", "$2$3"), "xxx": zone("-07:00", "$2:$3"),
	"XX": zone("Z0700", "$2$3"), "XXX": zone("Z07:00", "$2:$3"),
}

var (
	longZone  = zone("GMT-07:00", "$1$2:$3")
	shortZone = piece{ // "GMT+1", "GMT-3:30"
		text: func(at time.Time) string {
			return strings.TrimSuffix(strings.Replace(strings.Replace(longZone.text(at), "+0", "+", 1), "-0", "-", 1), ":00")
		},
		code: longZone.code + `.replace(/([+-])0/,'$1').replace(':00','')`, tells: true, zoned: true,
	}
)

// zone is one by a layout of Go's, and by what of GMT, +01 and 00 it has for JavaScript.
func zone(layout, code string) piece {
	return piece{
		text: func(at time.Time) string { return at.Format(layout) },
		code: `at.toString().replace(/[^G]*(GMT)(...)(..).*/,'` + code + `')`, tells: true, zoned: true,
	}
}

// names are those that a message lists.
func (w *words) names(list word) []string { return strings.Split(w.say(list), ",") }

// all are the messages.
func (w *words) all(ids []word) []string {
	var all []string
	for _, id := range ids {
		all = append(all, w.say(id))
	}
	return all
}

func (p pattern) zoned() bool { return slices.ContainsFunc(p, func(x piece) bool { return x.zoned }) }

// utc writes t (UTC seconds), and that it is in UTC.
func (p pattern) utc(t int64) string {
	says := p.text(time.Unix(t, 0).UTC())
	if !p.zoned() {
		says += " UTC"
	}
	return says
}

// javascript is an expression that writes a Date called at in the reader's zone, and says which
// that is.
func (p pattern) javascript() string {
	if !p.zoned() {
		p = append(slices.Clone(p), literal(" "), shortZone)
	}
	var all []string
	for _, x := range p {
		all = append(all, x.code)
	}
	return "[" + strings.Join(all, ",") + "].join('')"
}

// text writes the time in its own zone.
func (p pattern) text(at time.Time) string {
	var b strings.Builder
	for _, x := range p {
		b.WriteString(x.text(at))
	}
	return b.String()
}
