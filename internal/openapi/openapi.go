// Package openapi holds the description of the HTTP API: an OpenAPI 3.1 document and
// a page of it for people. Both are made from the files in parts, which are written
// by hand:
//
//	go generate ./internal/openapi
//
// A test fails when they are not current. A function that serves them parses nothing:
// they are bytes here.
package openapi

import _ "embed"

//go:generate go run ./generate

// JSON is the OpenAPI document.
//
//go:embed openapi.json
var JSON []byte

// Page is the document as an HTML page that needs nothing else.
//
//go:embed docs.html
var Page []byte
