package page

import "strings"

// Bounds of what is read as Markdown. The time that goldmark takes rises with the cube of the
// brackets of a text and the square of its nesting: a comment of 64,000 characters that is
// nothing else keeps it busy for minutes, and every page waits.
const (
	maxBrackets = 1000 // [ in a text
	maxNesting  = 50   // quotes and lists that one line begins
)

// isTwisted reports whether the text is not read as Markdown, because that would take too long.
// What people write is not.
func isTwisted(source string) bool {
	if strings.Count(source, "[") > maxBrackets {
		return true
	}
	for line := range strings.Lines(source) {
		if nesting(line) > maxNesting {
			return true
		}
	}
	return false
}

// nesting is how many marks of quotes and list items the line begins with.
func nesting(line string) int {
	for n := 0; ; n++ {
		rest, ok := cutMark(strings.TrimLeft(line, " \t"))
		if !ok {
			return n
		}
		line = rest
	}
}

// cutMark cuts what begins a quote or an item of a list: ">", "- ", "12. ".
func cutMark(line string) (rest string, ok bool) {
	if rest, ok = strings.CutPrefix(line, ">"); ok {
		return rest, true
	}
	numberless := strings.TrimLeft(line, "0123456789")
	marks := "-+*"
	if numberless != line {
		marks = ".)"
	}
	if len(numberless) < 2 || !strings.Contains(marks, numberless[:1]) {
		return line, false
	}
	return numberless[1:], strings.Contains(" \t", numberless[1:2])
}

// literally is the text as it was written.
func literally(source string) []byte {
	return append(appendEscaped([]byte("<pre>"), source), "</pre>\n"...)
}
