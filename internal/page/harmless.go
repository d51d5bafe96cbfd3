package page

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Elements of the HTML that a site's settings may add to its pages. What is within others
// stays, but for that of elements whose content is no text.
var (
	inlineElements = []string{"a", "span", "strong", "b", "em", "i", "small", "code"}
	blockElements  = []string{"p", "div", "ul", "ol", "li"}
	emptyElements  = []string{"br", "hr", "img"}
	noText         = []string{
		"script", "style", "template", "iframe", "object", "embed", "noscript", "noembed", "noframes", "svg", "math", "textarea", "title", "select", "xmp", "plaintext",
	}
)

// harmless is what can go into a page of the HTML: the elements above with a class and
// harmless addresses, each closed where it has to be. What it returns comes back unchanged.
func harmless(source string) string {
	body := &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
	nodes, err := html.ParseFragment(strings.NewReader(source), body)
	if err != nil { // nested too deeply
		return ""
	}
	var w sieve
	for _, n := range nodes {
		w.node(n, nil)
	}
	return orElse(string(w.b), "")
}

// A sieve writes what is harmless of a tree. An element is left out where a parser would
// move it: a paragraph ends where a block begins, and a link where another one does.
type sieve struct{ writer }

func (w *sieve) node(n *html.Node, within []string) {
	switch {
	case n.Type == html.TextNode:
		w.text(n.Data)
	case n.Type != html.ElementNode || n.Namespace != "" || slices.Contains(noText, n.Data):
	case slices.Contains(emptyElements, n.Data):
		w.empty(n, within)
	case w.open(n, within):
		w.children(n, append(slices.Clip(within), n.Data))
		w.raw("</", raw(n.Data), ">")
	default:
		w.children(n, within)
	}
}

func (w *sieve) children(n *html.Node, within []string) {
	for child := range n.ChildNodes() {
		w.node(child, within)
	}
}

// open begins an element, if it may be there.
func (w *sieve) open(n *html.Node, within []string) bool {
	parent := ""
	if len(within) > 0 {
		parent = within[len(within)-1]
	}
	switch {
	case slices.Contains(inlineElements, n.Data):
		if slices.Contains(within, n.Data) && n.Data != "span" || n.Data == "a" && !safeAddress(value(n, "href")) {
			return false
		}
	case !slices.Contains(blockElements, n.Data), slices.Contains(within, "p"), n.Data == "li" && parent != "ul" && parent != "ol":
		return false
	}
	w.raw("<", raw(n.Data))
	if n.Data == "a" {
		w.outward(value(n, "href"))
	}
	w.class(n)
	w.raw(">")
	return true
}

// empty writes an element that has no content.
func (w *sieve) empty(n *html.Node, within []string) {
	if n.Data == "hr" && slices.Contains(within, "p") || n.Data == "img" && !safeImage(value(n, "src")) {
		return
	}
	w.raw("<", raw(n.Data))
	if n.Data == "img" {
		w.attr("src", value(n, "src"))
		w.attr("alt", value(n, "alt"))
		for _, side := range []string{"width", "height"} {
			if v := value(n, side); v != "" && strings.Trim(v, "0123456789") == "" {
				w.attr(raw(side), v)
			}
		}
	}
	w.class(n)
	w.raw(">")
}

func (w *sieve) class(n *html.Node) {
	if v := value(n, "class"); v != "" {
		w.attr("class", v)
	}
}

// value is that of an attribute, "" if the element has none.
func value(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Namespace == "" && a.Key == name {
			return a.Val
		}
	}
	return ""
}
