package statuspage

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// Scope is something that an API key allows (docs/api.md, Keys).
type Scope string

// The scopes. A write scope implies the read scope beside it, monitors:write also
// status:write, which has none, and admin implies all.
const (
	ScopeIncidentsRead  Scope = "incidents:read"
	ScopeIncidentsWrite Scope = "incidents:write"
	ScopeMonitorsRead   Scope = "monitors:read"
	ScopeMonitorsWrite  Scope = "monitors:write"
	ScopeStatusWrite    Scope = "status:write" // posting of statuses, which is all that a probe does
	ScopePagesRead      Scope = "pages:read"   // pages and the settings of the site
	ScopePagesWrite     Scope = "pages:write"
	ScopeAdmin          Scope = "admin"

	ScopeIntegrationsRead  Scope = "integrations:read"
	ScopeIntegrationsWrite Scope = "integrations:write" // whose tokens open incidents
)

// Scopes lists every scope.
func Scopes() []Scope {
	return []Scope{
		ScopeIncidentsRead, ScopeIncidentsWrite, ScopeMonitorsRead, ScopeMonitorsWrite, ScopeStatusWrite, ScopePagesRead, ScopePagesWrite,
		ScopeIntegrationsRead, ScopeIntegrationsWrite, ScopeAdmin,
	}
}

// MaxKeyName is the length limit of a key's name in UTF-16 units.
const MaxKeyName = 255

// An APIKey is the record of a key. The key itself is shown once, when it is made,
// and only its hash is kept.
type APIKey struct {
	ID       int64
	Hash     string // of the key, see HashSecret
	Name     string
	Scopes   []Scope
	Created  int64  // UTC seconds
	Expires  *int64 // UTC seconds; nil: never
	Revoked  *int64 // UTC seconds; nil: not revoked
	LastUsed *int64 // UTC seconds, to the hour; nil: never used

	// Early says that the key was made when monitors:write alone was enough for a rule
	// that opens incidents, see OpensIncidents.
	Early bool
}

// Allows reports whether the key's scopes cover the scope asked for.
func (k APIKey) Allows(s Scope) bool {
	for _, have := range k.Scopes {
		if have == s || have == ScopeAdmin || have == ScopeMonitorsWrite && s == ScopeStatusWrite {
			return true
		}
		if area, write := strings.CutSuffix(string(have), ":write"); write && s == Scope(area+":read") {
			return true
		}
	}
	return false
}

// OpensIncidents reports whether an alert rule that the key makes or changes may open
// incidents (docs/api.md, Keys). An early key keeps what it could do.
func (k APIKey) OpensIncidents() bool { return k.Early || k.Allows(ScopeIncidentsWrite) }

// ValidScope reports whether s is a scope.
func ValidScope(s Scope) bool { return slices.Contains(Scopes(), s) }

const (
	secretPrefix = "kener_"
	secretBytes  = 32
)

// ValidSecret reports whether s has the form of an API key: kener_ and 64
// lower-case hexadecimal digits.
func ValidSecret(s string) bool {
	digits, ok := strings.CutPrefix(s, secretPrefix)
	if !ok || len(digits) != hex.EncodedLen(secretBytes) {
		return false
	}
	for i := range len(digits) {
		if c := digits[i]; !('0' <= c && c <= '9') && !('a' <= c && c <= 'f') {
			return false
		}
	}
	return true
}

// NewSecret returns a new random API key.
func NewSecret() string {
	var b [secretBytes]byte
	rand.Read(b[:]) // never fails: the runtime ends the program instead
	return secretPrefix + hex.EncodeToString(b[:])
}

// HashSecret returns what the table keeps in place of an API key: its SHA-256 in
// hexadecimal. A key has 256 random bits, so a plain hash can't be searched.
func HashSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// NewAPIKey is what an operator gives to make a key.
type NewAPIKey struct {
	Name    string
	Scopes  []Scope
	Expires *int64 // UTC seconds
}

// Made returns the record with the id of a key that is made at now (UTC seconds). secret
// is the key itself.
func (n NewAPIKey) Made(id int64, secret string, now int64) APIKey {
	return APIKey{ID: id, Hash: HashSecret(secret), Name: n.Name, Scopes: n.Scopes, Created: now, Expires: n.Expires}
}
