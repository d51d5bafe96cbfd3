// Package openapi holds the description of the HTTP API: an OpenAPI 3.1 document and
// a page of it for people. Both are made from the files in parts, which are written
// by hand:
//
//	go generate ./internal/openapi
//
// A test fails when they are not current. A function that serves them parses nothing:
// they are bytes here, compressed, a tenth of the text.
package openapi

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
)

//go:generate go run ./generate

// A File is a text in gzip's format.
type File []byte

// Unpacked is the text.
func (f File) Unpacked() []byte {
	r, err := gzip.NewReader(bytes.NewReader(f))
	if err != nil {
		panic("openapi: " + err.Error()) // it is part of the program
	}
	text, err := io.ReadAll(r)
	if err != nil {
		panic("openapi: " + err.Error())
	}
	return text
}

// JSON is the OpenAPI document.
//
//go:embed openapi.json.gz
var JSON File

// Page is the document as an HTML page that needs nothing else.
//
//go:embed docs.html.gz
var Page File
