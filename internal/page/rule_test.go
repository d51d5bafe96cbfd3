package page

import (
	"testing"

	"tocsin/internal/statuspage"
)

func TestScheduleWords(t *testing.T) {
	const start = 1796007600 // 2026-11-30T03:00:00Z, a Monday
	for _, c := range []struct {
		rule, zone string
		duration   int64
		en, de     string
	}{
		{"FREQ=MINUTELY;COUNT=1", "", hour, "Once", "Einmalig"},
		{"FREQ=DAILY", "", hour, "Every day, 03:00 to 04:00 UTC", "Jeden Tag, 03:00 bis 04:00 UTC"},
		{"FREQ=DAILY;INTERVAL=3", "Etc/UTC", day, "Every 3 days, from 03:00 UTC", "Alle 3 Tage, ab 03:00 UTC"},
		{"FREQ=DAILY;BYDAY=MO,TU,WE", "Europe/Berlin", 90 * minute, "Every Monday, Tuesday and Wednesday, 04:00 to 05:30, Berlin time", "Jeden Montag, Dienstag und Mittwoch, 04:00 bis 05:30, Zeit in Berlin"},
		{"FREQ=WEEKLY", "America/Argentina/Buenos_Aires", hour, "Every Monday, 00:00 to 01:00, Buenos Aires time", "Jeden Montag, 00:00 bis 01:00, Zeit in Buenos Aires"},
		{"FREQ=WEEKLY;BYDAY=SU", "Asia/Kolkata", hour, "Every Sunday, 08:30 to 09:30, Kolkata time", "Jeden Sonntag, 08:30 bis 09:30, Zeit in Kolkata"},
		{"FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH", "", hour, "Every 2 weeks on Monday and Thursday, 03:00 to 04:00 UTC", "Alle 2 Wochen am Montag und Donnerstag, 03:00 bis 04:00 UTC"},
		{"FREQ=MONTHLY", "", hour, "On the 30th of each month, 03:00 to 04:00 UTC", "Am 30. jedes Monats, 03:00 bis 04:00 UTC"},
		{"FREQ=MONTHLY;BYMONTHDAY=1,2,3,11,12,13,21,22,23", "", hour, "On the 1st, 2nd, 3rd, 11th, 12th, 13th, 21st, 22nd and 23rd of each month, 03:00 to 04:00 UTC", "Am 1., 2., 3., 11., 12., 13., 21., 22. und 23. jedes Monats, 03:00 bis 04:00 UTC"},
		{"FREQ=MONTHLY;BYMONTHDAY=-1", "", hour, "On the last day of each month, 03:00 to 04:00 UTC", "Am letzten Tag jedes Monats, 03:00 bis 04:00 UTC"},
		{"FREQ=MONTHLY;BYDAY=2TU;INTERVAL=3", "", hour, "Every 3 months on the second Tuesday, 03:00 to 04:00 UTC", "Alle 3 Monate am zweiten Dienstag, 03:00 bis 04:00 UTC"},
		{"FREQ=YEARLY", "", hour, "Every year on 30 November, 03:00 to 04:00 UTC", "Jedes Jahr am 30. November, 03:00 bis 04:00 UTC"},
		{"FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24", "", hour, "Every year on 24 December, 03:00 to 04:00 UTC", "Jedes Jahr am 24. Dezember, 03:00 bis 04:00 UTC"},
		{"FREQ=HOURLY;INTERVAL=6", "", hour, "Every 6 hours", "Alle 6 Stunden"},
		{"FREQ=DAILY", "CET", hour, "Every day, 04:00 to 05:00 CET", "Jeden Tag, 04:00 bis 05:00 CET"},
		{"FREQ=WEEKLY;BYMONTH=6", "", hour, "Repeats", "Wiederholt sich"},
		{"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "", hour, "Repeats", "Wiederholt sich"},
		{"FREQ=MONTHLY;BYDAY=MO", "", hour, "Repeats", "Wiederholt sich"},
		{"FREQ=DAILY;BYHOUR=22;BYMINUTE=30", "Europe/Berlin", 3 * hour, "Every day, 22:30 to 01:30, Berlin time", "Jeden Tag, 22:30 bis 01:30, Zeit in Berlin"},
		{"FREQ=WEEKLY;BYDAY=SU;BYHOUR=3;BYMINUTE=0", "Europe/Berlin", hour, "Every Sunday, 03:00 to 04:00, Berlin time", "Jeden Sonntag, 03:00 bis 04:00, Zeit in Berlin"},
		{"FREQ=HOURLY;BYHOUR=3", "", hour, "Repeats", "Wiederholt sich"},
		{"FREQ=DAILY;BYHOUR=3,15", "", hour, "Repeats", "Wiederholt sich"},
		{"nonsense", "", hour, "Repeats", "Wiederholt sich"},
	} {
		s := statuspage.Schedule{Start: start, Rule: c.rule, TimeZone: c.zone, Duration: c.duration}
		if got := wordsIn("en").schedule(s); got != c.en {
			t.Errorf("%s: %q, want %q", c.rule, got, c.en)
		}
		if got := wordsIn("de").schedule(s); got != c.de {
			t.Errorf("%s: %q, want %q", c.rule, got, c.de)
		}
	}
}
