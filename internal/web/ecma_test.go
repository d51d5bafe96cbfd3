package web

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

var infinity, none = math.Inf(1), math.NaN()

// sameNumber compares numbers; one that is none is the same as another.
func sameNumber(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

// The numbers are what ECMAScript's Number says. As decimals those with a prefix are none.
func TestEcmaNumber(t *testing.T) {
	for _, tt := range []struct {
		text string
		want float64
	}{
		{"", 0}, {"  ", 0}, {"\u00a05\ufeff", 5}, {" 7 ", 7}, {"00012", 12}, {"-0", 0}, {"1e3", 1000}, {"1E+3", 1000}, {".5", 0.5}, {"5.", 5}, {"+.5e1", 5},
		{"0x10", 16}, {"0X1f", 31}, {"0xffffffffffffffffffff", 1208925819614629174706175}, {"0o17", 15}, {"0b101", 5}, {"1e-400", 0},
		{"Infinity", infinity}, {"+Infinity", infinity}, {"-Infinity", -infinity}, {"1e400", infinity}, {"-1e400", -infinity},
		{"infinity", none}, {"Inf", none}, {"NaN", none}, {"0x", none}, {"0o8", none}, {"0b2", none}, {"+0x1", none}, {"-0x1", none}, {"0x1p3", none}, {"0x-1", none},
		{"1_0", none}, {"0x1_0", none}, {"1e", none}, {"--1", none}, {"+", none}, {".", none}, {"e", none}, {"１", none}, {"1 2", none}, {"1,5", none}, {"abc", none}, {"\x00", none},
		{"0x" + strings.Repeat("f", 1000), infinity},
	} {
		if got := ECMANumber(tt.text); !sameNumber(got, tt.want) {
			t.Errorf("%.40q: %g, want %g", tt.text, got, tt.want)
		}
		decimal := tt.want
		if len(tt.text) > 1 && strings.ContainsRune("xXoObB", rune(tt.text[1])) {
			decimal = none
		}
		if got := ECMADecimal(tt.text); !sameNumber(got, decimal) {
			t.Errorf("%.40q as a decimal: %g, want %g", tt.text, got, decimal)
		}
	}
}

func TestEcmaNumberOf(t *testing.T) {
	for _, tt := range []struct {
		raw  string
		want float64
	}{
		{"null", 0}, {"true", 1}, {"false", 0}, {"5", 5}, {"1.5e1", 15}, {"1e400", infinity}, {`"0x10"`, 16}, {`""`, 0}, {`"x"`, none}, {"{}", none}, {`{"a":1}`, none},
		{"[]", 0}, {"[ ]", 0}, {"[[]]", 0}, {"[5]", 5}, {"[ [ 7 ] ]", 7}, {`["5"]`, 5}, {`[" 0x10 "]`, 16}, {"[null]", 0}, {"[[null]]", 0}, {`[""]`, 0},
		{"[true]", none}, {"[{}]", none}, {"[1,2]", none}, {"[[],[]]", none}, {"[[1],[2]]", none}, {`["1,2"]`, none}, {`["a]"]`, none}, {"[[],5]", none}, {"[5,[]]", none}, {"[null,null]", none},
		{`["1","2"]`, none}, {strings.Repeat("[", 9000) + "5" + strings.Repeat("]", 9000), 5},
	} {
		if !json.Valid([]byte(tt.raw)) {
			t.Fatalf("%.40s is no JSON", tt.raw)
		}
		if got := ECMANumberOf(json.RawMessage(tt.raw)); !sameNumber(got, tt.want) {
			t.Errorf("%.40s: %g, want %g", tt.raw, got, tt.want)
		}
	}
}

// The right column is what ECMAScript's String() makes of the JSON value.
func TestECMAText(t *testing.T) {
	for raw, want := range map[string]string{
		`"a\n"`: "a\n", `5`: "5", `5.0`: "5", `-5.50`: "-5.5", `-0`: "0", `-0.0`: "0", `1e21`: "1e+21", `123456789012345680000`: "123456789012345680000", `0.000001`: "0.000001", `1e-7`: "1e-7", `1.5e-9`: "1.5e-9",
		`1e999`: "Infinity", `-1e999`: "-Infinity", `true`: "true", `null`: "null", `{}`: "[object Object]", `[]`: "", `[null]`: "", `[1,[2,[null,"x"]],{}]`: "1,2,,x,[object Object]", ` 5 `: "5",
	} {
		if got := ECMAText([]byte(raw)); got != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
}
