package occurrences

import "tocsin/internal/statuspage"

// mayHaveMore reports whether occurrences may still be due of a maintenance of which so many
// were made at once.
func mayHaveMore(made int) bool { return made == statuspage.MaxDue }
