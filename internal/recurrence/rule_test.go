package recurrence

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// day0 is a Wednesday.
var day0 = time.Date(2026, time.January, 14, 3, 30, 0, 0, time.UTC).Unix()

// Expected are the first starts from day0, as npm rrule 2.8.1 has them, but for those that the package's
// comment names.
func TestAccepted(t *testing.T) {
	for text, want := range map[string]string{
		"FREQ=DAILY":                                       "20260114T0330 20260115T0330 20260116T0330 20260117T0330",
		"freq=daily":                                       "20260114T0330 20260115T0330 20260116T0330 20260117T0330",
		"INTERVAL=2":                                       "20260114T0330 20280114T0330 20300114T0330 20320114T0330",
		"COUNT=1":                                          "20260114T0330",
		"FREQ=MINUTELY;COUNT=1":                            "20260114T0330",
		"FREQ=MINUTELY;COUNT=+1":                           "20260114T0330",
		"COUNT=1;FREQ=WEEKLY;BYDAY=SU":                     "20260114T0330",
		"FREQ=DAILY;COUNT=1;UNTIL=20200101":                "20260114T0330",
		"FREQ=YEARLY":                                      "20260114T0330 20270114T0330 20280114T0330 20290114T0330",
		"FREQ=MONTHLY":                                     "20260114T0330 20260214T0330 20260314T0330 20260414T0330",
		"FREQ=WEEKLY":                                      "20260114T0330 20260121T0330 20260128T0330 20260204T0330",
		"FREQ=HOURLY":                                      "20260114T0330 20260114T0430 20260114T0530 20260114T0630",
		"FREQ=DAILY;UNTIL=20260117":                        "20260114T0330 20260115T0330 20260116T0330",
		"FREQ=DAILY;UNTIL=20260115T033000":                 "20260114T0330 20260115T0330",
		"FREQ=DAILY;UNTIL=20260115T033000Z":                "20260114T0330 20260115T0330",
		"FREQ=DAILY;UNTIL=20260115T032959Z":                "20260114T0330",
		"FREQ=DAILY;UNTIL=20200101":                        "",
		"FREQ=DAILY;COUNT=3":                               "20260114T0330 20260115T0330 20260116T0330",
		"FREQ=DAILY;COUNT=3;UNTIL=20260116":                "20260114T0330 20260115T0330",
		"FREQ=DAILY;COUNT=2;UNTIL=20270101":                "20260114T0330 20260115T0330",
		"FREQ=DAILY;INTERVAL=3":                            "20260114T0330 20260117T0330 20260120T0330 20260123T0330",
		"FREQ=DAILY;INTERVAL=99999999999999999999999":      "20260114T0330",
		"FREQ=WEEKLY;BYDAY=SU":                             "20260118T0330 20260125T0330 20260201T0330 20260208T0330",
		"FREQ=WEEKLY;BYWEEKDAY=TU":                         "20260120T0330 20260127T0330 20260203T0330 20260210T0330",
		"FREQ=WEEKLY;BYDAY=1SU":                            "20260118T0330 20260125T0330 20260201T0330 20260208T0330",
		"FREQ=DAILY;BYDAY=1SU":                             "20260118T0330 20260125T0330 20260201T0330 20260208T0330",
		"FREQ=MONTHLY;BYDAY=1SU":                           "20260201T0330 20260301T0330 20260405T0330 20260503T0330",
		"FREQ=MONTHLY;BYDAY=+1SU":                          "20260201T0330 20260301T0330 20260405T0330 20260503T0330",
		"FREQ=MONTHLY;BYDAY=-1FR":                          "20260130T0330 20260227T0330 20260327T0330 20260424T0330",
		"FREQ=MONTHLY;BYDAY=MO,1TU":                        "20260119T0330 20260126T0330 20260202T0330 20260203T0330",
		"FREQ=YEARLY;BYDAY=20MO":                           "20260518T0330 20270517T0330 20280515T0330 20290514T0330",
		"FREQ=YEARLY;BYDAY=-2MO":                           "20261221T0330 20271220T0330 20281218T0330 20291224T0330",
		"FREQ=YEARLY;BYDAY=2MO;BYMONTH=3":                  "20260309T0330 20270308T0330 20280313T0330 20290312T0330",
		"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30":              "",
		"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29":              "20280229T0330 20320229T0330 20360229T0330 20400229T0330",
		"FREQ=MONTHLY;BYMONTHDAY=31":                       "20260131T0330 20260331T0330 20260531T0330 20260731T0330",
		"FREQ=MONTHLY;BYMONTHDAY=-1":                       "20260131T0330 20260228T0330 20260331T0330 20260430T0330",
		"FREQ=MONTHLY;BYMONTHDAY=1,-1":                     "20260131T0330 20260201T0330 20260228T0330 20260301T0330",
		"FREQ=MONTHLY;INTERVAL=13":                         "20260114T0330 20270214T0330 20280314T0330 20290414T0330",
		"FREQ=YEARLY;BYMONTH=3":                            "20260314T0330 20270314T0330 20280314T0330 20290314T0330",
		"FREQ=YEARLY;BYMONTHDAY=3":                         "20260203T0330 20260303T0330 20260403T0330 20260503T0330",
		"FREQ=YEARLY;BYYEARDAY=100":                        "20260410T0330 20270410T0330 20280409T0330 20290410T0330",
		"FREQ=YEARLY;BYYEARDAY=-1":                         "20261231T0330 20271231T0330 20281231T0330 20291231T0330",
		"FREQ=YEARLY;BYYEARDAY=366":                        "20281231T0330 20321231T0330 20361231T0330 20401231T0330",
		"FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO":                 "20260511T0330 20270517T0330 20280515T0330 20290514T0330",
		"FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO":                 "20261228T0330 20321227T0330 20371228T0330 20431228T0330",
		"FREQ=YEARLY;BYWEEKNO=-1;BYDAY=MO":                 "20261228T0330 20271227T0330 20281225T0330 20291224T0330",
		"FREQ=YEARLY;BYWEEKNO=20;WKST=SU":                  "20260517T0330 20260518T0330 20260519T0330 20260520T0330",
		"FREQ=YEARLY;BYEASTER=0":                           "20260405T0330 20270328T0330 20280416T0330 20290401T0330",
		"FREQ=DAILY;BYEASTER=-2":                           "20260403T0330 20270326T0330 20280414T0330 20290330T0330",
		"FREQ=DAILY;BYHOUR=3;BYMINUTE=30":                  "20260114T0330 20260115T0330 20260116T0330 20260117T0330",
		"FREQ=DAILY;BYHOUR=3;BYMINUTE=30;BYSECOND=15":      "20260114T0330 20260115T0330 20260116T0330 20260117T0330",
		"FREQ=DAILY;BYSECOND=0,30;COUNT=2":                 "20260114T0330 20260115T0330",
		"FREQ=DAILY;BYHOUR=9,5,5":                          "20260114T0530 20260114T0930 20260115T0530 20260115T0930",
		"FREQ=DAILY;BYHOUR=2":                              "20260115T0230 20260116T0230 20260117T0230 20260118T0230",
		"FREQ=DAILY;BYMONTHDAY=13;BYDAY=FR":                "20260213T0330 20260313T0330 20261113T0330 20270813T0330",
		"FREQ=DAILY;BYMONTH=2,3":                           "20260201T0330 20260202T0330 20260203T0330 20260204T0330",
		"FREQ=HOURLY;INTERVAL=2;BYMINUTE=0,30":             "20260114T0330 20260114T0500 20260114T0530 20260114T0700",
		"FREQ=HOURLY;INTERVAL=5":                           "20260114T0330 20260114T0830 20260114T1330 20260114T1830",
		"FREQ=HOURLY;INTERVAL=5;BYDAY=SU":                  "20260118T0230 20260118T0730 20260118T1230 20260118T1730",
		"FREQ=HOURLY;BYHOUR=5,6":                           "20260114T0530 20260114T0630 20260115T0530 20260115T0630",
		"FREQ=HOURLY;INTERVAL=24;BYHOUR=5":                 "",
		"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1":    "20260130T0330 20260227T0330 20260331T0330 20260430T0330",
		"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,-1":  "20260130T0330 20260202T0330 20260227T0330 20260302T0330",
		"FREQ=MONTHLY;BYDAY=MO;BYSETPOS=5":                 "20260330T0330 20260629T0330 20260831T0330 20261130T0330",
		"FREQ=MONTHLY;BYDAY=MO;BYSETPOS=-5":                "20260302T0330 20260601T0330 20260803T0330 20261102T0330",
		"FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=1":            "20260114T0330 20260119T0330 20260126T0330 20260202T0330",
		"FREQ=WEEKLY;BYDAY=MO,FR;BYHOUR=3,5;BYSETPOS=3":    "20260123T0330 20260130T0330 20260206T0330 20260213T0330",
		"FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU":               "20260118T0330 20260126T0330 20260201T0330 20260209T0330",
		"FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU":       "20260125T0330 20260126T0330 20260208T0330 20260209T0330",
		"FREQ=DAILY;FREQ=WEEKLY":                           "20260114T0330 20260121T0330 20260128T0330 20260204T0330",
		"COUNT=x;FREQ=DAILY;COUNT=2":                       "20260114T0330 20260115T0330",
		"FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7;BYMINUTE=1,2,3": "20260114T0401 20260114T0402 20260114T0403 20260114T0501",
		"FREQ=DAILY;UNTIL=21000101T000000Z":                "20260114T0330 20260115T0330 20260116T0330 20260117T0330",
	} {
		r, err := Parse(text)
		if err != nil {
			t.Errorf("Parse(%q): %v", text, err)
			continue
		}
		var got []string
		for start := range r.From(day0, time.UTC).Between(0, day0+20*366*day) {
			if got = append(got, time.Unix(start, 0).UTC().Format("20060102T1504")); len(got) == 4 {
				break
			}
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("%q starts at\n%s, want\n%s", text, got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"FREQ=SECONDLY":             "FREQ=SECONDLY is not supported",
		"FREQ=SECONDLY;COUNT=1":     "FREQ=SECONDLY is not supported",
		"FREQ=MINUTELY":             "FREQ=MINUTELY is supported only with COUNT=1",
		"FREQ=MINUTELY;COUNT=10":    "FREQ=MINUTELY is supported only with COUNT=1",
		"FREQ=HOURLY;BYMINUTE=0,30": "more than 24 occurrences a day",
		"FREQ=DAILY;BYHOUR=1,2,3,4,5;BYMINUTE=0,10,20,30,40": "more than 24 occurrences a day",
		"FREQ=HOURLY;INTERVAL=5;BYMINUTE=0,10,20,30,40":      "more than 24 occurrences a day",
		"FREQ=DAILY;COUNT=0":                                 "COUNT must be at least 1",
		"FREQ=DAILY;COUNT=-1":                                "COUNT must be at least 1",
		"FREQ=DAILY;COUNT=x":                                 "COUNT must be at least 1",
		"FREQ=DAILY;COUNT=":                                  "COUNT must be at least 1",
		"FREQ=DAILY;COUNT=--99999999999999999999":            "COUNT must be at least 1",
		"FREQ=DAILY;INTERVAL=0":                              "INTERVAL must be at least 1",
		"FREQ=DAILY;INTERVAL=-99999999999999999999":          "INTERVAL must be at least 1",
		"FREQ=DAILY;UNTIL=20261399":                          "there is no such time as UNTIL=20261399",
		"FREQ=DAILY;UNTIL=20260230T000000Z":                  "there is no such time as UNTIL=20260230T000000Z",
		"FREQ=MONTHLY;BYDAY=54FR":                            "the number in BYDAY must be between 1 and 53 or between -53 and -1",
		"FREQ=YEARLY;BYMONTH=13":                             "BYMONTH must be between 1 and 12",
		"FREQ=YEARLY;BYMONTH=-1":                             "BYMONTH must be between 1 and 12",
		"FREQ=MONTHLY;BYMONTHDAY=0":                          "BYMONTHDAY must be between 1 and 31 or between -31 and -1",
		"FREQ=MONTHLY;BYMONTHDAY=1,-32":                      "BYMONTHDAY must be between 1 and 31 or between -31 and -1",
		"FREQ=YEARLY;BYYEARDAY=367":                          "BYYEARDAY must be between 1 and 366 or between -366 and -1",
		"FREQ=YEARLY;BYWEEKNO=54":                            "BYWEEKNO must be between 1 and 53 or between -53 and -1",
		"FREQ=DAILY;BYHOUR=25":                               "BYHOUR must be between 0 and 23",
		"FREQ=DAILY;BYHOUR=24":                               "BYHOUR must be between 0 and 23",
		"FREQ=DAILY;BYHOUR=x":                                "BYHOUR must be between 0 and 23",
		"FREQ=DAILY;BYHOUR=":                                 "BYHOUR must be between 0 and 23",
		"FREQ=DAILY;BYMINUTE=60":                             "BYMINUTE must be between 0 and 59",
		"FREQ=DAILY;BYSECOND=61":                             "BYSECOND must be between 0 and 60",
		"FREQ=YEARLY;BYEASTER=1,2":                           "BYEASTER must be one number",
		"FREQ=YEARLY;BYEASTER=367":                           "BYEASTER must be between -366 and 366",
		"FREQ=WEEKLY;WKST=su":                                "WKST must be one of MO, TU, WE, TH, FR, SA, SU",
		"FREQ=DAILY;DTSTART=20300101T000000Z":                "DTSTART is not supported inside the rule: use start_date_time",
		"FREQ=DAILY;TZID=Europe/Berlin":                      "TZID is not supported inside the rule: use time_zone",
		"TZID=Europe/Berlin:FREQ=DAILY":                      "TZID is not supported inside the rule: use time_zone",
		"FREQ=DAILY\nEXDATE:20300101T000000Z":                "only one line is supported",
		"FREQ=DAILY\nRRULE:FREQ=WEEKLY":                      "only one line is supported",
	} {
		_, err := Parse(text)
		var refused *RefusedError
		if !errors.As(err, &refused) || refused.Reason != want || err.Error() != want {
			t.Errorf("Parse(%q): %#v, want a RefusedError %q", text, err, want)
		}
	}

	const notPrintable = "only printable ASCII characters without blanks are allowed"
	for text, want := range map[string]string{
		"":                     `unknown part ""`,
		"RRULE:FREQ=DAILY":     `unknown part "RRULE:FREQ=DAILY"`,
		"DTSTART:2030\nRRULE:": `unknown part "DTSTART:2030"`,
		" FREQ=DAILY":          notPrintable,
		"FREQ=DAILY ":          notPrintable,
		"FREQ=DAILY; COUNT=3":  notPrintable,
		"FREQ=DAILY\r\nRDATE":  notPrintable,
		"FREQ=DAILY\x00":       notPrintable,
		"ＦREQ=DAILY":           notPrintable,
		"0 3 * * *":            notPrintable,
		"FREQ=DAILY;":          `unknown part ""`,
		";FREQ=DAILY":          `unknown part ""`,
		"FREQ=":                `unknown FREQ ""`,
		"FREQ=SOMETIMES":       `unknown FREQ "SOMETIMES"`,
		"FREQ=3":               `unknown FREQ "3"`,
		"FREQ":                 `unknown part "FREQ"`,
		"FOO=1":                `unknown part "FOO=1"`,
		`{"a":1}`:              `unknown part "{\"a\":1}"`,
		"R/2026":               `unknown part "R/2026"`,
		"FREQ=SECONDLY;FOO=1":  `unknown part "FOO=1"`,
		"COUNT=0;BYDAY=XX":     `unknown weekday "XX"`,
		"FREQ=WEEKLY;BYDAY=mo": `unknown weekday "mo"`,
		"FREQ=WEEKLY;BYDAY=":   `unknown weekday ""`,
		"BYDAY=0FR":            `unknown weekday "0FR"`,
		"BYDAY=100FR":          `unknown weekday "100FR"`,
		"UNTIL=soon":           "UNTIL=soon is not a date or a time",
		"UNTIL=20260117T0330Z": "UNTIL=20260117T0330Z is not a date or a time",
		"UNTIL=20260117t0000z": "UNTIL=20260117t0000z is not a date or a time",
		"BYSETPOS=0":           "BYSETPOS must be between 1 and 366 or between -366 and -1",
		"BYSETPOS=x":           "BYSETPOS must be between 1 and 366 or between -366 and -1",
	} {
		_, err := Parse(text)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || syntax.Detail != want {
			t.Errorf("Parse(%q): %#v, want a SyntaxError %q", text, err, want)
		}
	}
}

func TestOneTime(t *testing.T) {
	for text, want := range map[string]bool{
		"COUNT=1": true, "FREQ=MINUTELY;COUNT=1": true, "FREQ=DAILY;COUNT=01": true,
		"FREQ=DAILY": false, "FREQ=DAILY;COUNT=10": false, "FREQ=DAILY;COUNT=12": false, "COUNT=1;COUNT=2": false,
	} {
		if got := parse(t, text).OneTime(); got != want {
			t.Errorf("OneTime of %q: %t, want %t", text, got, want)
		}
	}
}

func TestWords(t *testing.T) {
	type words struct {
		Frequency Frequency
		Interval  int
		Weekdays  []Weekday
		MonthDays []int
		Months    []int
		Simple    bool
	}
	for text, want := range map[string]words{
		"FREQ=DAILY":                       {Daily, 1, nil, nil, nil, true},
		"COUNT=3":                          {Yearly, 1, nil, nil, nil, true},
		"FREQ=MINUTELY;COUNT=1":            {Minutely, 1, nil, nil, nil, true},
		"FREQ=HOURLY;INTERVAL=6":           {Hourly, 6, nil, nil, nil, true},
		"FREQ=WEEKLY;BYDAY=SU,1TU,MO,MO":   {Weekly, 1, []Weekday{{0, time.Monday}, {0, time.Tuesday}, {0, time.Sunday}}, nil, nil, true},
		"FREQ=MONTHLY;BYDAY=1SU,-1FR":      {Monthly, 1, []Weekday{{-1, time.Friday}, {1, time.Sunday}}, nil, nil, true},
		"BYMONTH=9,3;BYMONTHDAY=-1,15":     {Yearly, 1, nil, []int{-1, 15}, []int{3, 9}, true},
		"FREQ=WEEKLY;UNTIL=20300101":       {Weekly, 1, nil, nil, nil, true},
		"FREQ=DAILY;BYHOUR=3":              {Daily, 1, nil, nil, nil, true},
		"FREQ=DAILY;BYMINUTE=3":            {Daily, 1, nil, nil, nil, true},
		"FREQ=DAILY;BYHOUR=3,15":           {Daily, 1, nil, nil, nil, false},
		"FREQ=DAILY;BYMINUTE=0,30":         {Daily, 1, nil, nil, nil, false},
		"FREQ=HOURLY;BYHOUR=3":             {Hourly, 1, nil, nil, nil, false},
		"FREQ=DAILY;BYEASTER=0":            {Yearly, 1, nil, nil, nil, false},
		"BYWEEKNO=3":                       {Yearly, 1, nil, nil, nil, false},
		"BYYEARDAY=3":                      {Yearly, 1, nil, nil, nil, false},
		"FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1": {Monthly, 1, []Weekday{{0, time.Monday}}, nil, nil, false},
	} {
		r := parse(t, text)
		got := words{r.Frequency(), r.Interval(), r.Weekdays(), r.MonthDays(), r.Months(), r.Simple()}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want, +got):\n%s", text, diff)
		}
	}
}

// A simple rule has its occurrences at its time of day, that is, Between finds them there.
func TestTimeOfDay(t *testing.T) {
	start := time.Date(2026, 11, 30, 4, 20, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"FREQ=DAILY": "04:20", "FREQ=DAILY;BYHOUR=3": "03:20", "FREQ=WEEKLY;BYMINUTE=0": "04:00", "FREQ=MONTHLY;BYDAY=1SU;BYHOUR=0;BYMINUTE=45": "00:45",
	} {
		r := parse(t, text)
		if got := r.TimeOfDay(start).Format("15:04"); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
		for _, at := range starts(r.From(start.Unix(), time.UTC), start.Unix(), start.Unix()+100*86400) {
			if got := time.Unix(at, 0).UTC().Format("15:04"); got != want {
				t.Errorf("%q has an occurrence at %s, want %s", text, got, want)
			}
		}
	}
}

func parse(t testing.TB, text string) Rule {
	t.Helper()
	r, err := Parse(text)
	if err != nil {
		t.Fatalf("Parse(%q): %v", text, err)
	}
	return r
}

func starts(s Series, from, to int64) []int64 { return slices.Collect(s.Between(from, to)) }
