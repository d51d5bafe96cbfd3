package api_test

import (
	"encoding/base64"
	"net/http"
	"strings"

	"tocsin/internal/openapi/openapitest"
)

// described compares the request and its answer with the OpenAPI document.
func (l *lambdas) described(r request, a reply) error {
	x := openapitest.Exchange{
		Method: r.method, Path: r.path, Query: r.query, Header: http.Header{}, Body: r.body,
		Status: a.Status, AnswerHeader: http.Header{}, AnswerBody: a.Body,
		Unserved: r.function != "" && r.function != functionOf(r.path),
	}
	if strings.EqualFold(r.method, http.MethodHead) { // before the gateway it has GET's body
		x.Method = http.MethodGet
	}
	if r.isBase64 {
		if body, err := base64.StdEncoding.DecodeString(r.body); err == nil {
			x.Body = string(body)
		}
	}
	if !r.noKey {
		x.Header.Set("Authorization", "Bearer "+l.key)
	}
	for name, value := range r.header {
		x.Header.Set(name, value)
	}
	for name, value := range a.Header {
		x.AnswerHeader.Set(name, value)
	}
	return openapitest.Check(x)
}
