package site

import (
	"math"
	"strconv"
)

// FormatUptime writes a percentage with three decimals, cut and not rounded: only what is
// 100 is shown as 100.000. It has no % sign.
func FormatUptime(percent float64) string {
	// A product that stands for 99.9 may be a hair below it.
	const hair = 1e-6
	thousandths := math.Floor(percent*1000 + hair)
	if percent < 100 {
		thousandths = min(thousandths, 99_999)
	}
	return strconv.FormatFloat(thousandths/1000, 'f', 3, 64)
}
