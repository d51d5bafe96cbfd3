package statuspage

// A HistoryQuery says what is asked of a monitor's history.
type HistoryQuery struct {
	Days  DayRange // before yesterday; none when From is after To
	Hours int64    // the first one, UTC seconds; the last one is that of now
}

// A History is the points of a monitor, counted. Points of the future count nowhere.
type History struct {
	Days   []DayTotals  // each day of the query, the oldest first
	Hours  []HourTotals // those that have points, the oldest first
	Newest *Point       // of all of these; nil: none
}

// HourTotals are the totals of one UTC hour.
type HourTotals struct {
	Hour int64 // UTC seconds of its first second
	Totals
}
