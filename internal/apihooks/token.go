package apihooks

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// tokenHeader is the header of our own for a token.
const tokenHeader = "X-Tocsin-Token"

var errTokens = &statuspage.Error{Code: statuspage.CodeUnauthorized, Message: "The request has two different tokens"}

// shown returns the token that a request shows, wherever its tool can put one; others are what the
// route found in places of its own, "" for nothing. It returns statuspage.ErrNoIntegrationToken
// for none, and errTokens for two.
func shown(r *web.Request, others ...string) (string, error) {
	places := slices.Concat(others, r.Header.Values(tokenHeader), r.URL.Query()["token"])
	for _, header := range r.Header.Values("Authorization") {
		// What is no token of ours can be another one's business: of a proxy, or a signed identity.
		if token := credentials(header); statuspage.ValidIntegrationToken(token) {
			places = append(places, token)
		}
	}
	slices.Sort(places)
	places = slices.DeleteFunc(slices.Compact(places), func(token string) bool { return token == "" })
	switch len(places) {
	case 0:
		return "", statuspage.ErrNoIntegrationToken
	case 1:
		return places[0], nil
	}
	return "", errTokens
}

// credentials returns the token in an Authorization header: what follows the scheme, or the
// password of Basic.
func credentials(header string) string {
	scheme, rest, _ := strings.Cut(header, " ")
	rest = strings.TrimSpace(rest)
	switch strings.ToLower(scheme) {
	case "bearer", "geniekey", "token":
		return rest
	case "basic":
		pair, err := base64.StdEncoding.DecodeString(rest)
		if err != nil {
			return ""
		}
		_, password, _ := strings.Cut(string(pair), ":")
		return password
	}
	return ""
}

// routingKey returns the token in a body in the format of PagerDuty, "" for none.
func routingKey(body []byte) string {
	var v struct {
		Routing any `json:"routing_key"`
		Service any `json:"service_key"` // of the first version of its API
	}
	if json.Unmarshal(body, &v) != nil {
		return ""
	}
	for _, key := range []any{v.Routing, v.Service} {
		if text, is := key.(string); is && text != "" {
			return text
		}
	}
	return ""
}
