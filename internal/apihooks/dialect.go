package apihooks

import (
	"crypto/rand"
	"fmt"
	"net/http"

	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// errNotPosted is for a GET of an address that wants a POST.
var errNotPosted = &statuspage.Error{Code: statuspage.CodeMethodNotAllowed, Message: "GET method not allowed"}

// errOpsgeniePath is for a path that Opsgenie's APIs have not.
var errOpsgeniePath = &statuspage.Error{Code: statuspage.CodeNotFound, Message: "There is nothing at this address"}

// unavailable returns the error as one after which senders try again, unless it says what is wrong
// with the request.
func unavailable(err error) error {
	if _, status := web.ShownOf(err); status == http.StatusInternalServerError {
		return statuspage.Unavailable(err)
	}
	return err
}

// newUUID returns a random UUID.
func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: the runtime ends the program instead
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
