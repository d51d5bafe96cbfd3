package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"tocsin/internal/statuspage"
)

// Numbers as ECMAScript reads and writes them. Kener is written in it, and clients rely on
// what Kener makes of their values.

// ECMANumberOf is ECMAScript's Number of a JSON value.
func ECMANumberOf(raw json.RawMessage) float64 {
	switch KindOf(raw) {
	case KindNull:
		return 0
	case KindBool:
		if raw[0] == 't' {
			return 1
		}
		return 0
	case KindNumber:
		n, _ := strconv.ParseFloat(string(raw), 64) // infinity when out of range
		return n
	case KindString:
		return ECMANumber(DecodeString(raw))
	case KindArray:
		return ecmaNumberOfArray(string(raw))
	}
	return math.NaN()
}

// ecmaNumberOfArray is the number of an array: of its text, which is that of its
// elements with commas in between. So only one element, or none, makes a number, and
// however deep: [[5]] is 5.
func ecmaNumberOfArray(raw string) float64 {
	const blanks = " \t\r\n"
	element := strings.TrimLeft(strings.TrimRight(raw, blanks+"]"), blanks+"[")
	switch {
	case element == "":
		return 0
	case !json.Valid([]byte(element)): // there are more
		return math.NaN()
	}
	switch KindOf([]byte(element)) {
	case KindBool, KindObject: // their texts are no numbers
		return math.NaN()
	}
	return ECMANumberOf(json.RawMessage(element))
}

// ECMANumber is ECMAScript's Number of a string: ECMADecimal, but hexadecimal, octal and
// binary digits are read too.
func ECMANumber(s string) float64 {
	s = statuspage.TrimBlank(s)
	if len(s) > 2 && s[0] == '0' {
		for _, prefix := range []struct {
			letters, digits string
			base            int
		}{{"xX", "0123456789abcdefABCDEF", 16}, {"oO", "01234567", 8}, {"bB", "01", 2}} {
			if strings.IndexByte(prefix.letters, s[1]) >= 0 {
				if strings.Trim(s[2:], prefix.digits) != "" {
					return math.NaN()
				}
				whole, _ := new(big.Int).SetString(s[2:], prefix.base)
				n, _ := new(big.Float).SetInt(whole).Float64()
				return n
			}
		}
	}
	return ECMADecimal(s)
}

// ECMADecimal is ECMAScript's Number of a decimal string: blank is 0, and Infinity is
// read; NaN when it is none.
func ECMADecimal(s string) float64 {
	s = statuspage.TrimBlank(s)
	switch s {
	case "":
		return 0
	case "Infinity", "+Infinity":
		return math.Inf(1)
	case "-Infinity":
		return math.Inf(-1)
	}
	if strings.Trim(s, "0123456789.eE+-") != "" { // Inf, NaN, 0x, 1_0
		return math.NaN()
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return math.NaN()
	}
	return n
}

// ecmaNumberText prints a whole number as ECMAScript does.
func ecmaNumberText(f float64) string {
	switch {
	case math.IsInf(f, 0):
		return strings.Replace(fmt.Sprintf("%vinity", f), "+", "", 1)
	case math.Abs(f) >= 1e21:
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// ECMAText is ECMAScript's String of a JSON value.
func ECMAText(raw json.RawMessage) string {
	switch KindOf(raw) {
	case KindString:
		return DecodeString(raw)
	case KindNumber:
		n, _ := strconv.ParseFloat(strings.TrimSpace(string(raw)), 64)
		if n == 0 || math.IsInf(n, 0) || n == math.Trunc(n) {
			return ecmaNumberText(n + 0) // not -0
		}
		return string(Encode(n)) // encoding/json writes fractions as ECMAScript does
	case KindArray:
		var elements []json.RawMessage
		if err := json.Unmarshal(raw, &elements); err != nil {
			panic("web: a value of a decoded object is not valid JSON: " + err.Error())
		}
		texts := make([]string, len(elements))
		for i, element := range elements {
			if KindOf(element) != KindNull {
				texts[i] = ECMAText(element)
			}
		}
		return strings.Join(texts, ",")
	case KindObject:
		return "[object Object]"
	}
	return strings.TrimSpace(string(raw)) // null, true, false
}
