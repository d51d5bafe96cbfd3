package statuspage

import "errors"

// An Import is the filling of an empty repository with records from elsewhere, under
// the ids and with the times that they have there. It may be interrupted, and goes on
// when it is begun again.
type Import struct {
	Source    string // what is imported; the same one again goes on
	Started   int64  // UTC seconds
	Completed *int64 // UTC seconds; nil: it is still to go on
}

// Why an import is not begun. None of them is for an API's client.
var (
	ErrImportNotEmpty = errors.New("the table has records that are not of this import: records with the same ids would get mixed, import into an empty table")
	ErrImportHasKeys  = errors.New("the table has API keys already, whose ids the keys of the import may have too: import without keys, or into a table without any and make keys afterwards")
)

// LastIDs are ids below or at which nothing is made any more.
type LastIDs struct {
	Incident, Comment, Monitor, Maintenance, Occurrence, Page int64
}
