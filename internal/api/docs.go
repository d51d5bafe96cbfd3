package api

import "tocsin/internal/openapi"

// html is a body that is sent as an HTML page.
type html []byte

// pagePolicy lets a page load nothing but the style in it.
const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// getOpenAPI is GET /openapi.json.
func getOpenAPI(*service, *request) (answer, error) {
	return ok(openapi.JSON), nil
}

// getDocs is GET /docs.
func getDocs(*service, *request) (answer, error) {
	return ok(html(openapi.Page)), nil
}
