package local

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// router finds the route of a request among all routes of the API.
type router struct {
	routes []route // the most specific first, so that the first match is the one
}

// route is a Route made ready to match.
type route struct {
	Route
	function string // logical id
	segments []segment
}

// segment is a part of a path between slashes. The kinds are in the order in which
// they are preferred.
type segment struct {
	kind segmentKind
	text string // the literal text, or the variable's name
}

type segmentKind int

const (
	literal  segmentKind = iota
	variable             // {name}: one segment, not empty
	greedy               // {name+}: the rest of the path, not empty
)

func newRouter(functions []Function) (*router, error) {
	r := &router{}
	owner := map[Route]string{}
	for _, f := range functions {
		for _, declared := range f.Routes {
			if other, ok := owner[declared]; ok {
				return nil, fmt.Errorf("%s and %s both have the route %s", other, f.ID, declared.key())
			}
			owner[declared] = f.ID
			r.routes = append(r.routes, route{Route: declared, function: f.ID, segments: parseSegments(declared.Path)})
		}
	}
	slices.SortStableFunc(r.routes, route.compare)
	return r, nil
}

// key is the route as API Gateway names it, GET /healthcheck for instance.
func (r Route) key() string {
	if r.Path == defaultRoute {
		return defaultRoute
	}
	return r.Method + " " + r.Path
}

func parseSegments(path string) []segment {
	if path == defaultRoute {
		return nil
	}
	var out []segment
	for _, s := range strings.Split(path[1:], "/") {
		name, isVariable := variableName(s)
		switch name, isGreedy := strings.CutSuffix(name, "+"); {
		case isGreedy:
			out = append(out, segment{greedy, name})
		case isVariable:
			out = append(out, segment{variable, name})
		default:
			out = append(out, segment{literal, s})
		}
	}
	return out
}

// compare orders routes by how specific they are: literal text before a variable
// before a greedy one, from left to right, a method before ANY, and the default
// route last.
func (r route) compare(other route) int {
	if c := cmp.Compare(r.rank(), other.rank()); c != 0 {
		return c
	}
	kind := func(a, b segment) int { return cmp.Compare(a.kind, b.kind) }
	if c := slices.CompareFunc(r.segments, other.segments, kind); c != 0 {
		return c
	}
	return cmp.Compare(btoi(r.Method == anyMethod), btoi(other.Method == anyMethod))
}

// rank keeps apart what AWS keeps apart: whole matches, greedy ones, the default.
func (r route) rank() int {
	switch {
	case r.Path == defaultRoute:
		return 2
	case r.segments[len(r.segments)-1].kind == greedy:
		return 1
	}
	return 0
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// match returns the route for a method and a decoded path, and what its variables
// stand for.
func (r *router) match(method, path string) (found route, variables map[string]string, ok bool) {
	for _, candidate := range r.routes {
		if candidate.Method != anyMethod && candidate.Method != method {
			continue
		}
		if variables, ok := candidate.matchPath(path); ok {
			return candidate, variables, true
		}
	}
	return route{}, nil, false
}

func (r route) matchPath(path string) (variables map[string]string, ok bool) {
	if r.Path == defaultRoute {
		return nil, true
	}
	rest, ok := strings.CutPrefix(path, "/")
	if !ok {
		return nil, false
	}
	bind := func(s segment, text string) bool {
		if variables == nil {
			variables = map[string]string{}
		}
		variables[s.text] = text
		return text != ""
	}
	for i, s := range r.segments {
		if s.kind == greedy {
			ok := bind(s, rest)
			return variables, ok
		}
		text, after, more := strings.Cut(rest, "/")
		if s.kind == literal && s.text != text || s.kind == variable && !bind(s, text) {
			return nil, false
		}
		if last := i == len(r.segments)-1; more == last {
			return nil, false
		}
		rest = after
	}
	return variables, true
}
