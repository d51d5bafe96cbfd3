package statuspage

// How long a request with an idempotency key is remembered, in seconds (docs/api.md, Sending a request again).
const (
	ReplyKept = 24 * 60 * 60 // its reply is given again, counted from its claim
	ClaimHeld = 60           // a claim without a reply keeps others out: longer than any function runs
)

// MaxIdempotencyKey is the length limit of an idempotency key in bytes.
const MaxIdempotencyKey = 255

// ValidIdempotencyKey reports whether a client may give the key: visible ASCII
// characters, a comma among them, but no blank.
func ValidIdempotencyKey(key string) bool {
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return false
		}
	}
	return key != "" && len(key) <= MaxIdempotencyKey
}

// An IdempotentRequest is a request that has an effect once however often it is
// sent.
type IdempotentRequest struct {
	APIKeyID int64  // idempotency keys are an API key's own
	Key      string // as the client gave it
	Digest   string // of all that must be the same when the request is sent again
}

// A Claim is the right of one try to carry out an idempotent request. It ends when
// the reply is kept, when it is released, or ClaimHeld after it was made; from then
// on a write that completes it is refused.
type Claim struct {
	APIKeyID int64
	Key      string
	Token    string // tells this try from those before and after it
}

// Once makes a creation complete a claim: what is made and the reply that is kept
// are one write, so that neither is there without the other.
type Once[T any] struct {
	Claim Claim
	Reply func(made T) []byte // what Claim gives back from then on
}
