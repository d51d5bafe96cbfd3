package lambdahttp_test

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tocsin/internal/lambdahttp"
)

// TestRoom compares what a text takes of a response with what encoding/json makes of it.
func TestRoom(t *testing.T) {
	size := lambdahttp.Room().Size
	check := func(t interface {
		Helper()
		Errorf(string, ...any)
	}, text string) {
		t.Helper()
		sent, err := json.Marshal(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if got, want := size([]byte(text)), len(sent)-len(`""`); got != want {
			t.Errorf("%+q: %d bytes, want %d: %s", text, got, want, sent)
		}
	}
	for r := rune(0); r < 0x3000; r++ {
		check(t, string(r))
	}
	for _, text := range []string{
		"", `{"a":"b\n\u0000"}`, "<>&", "\u2027\u2028\u2029\u202a", "x\u2029", "🔥\ufeff\ufffd", strings.Repeat("\"\\", 100),
	} {
		check(t, text)
	}
	rapid.Check(t, func(t *rapid.T) {
		check(t, rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune("\"\\\b\f\n\r\t\x00\x1f\x7f<>&\u2027\u2028\u2029aü🔥")))).Draw(t, "text"))
	})
}
