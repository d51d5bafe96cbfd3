package statuspage

// MaxID is the greatest id that a record can have: the greatest integer that every
// JSON client reads back unchanged (2^53 - 1). Ids start at 1, rise, and are never
// used twice; one may stay unused.
const MaxID = 1<<53 - 1

// ValidID reports whether a record can have the id.
func ValidID(id int64) bool { return id >= 1 && id <= MaxID }
