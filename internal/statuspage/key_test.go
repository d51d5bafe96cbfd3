package statuspage_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/statuspage"
)

func TestAllows(t *testing.T) {
	const (
		ir, iw = statuspage.ScopeIncidentsRead, statuspage.ScopeIncidentsWrite
		mr, mw = statuspage.ScopeMonitorsRead, statuspage.ScopeMonitorsWrite
		sw     = statuspage.ScopeStatusWrite
		pr, pw = statuspage.ScopePagesRead, statuspage.ScopePagesWrite
		jr, jw = statuspage.ScopeIntegrationsRead, statuspage.ScopeIntegrationsWrite
		admin  = statuspage.ScopeAdmin
	)
	type scopes = []statuspage.Scope
	for _, tt := range []struct {
		have, allows scopes
	}{
		{nil, nil},
		{scopes{ir}, scopes{ir}},
		{scopes{iw}, scopes{ir, iw}},
		{scopes{mr}, scopes{mr}},
		{scopes{mw}, scopes{mr, mw, sw}},
		{scopes{sw}, scopes{sw}},
		{scopes{pr}, scopes{pr}},
		{scopes{pw}, scopes{pr, pw}},
		{scopes{jr}, scopes{jr}},
		{scopes{jw}, scopes{jr, jw}},
		{scopes{ir, mw}, scopes{ir, mr, mw, sw}},
		{scopes{admin}, scopes{ir, iw, mr, mw, sw, pr, pw, jr, jw, admin}},
		{scopes{ir, admin}, scopes{ir, iw, mr, mw, sw, pr, pw, jr, jw, admin}},
		{scopes{"", ":write", "write", "INCIDENTS:WRITE", "incidents", "incidents:write ", "*"}, nil},
	} {
		t.Run(fmt.Sprint(tt.have), func(t *testing.T) {
			var allowed scopes
			for _, s := range statuspage.Scopes() {
				if (statuspage.APIKey{Scopes: tt.have}).Allows(s) {
					allowed = append(allowed, s)
				}
			}
			if diff := cmp.Diff(tt.allows, allowed); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestValidScope(t *testing.T) {
	for _, s := range statuspage.Scopes() {
		if !statuspage.ValidScope(s) {
			t.Errorf("ValidScope(%q) = false", s)
		}
	}
	for _, s := range []statuspage.Scope{"", "Admin", "incidents", "incidents:write ", "keys:read"} {
		if statuspage.ValidScope(s) {
			t.Errorf("ValidScope(%q) = true", s)
		}
	}
}

func TestValidSecret(t *testing.T) {
	digits := strings.Repeat("0123456789abcdef", 4)
	for _, tt := range []struct {
		name, secret string
		want         bool
	}{
		{"right", "kener_" + digits, true},
		{"empty", "", false},
		{"no prefix", digits, false},
		{"another prefix", "Kener_" + digits, false},
		{"no digits", "kener_", false},
		{"a digit short", "kener_" + digits[1:], false},
		{"a digit long", "kener_0" + digits, false},
		{"upper case", "kener_" + strings.ToUpper(digits), false},
		{"no hexadecimal digit", "kener_g" + digits[1:], false},
		{"a blank at the end", "kener_" + digits[1:] + " ", false},
		{"a letter of two bytes", "kener_" + digits[2:] + "é", false},
	} {
		if got := statuspage.ValidSecret(tt.secret); got != tt.want {
			t.Errorf("%s: ValidSecret = %t, want %t", tt.name, got, tt.want)
		}
	}
}

func TestNewSecret(t *testing.T) {
	a, b := statuspage.NewSecret(), statuspage.NewSecret()
	if !statuspage.ValidSecret(a) || !statuspage.ValidSecret(b) || a == b {
		t.Error("two new secrets are not valid or not different")
	}
}

func TestHashSecret(t *testing.T) {
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // SHA-256 of "abc", FIPS 180-2
	if got := statuspage.HashSecret("abc"); got != want {
		t.Errorf("HashSecret = %s, want %s", got, want)
	}
}

func TestKeyMade(t *testing.T) {
	secret := "kener_" + strings.Repeat("0a", 32)
	got := statuspage.NewAPIKey{Name: "n", Scopes: []statuspage.Scope{"admin"}, Expires: at(99)}.Made(3, secret, 60)
	want := statuspage.APIKey{ID: 3, Hash: statuspage.HashSecret(secret), Name: "n", Scopes: []statuspage.Scope{"admin"}, Created: 60, Expires: at(99)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestError(t *testing.T) {
	cause := errors.New("table on fire")
	err := fmt.Errorf("update: %w", statuspage.Unavailable(cause))
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
	if !errors.Is(err, statuspage.Unavailable(nil)) {
		t.Error("the same failure with another cause is not recognised")
	}
	if errors.Is(err, statuspage.ErrEndBeforeStart) || errors.Is(statuspage.MonitorNotFound("a"), statuspage.UnknownMonitor("a")) {
		t.Error("two different failures are the same")
	}
	shown, ok := errors.AsType[*statuspage.Error](err)
	if !ok {
		t.Fatal("no *Error in the chain")
	}
	if strings.Contains(shown.Message, cause.Error()) {
		t.Errorf("the client's message %q tells the cause", shown.Message)
	}
	if !strings.Contains(err.Error(), cause.Error()) {
		t.Errorf("the log's text %q does not tell the cause", err)
	}
}

func TestMessages(t *testing.T) {
	for _, tt := range []struct {
		err  error
		code statuspage.Code
		want string
	}{
		{statuspage.IncidentNotFound(int64(9)), statuspage.CodeNotFound, "Incident with id '9' not found"},
		{statuspage.IncidentNotFound("1e+21"), statuspage.CodeNotFound, "Incident with id '1e+21' not found"},
		{statuspage.CommentNotFound(int64(3), 79), statuspage.CodeNotFound, "Comment with id '3' not found for incident '79'"},
		{statuspage.MonitorNotFound("pluto"), statuspage.CodeNotFound, "Monitor with tag 'pluto' not found"},
		{statuspage.UnknownMonitor("pluto"), statuspage.CodeBadRequest, "Monitor with tag 'pluto' not found"},
		{statuspage.MonitorExists("earth"), statuspage.CodeBadRequest, "Monitor with tag 'earth' already exists"},
		{statuspage.Invalid("%s is %d", "x", 1), statuspage.CodeBadRequest, "x is 1"},
	} {
		got, ok := errors.AsType[*statuspage.Error](tt.err)
		if !ok || got.Code != tt.code || got.Message != tt.want || got.Error() != tt.want {
			t.Errorf("%#v, want %s %q", tt.err, tt.code, tt.want)
		}
	}
}
