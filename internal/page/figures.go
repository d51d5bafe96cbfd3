package page

import (
	"math"
	"strconv"
)

// threeDecimals writes a percentage to three decimals and cuts the rest, so that only what is
// whole is written as 100.000.
func threeDecimals(percent float64) string {
	const unsure = 1e-6 // what a product of floating-point numbers may be too small by
	return strconv.FormatFloat(math.Floor(percent*1000+unsure)/1000, 'f', 3, 64)
}
