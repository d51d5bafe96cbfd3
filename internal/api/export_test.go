package api

// Routes is every route of the service: its method and its path, as http.ServeMux writes
// them.
func Routes() []string {
	var all []string
	for _, r := range routes {
		for _, m := range r.methods {
			all = append(all, m.name+" "+r.path)
		}
	}
	return all
}
