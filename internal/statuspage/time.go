package statuspage

import "time"

// MaxTimestamp is the last second of the year 9999, the greatest timestamp that a
// client may send; the smallest is 0.
const MaxTimestamp = 253402300799

const (
	minute = 60
	hour   = 60 * minute
)

// FloorMinute returns the start of the minute that holds the UTC second t.
func FloorMinute(t int64) int64 {
	return t - ((t%minute)+minute)%minute
}

// FloorHour returns the start of the hour that holds the UTC second t, which must
// not be negative.
func FloorHour(t int64) int64 { return t - t%hour }

// FloorMonth returns the start of the UTC month that holds the second t.
func FloorMonth(t int64) int64 {
	y, m, _ := time.Unix(t, 0).UTC().Date()
	return time.Date(y, m, 1, 0, 0, 0, 0, time.UTC).Unix()
}

// NextMonth returns the start of the UTC month after the one that holds the second t.
func NextMonth(t int64) int64 { return time.Unix(FloorMonth(t), 0).UTC().AddDate(0, 1, 0).Unix() }
