package statuspage_test

import (
	"testing"
	"time"

	"tocsin/internal/statuspage"
)

func TestMonths(t *testing.T) {
	for at, want := range map[string][2]string{
		"1970-01-01T00:00:00Z": {"1970-01-01", "1970-02-01"},
		"2024-02-29T23:59:59Z": {"2024-02-01", "2024-03-01"},
		"2026-12-31T23:59:59Z": {"2026-12-01", "2027-01-01"},
		"2026-01-31T12:00:00Z": {"2026-01-01", "2026-02-01"},
	} {
		in, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		day := func(second int64) string { return time.Unix(second, 0).UTC().Format(time.DateOnly) }
		got := [2]string{day(statuspage.FloorMonth(in.Unix())), day(statuspage.NextMonth(in.Unix()))}
		if got != want || statuspage.FloorMonth(in.Unix())%86400 != 0 {
			t.Errorf("%s: %v, want %v", at, got, want)
		}
	}
}
