package api

import (
	"strings"

	"tocsin/internal/statuspage"
)

// ifMatch returns what the request's If-Match header expects of the incident, nil
// when there is none (contract v4, part A, Beyond the original). A star expects no
// more than that the incident exists, which every write does. What is no entity tag,
// and a weak one, matches nothing: a writer that says it has seen something is not
// to overwrite what it may not have seen.
func (s *service) ifMatch(r *request) statuspage.Precondition {
	values := r.Header.Values("If-Match")
	if values == nil {
		return nil
	}
	listed := map[string]bool{}
	for tag := range strings.SplitSeq(strings.Join(values, ","), ",") { // our own tags have no comma
		listed[strings.Trim(tag, " \t")] = true
	}
	if listed["*"] {
		return nil
	}
	return func(i statuspage.Incident) bool { return listed[s.incidentJSON(r, i).etag()] }
}
