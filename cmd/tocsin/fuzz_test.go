package main

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/internal/statuspage"
)

// FuzzExpiry reads any text as the expiry of a key that is made now. What is accepted
// is in the future and can be kept; days are counted from now, and a date or an instant
// is the one that is written.
func FuzzExpiry(f *testing.F) {
	for _, s := range []string{
		"", "d", "0d", "1d", "90d", "+1d", "-1d", "1.5d", "1e3d", " 1d", "1d ", "00001d", "2913000d", "4194303d", "4194304d", "99999999999999999999d", "1D", "1_0d",
		"2027-01-31", "2027-1-31", "2027-02-30", "0000-01-01", "9999-12-31", "10000-01-01", "2027-01-31T12:00:00Z", "2027-01-31T12:00:00.5Z", "2027-01-31T12:00:00+14:00", "9999-12-31T23:59:59-12:00",
		"2027-01-31t12:00:00z", "2027-01-31 12:00:00Z", "2027-01-31T24:00:00Z", "2027-01-31T12:00:60Z", "2027-01-31T12:00:00+99:99",
	} {
		f.Add(s, int64(1795389780))
	}
	f.Add("1d", int64(statuspage.MaxTimestamp))
	f.Add("1970-01-01", int64(0))
	f.Fuzz(func(t *testing.T, s string, seconds int64) {
		if seconds < 0 || seconds > statuspage.MaxTimestamp {
			return
		}
		now := time.Unix(seconds, 0).UTC()
		got, err := parseExpiry(s, now)
		if err != nil {
			if got != nil || !strings.HasPrefix(err.Error(), "--expires ") {
				t.Errorf("%q: %v, %v", s, got, err)
			}
			return
		}
		if s == "" || got == nil {
			if s != "" || got != nil {
				t.Errorf("%q expires at %v", s, got)
			}
			return
		}
		if *got <= seconds || *got > statuspage.MaxTimestamp {
			t.Errorf("%q at %d expires at %d", s, seconds, *got)
		}
		if digits, days := strings.CutSuffix(s, "d"); days {
			n, err := strconv.ParseInt(digits, 10, 64)
			if err != nil || *got != seconds+n*24*60*60 {
				t.Errorf("%q at %d expires at %d", s, seconds, *got)
			}
			return
		}
		// The year, month and day, and the rest, as they are written.
		layout := time.RFC3339
		if len(s) == len(time.DateOnly) {
			layout = time.DateOnly
		}
		at, err := time.Parse(layout, s)
		if err != nil || at.Unix() != *got {
			t.Errorf("%q expires at %s (%v)", s, timeText(got, ""), err)
		}
	})
}
