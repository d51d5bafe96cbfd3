package page

import (
	"strings"
	"testing"
	"unicode/utf8"

	"tocsin/internal/site"
)

// unfolded are the lines of a calendar as they were before they were folded. No line on the way
// has more than 75 bytes or ends in the middle of a character.
func unfolded(t *testing.T, body []byte) []string {
	t.Helper()
	if !strings.HasSuffix(string(body), "END:VCALENDAR\r\n") {
		t.Errorf("%q", body)
	}
	var all []string
	for line := range strings.SplitSeq(strings.TrimSuffix(string(body), "\r\n"), "\r\n") {
		if len(line) > 75 || !utf8.ValidString(line) || strings.ContainsAny(line, "\r\n\x00\x1b\u202e") {
			t.Errorf("%d bytes: %q", len(line), line)
		}
		if rest, folded := strings.CutPrefix(line, " "); folded {
			all[len(all)-1] += rest
		} else {
			all = append(all, line)
		}
	}
	return all
}

func TestCalendar(t *testing.T) {
	for name, s := range sites() {
		lines := unfolded(t, fileAt(t, s, calendarPath).Body)
		counts := map[string]int{}
		for _, line := range lines {
			property, _, ok := strings.Cut(line, ":")
			if !ok {
				t.Errorf("%s: %q", name, line)
			}
			counts[property]++
		}
		for _, each := range []string{"UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "STATUS"} {
			if n := len(s.Maintenances); n > 0 && counts[each] != n {
				t.Errorf("%s: %d %s of %d", name, counts[each], each, n)
			}
		}
	}
	s := shop()
	s.Maintenances = s.Maintenances[:1]
	s.Maintenances[0].Title = strings.Repeat("Ä, b; c\\\r\n", 20)
	want := "SUMMARY:" + strings.Repeat(`Ä\, b\; c\\\n`, 20)
	if got := unfolded(t, fileAt(t, s, calendarPath).Body); got[13] != want {
		t.Errorf("%q, want %q", got[13], want)
	}
}

// The UID of an occurrence stays when all else of it changes, and no two have the same.
func TestCalendarUIDs(t *testing.T) {
	uids := func(s *site.Site) (all []string) {
		for _, line := range unfolded(t, fileAt(t, s, calendarPath).Body) {
			if strings.HasPrefix(line, "UID:") {
				all = append(all, line)
			}
		}
		return all
	}
	before, moved := uids(shop()), shop()
	moved.Name, moved.URL, moved.AsOf = "Another", "https://elsewhere.example", moved.AsOf+day
	seen := map[string]bool{}
	for n := range moved.Maintenances {
		m := &moved.Maintenances[n]
		m.Title, m.Start, m.End, m.Updated, m.Affected = "Another", m.Start+hour, m.End+day, moved.AsOf, nil
	}
	for n, uid := range uids(moved) {
		if uid != before[n] || seen[uid] {
			t.Errorf("%s, before %s", uid, before[n])
		}
		seen[uid] = true
	}
}
