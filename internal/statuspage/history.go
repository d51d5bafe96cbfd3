package statuspage

// A HistoryQuery says what is asked of a monitor's history.
type HistoryQuery struct {
	Days  DayRange // before yesterday; none when From is after To
	Hours int64    // the first one, UTC seconds; the last one is that of now
	Lax   bool     // the hours may be as they were a moment ago, at half the price

	// Windows are what maintenances do to the monitor in that time, up to now. Totals that were
	// made of others are made again.
	Windows []Window
}

// A History is the minutes of a monitor, counted: its points, and what maintenances make of
// them. Minutes of the future count nowhere.
type History struct {
	Days   []DayTotals  // each day of the query, the oldest first
	Hours  []HourTotals // those that have minutes, the oldest first
	Newest *Point       // of all points, as it was posted; nil: none
}

// HourTotals are the totals of one UTC hour.
type HourTotals struct {
	Hour int64 // UTC seconds of its first second
	Totals
}
